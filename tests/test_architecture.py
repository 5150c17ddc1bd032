"""Imports go one way: geoportal.urls → ogc, wifi, kiosks → layers, geoportal.messaging, geoportal.monitoring."""

import ast
from pathlib import Path

import pytest

BASE = Path(__file__).resolve().parent.parent
PACKAGES = ("geoportal", "layers", "ogc", "wifi", "kiosks")

SHARED = ("geoportal.sql", "geoportal.env", "geoportal.models")
"""Subjects of the project package that every app may use."""
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "layers": ("layers", *SHARED),
    "ogc": ("ogc", "layers", *SHARED),
    "wifi": ("wifi", "layers", "geoportal.messaging", "geoportal.monitoring", *SHARED),
    "kiosks": ("kiosks", "layers", "geoportal.messaging", "geoportal.monitoring", *SHARED),
    "geoportal.messaging": ("geoportal.messaging", "geoportal.monitoring", *SHARED),
    "geoportal.monitoring": ("geoportal.monitoring", "geoportal.messaging", *SHARED),
    "geoportal.simulator": ("geoportal.simulator", "geoportal.messaging.device"),
}
WITHOUT_DJANGO = (
    "geoportal/messaging/topics.py",
    "geoportal/messaging/device",
    "geoportal/simulator",
    "wifi/agent",
    "kiosks/agent",
)
"""What runs on a device: no Django, not even by way of another module of ours."""


def modules() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((BASE / package).rglob("*.py"))]


def imported(path: Path) -> set[str]:
    """Absolute names of what a file imports, at any depth of the file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def inside(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def rules_for(path: Path) -> tuple[str, ...] | None:
    dotted = ".".join(path.relative_to(BASE).with_suffix("").parts)
    found = [package for package in MAY_IMPORT if inside(dotted, (package,))]
    return MAY_IMPORT[max(found, key=len)] if found else None


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(BASE)))
def test_a_module_imports_only_what_its_package_may(path: Path) -> None:
    allowed = rules_for(path)
    if allowed is None:
        return  # the project package itself ties everything together
    ours = {name for name in imported(path) if inside(name, PACKAGES)}
    assert {name for name in ours if not inside(name, allowed)} == set()


def test_what_runs_on_a_device_needs_no_django() -> None:
    seen: set[Path] = set()
    todo = [
        path
        for root in WITHOUT_DJANGO
        for path in ([BASE / root] if root.endswith(".py") else (BASE / root).rglob("*.py"))
    ]
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        for name in imported(path):
            assert not inside(name, ("django",)), f"{path.relative_to(BASE)} imports {name}"
            if inside(name, PACKAGES):
                todo += sources_of(name)
    assert seen


def sources_of(name: str) -> list[Path]:
    """Every file that importing this dotted name runs: the packages on the way and the module itself."""
    found: list[Path] = []
    place = BASE
    for part in name.split("."):
        place = place / part
        found += [path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()]
    return found
