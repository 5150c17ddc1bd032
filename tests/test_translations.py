"""Every text of the site, in templates and code of every app, has an English translation."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

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
