"""docker-compose.yml, the Dockerfile and .env.example speak of commands, files and variables that exist."""

import ast
import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands, load_command_class

from geoportal.runtime import cluster

BASE = Path(__file__).resolve().parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((BASE / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if service.get("image") == "geoportale-app")
PACKAGES = ("geoportal", "layers", "ogc", "wifi", "kiosks")
FROM_ENV = {"raw", "text", "integer", "boolean", "words", "path"}


@cache
def variables_of_the_code() -> set[str]:
    """Every name that is read through geoportal.env."""
    found: set[str] = set()
    for path in (path for package in PACKAGES for path in (BASE / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="env"), attr=function),
                    args=[ast.Constant(value=str(name)), *_],
                ) if function in FROM_ENV:
                    found.add(name)
    return found


def variables_of_the_example() -> set[str]:
    lines = (BASE / ".env.example").read_text(encoding="utf-8").splitlines()
    return {match[1] for line in lines if (match := re.match(r"(?:# )?([A-Z][A-Z0-9_]*)=", line))}


def interpolated() -> set[str]:
    text = (BASE / "docker-compose.yml").read_text(encoding="utf-8")
    return set(re.findall(r"\$\{([A-Z_]+)", text))


def manage_commands(words: list[str]) -> list[list[str]]:
    """The `manage.py …` command lines in a service's command, also inside `sh -c`."""
    if words[:2] == ["sh", "-c"]:
        return [manage for part in words[2].split("&&") for manage in manage_commands(part.split())]
    return [words[2:]] if words[:2] == ["python", "manage.py"] else []


def test_the_processes_of_make_run_are_all_there() -> None:
    assert {"db", "broker", "front", "web", "heavy", "live", "ingest", "monitor", "worker"} <= set(SERVICES)
    demo = {name for name, service in SERVICES.items() if service.get("profiles") == ["demo"]}
    assert demo == {"sample", "simulator"}


@pytest.mark.parametrize("name", OURS)
def test_a_service_runs_a_command_that_exists_with_options_it_has(name: str) -> None:
    lines = manage_commands(SERVICES[name]["command"])
    assert lines, f"{name} runs no manage.py command"
    for command, *options in lines:
        app = get_commands()[command]
        loaded = load_command_class(app, command) if isinstance(app, str) else app
        loaded.create_parser("manage.py", command).parse_args(options)


@pytest.mark.parametrize("name", OURS)
def test_a_health_check_runs_something_that_exists(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    if check.get("disable"):
        assert SERVICES[name]["restart"] == "no", f"{name} stays up and so needs a health check"
        return
    words = check["test"][1:]
    if words[:2] == ["python", "-m"]:
        assert importlib.util.find_spec(words[2])
    else:
        assert manage_commands(words)


@pytest.mark.parametrize("name", [name for name in SERVICES if name not in OURS])
def test_servers_of_others_have_a_health_check(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", OURS)
def test_every_variable_of_a_service_is_read_by_the_code(name: str) -> None:
    known = variables_of_the_code()
    given = {variable.removesuffix("_FILE") for variable in SERVICES[name]["environment"]}
    assert given <= known, given - known


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_runs_as_root_or_holds_a_secret_in_its_environment(name: str) -> None:
    service = SERVICES[name]
    target = service.get("build", {}).get("target")
    assert service.get("user", "root").split(":")[0] not in ("root", "0") or target == "front"
    for variable, value in service.get("environment", {}).items():
        if re.search(r"PASSWORD|SECRET", variable):
            assert variable.endswith("_FILE"), f"{name}: {variable} must be a file"
            assert Path(value).name in service["secrets"]


def test_volumes_secrets_targets_and_conditions_are_defined() -> None:
    stages = set(re.findall(r"^FROM \S+ AS (\w+)", (BASE / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE))
    for name, service in SERVICES.items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (BASE / source).is_file(), f"{name}: {source}"
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"]), name
        assert set(service.get("depends_on", {})) <= set(SERVICES), name
        assert service.get("build", {}).get("target", "app") in stages
    made = (BASE / "deploy" / "make-secrets").read_text(encoding="utf-8")
    assert all(Path(secret["file"]).name in made for secret in COMPOSE["secrets"].values())


def test_the_database_image_brings_every_extension_that_its_start_creates() -> None:
    wanted = set(re.findall(r"EXTENSION IF NOT EXISTS (\w+)", (BASE / "deploy" / "db-init.sql").read_text("utf-8")))
    assert wanted == {*cluster.EXTENSIONS, *cluster.WRAPPERS}
    stage = (BASE / "Dockerfile").read_text(encoding="utf-8").split(" AS db\n")[1].split("\nFROM ")[0]
    # PostGIS and what PostgreSQL itself brings are in the image it is made from.
    assert "postgresql-${PG_MAJOR}-ogr-fdw" in stage and "ogr_fdw" in wanted
    assert SERVICES["db"]["build"]["target"] == "db"


def test_the_front_image_is_one_that_runs_without_root() -> None:
    dockerfile = (BASE / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^FROM nginxinc/nginx-unprivileged:\S+ AS front$", dockerfile, re.MULTILINE)


def test_what_the_dockerfile_copies_is_in_the_checkout() -> None:
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", (BASE / "Dockerfile").read_text(encoding="utf-8"), re.M):
        assert all((BASE / source).exists() for source in sources.split()), sources


@pytest.mark.parametrize("template", ["nginx.conf.in", "mosquitto.conf.in", "mosquitto-tls.conf.in"])
def test_the_images_fill_in_every_mark_of_a_template(template: str) -> None:
    marks = set(re.findall(r"@[a-z_]+@", (BASE / "deploy" / template).read_text(encoding="utf-8")))
    stage = (BASE / "Dockerfile").read_text(encoding="utf-8").split(f"/tmp/{template}")[1]
    assert marks == set(re.findall(r"-e 's\|(@[a-z_]+@)\|", stage))


def test_the_example_lists_every_variable_of_the_code_and_no_other() -> None:
    ours = {name.removesuffix("_FILE") for name in variables_of_the_example() if name.startswith("GEOPORTAL_")}
    assert ours == variables_of_the_code()


def test_the_example_lists_what_compose_takes_from_the_operator() -> None:
    assert interpolated() <= variables_of_the_example()
    others = {name for name in variables_of_the_example() if not name.startswith("GEOPORTAL_")}
    assert others <= interpolated()
