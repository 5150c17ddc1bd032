"""Every text of the site, in templates and code of every app, has an English translation."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib import admin
from django.utils.functional import Promise

BASE = Path(__file__).resolve().parents[1]
APPS = ("geoportal", "layers", "ogc", "wifi", "kiosks")


def entries(po: str) -> dict[str, str]:
    """msgid to the first of its translations, both as written in a .po file."""
    flat = re.sub(r'"\n"', "", po)
    found = re.findall(r'^msgid "(.*)"\n(?:msgid_plural ".*"\n)?msgstr(?:\[0\])? "(.*)"$', flat, re.MULTILINE)
    return {source: target for source, target in found if source}


def translated(app: str) -> dict[str, str]:
    files = [*(BASE / app).rglob("locale/en/LC_MESSAGES/django.po")]
    return {source: target for file in files for source, target in entries(file.read_text(encoding="utf-8")).items()}


@pytest.mark.parametrize("app", APPS)
def test_every_text_has_its_english(app: str, tmp_path: Path) -> None:
    (tmp_path / "locale").mkdir()
    for path in [*(BASE / app).rglob("*.py"), *(BASE / app).rglob("*.html"), *(BASE / app).rglob("*.txt")]:
        copy = tmp_path / path.relative_to(BASE / app)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    command = [sys.executable, "-m", "django", "makemessages", "-l", "en", "--no-location", "--no-wrap"]
    subprocess.run(command, cwd=tmp_path, env={"PATH": "/usr/bin:/bin"}, check=True, capture_output=True)
    used = entries((tmp_path / "locale/en/LC_MESSAGES/django.po").read_text(encoding="utf-8"))
    known = {source: target for name in APPS for source, target in translated(name).items()}
    assert sorted(text for text in used if not known.get(text)) == []


@pytest.mark.parametrize("app", APPS)
def test_no_translation_waits_for_somebody_to_look_at_it(app: str) -> None:
    """What is marked fuzzy is left out of the compiled file: the page shows Italian."""
    files = [*(BASE / app).rglob("locale/en/LC_MESSAGES/django.po")]
    assert [
        file for file in files if re.search(r"^#,.*\bfuzzy\b", file.read_text(encoding="utf-8"), re.MULTILINE)
    ] == []


def test_the_administration_names_apps_and_choices_in_the_language_of_the_reader() -> None:
    ours = [config for config in apps.get_app_configs() if config.name.split(".")[0] in APPS]
    assert [config.name for config in ours if not isinstance(config.verbose_name, Promise)] == []
    models = [model for config in ours for model in config.get_models() if admin.site.is_registered(model)]
    labels = [(model, field.name, label) for model in models for field in model._meta.fields
              for value, label in field.flatchoices if value]  # fmt: skip
    assert labels
    assert [(model, name, label) for model, name, label in labels if not isinstance(label, Promise)] == []
