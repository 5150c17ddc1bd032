"""publiccode.yml holds what the standard makes mandatory, within its lengths, and agrees with the project."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

BASE = Path(__file__).resolve().parent.parent
DOCUMENT: dict[str, Any] = yaml.safe_load((BASE / "publiccode.yml").read_text(encoding="utf-8"))
MANDATORY = (
    "publiccodeYmlVersion",
    "name",
    "url",
    "releaseDate",
    "platforms",
    "categories",
    "developmentStatus",
    "softwareType",
    "description",
    "legal.license",
    "maintenance.type",
    "localisation.localisationReady",
    "localisation.availableLanguages",
)


@pytest.mark.parametrize("path", MANDATORY)
def test_a_mandatory_key_is_there(path: str) -> None:
    value: Any = DOCUMENT
    for key in path.split("."):
        value = value[key]
    assert value not in (None, "", [], {})


@pytest.mark.parametrize("language", ["it", "en"])
def test_descriptions_keep_to_the_lengths_of_the_standard(language: str) -> None:
    text = DOCUMENT["description"][language]
    assert 1 <= len(text["genericName"]) <= 35
    assert 1 <= len(text["shortDescription"]) <= 150
    assert 500 <= len(text["longDescription"]) <= 10_000
    assert all(1 <= len(feature) <= 100 for feature in text["features"])
    assert language in DOCUMENT["localisation"]["availableLanguages"]


def test_who_maintains_it_is_named_as_its_type_asks() -> None:
    asked = {"internal": "contacts", "community": "contacts", "contract": "contractors"}
    kind = DOCUMENT["maintenance"]["type"]
    assert kind in (*asked, "none")
    assert all(entry["name"] for entry in DOCUMENT["maintenance"][asked[kind]])


def test_words_come_from_the_lists_of_the_standard() -> None:
    assert DOCUMENT["developmentStatus"] in {"concept", "development", "beta", "stable", "obsolete"}
    assert DOCUMENT["softwareType"] in {
        "standalone/mobile", "standalone/iot", "standalone/desktop", "standalone/web", "standalone/backend",
        "standalone/other", "addon", "library", "configurationFiles",
    }  # fmt: skip


def test_licence_and_version_agree_with_the_project() -> None:
    project = tomllib.loads((BASE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert DOCUMENT["legal"]["license"] == project["license"]
    assert DOCUMENT["softwareVersion"] == project["version"]
    assert (BASE / "LICENSE").read_text(encoding="utf-8").startswith("EUROPEAN UNION PUBLIC LICENCE v. 1.2")
