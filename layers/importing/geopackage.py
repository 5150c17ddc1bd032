"""What stands in a GeoPackage's own list: its tables, and views that may never end. Runs in a reading process."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from layers.importing.errors import ImportRefused

_ENDLESS = re.compile(r"\bwith\s+recursive\b|\bgenerate_series\s*\(", re.IGNORECASE)


def sqlite_tables(path: Path) -> set[str]:
    """The names of a database's tables, in lower case; none of a broken one."""
    try:
        return {str(name).lower() for (name,) in _asked(path, "SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.Error:
        return set()


def _asked(path: Path, question: str) -> list[Any]:
    # Immutable: no journal is looked for, and nothing is written beside the file.
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
        return database.execute(question).fetchall()


def endless_views(path: Path) -> set[str]:
    """The views, in lower case, that are recursive or are made of such ones. Raises ImportRefused for a broken file."""
    try:
        rows = _asked(path, "SELECT name, sql FROM sqlite_master WHERE type = 'view'")
    except sqlite3.Error as error:
        raise ImportRefused(_("Il GeoPackage è rovinato: %(error)s") % {"error": error}) from error
    code = {str(name).lower(): str(text).lower() for name, text in rows}
    found = {name for name, text in code.items() if _ENDLESS.search(text)}
    more = set(found)
    while more:
        more = {name for name, text in code.items() if name not in found and any(other in text for other in more)}
        found |= more
    return found


def refusal(view: str) -> ImportRefused:
    """Why such a view is not read."""
    return ImportRefused(
        _("La vista %(name)s è ricorsiva e potrebbe non finire mai: salvarla come tabella nel GeoPackage.")
        % {"name": view[:80]}
    )
