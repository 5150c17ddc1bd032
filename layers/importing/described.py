"""What a reading process says of a source layer, checked before it becomes SQL: that process is not trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from layers.importing.columns import SQL_TYPES, Column
from layers.importing.crs import Bounds
from layers.importing.errors import ImportRefused
from layers.models import Field, column_validator

GEOMETRY_TYPES = frozenset(
    {"POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON", "GEOMETRY"}
)


@dataclass(frozen=True, slots=True)
class Described:
    """A source layer: what the table must look like and what the report tells."""

    columns: list[Column]
    geometry_type: str
    has_z: bool
    srid: int | None
    """EPSG code of the source, None where it has none."""
    storage_srid: int
    """0 for a table without places."""
    fits_web_mercator: bool
    expected: int | None
    crs: str
    crs_how: str
    encoding: str
    encoding_how: str
    notes: list[str]
    rejected_rows: int
    rejected_lines: list[int]
    degrees: Bounds | None = None
    """West, south, east, north as the file is read."""
    turned: Bounds | None = None
    """The same with the axes the other way round."""


def described(facts: dict[str, Any], known_srids: frozenset[int]) -> Described:
    """The facts as a reader gave them. Raises ImportRefused when they are not what a sane reader says."""
    try:
        result = Described(
            columns=[_column(one) for one in facts["columns"]],
            geometry_type=geometry_type(facts["geometry_type"]) if facts["storage_srid"] else "",
            has_z=bool(facts["has_z"]),
            srid=None if facts["srid"] is None else int(facts["srid"]),
            storage_srid=int(facts["storage_srid"]),
            fits_web_mercator=bool(facts["fits_web_mercator"]),
            expected=None if facts["expected"] is None else int(facts["expected"]),
            crs=_text(facts["crs"], 200),
            crs_how=_text(facts["crs_how"], 300),
            encoding=_text(facts["encoding"], 40),
            encoding_how=_text(facts["encoding_how"], 300),
            notes=[_text(note, 1000) for note in facts["notes"][:200]],
            rejected_rows=int(facts["rejected_rows"]),
            rejected_lines=[int(line) for line in facts["rejected_lines"]],
            degrees=_box(facts.get("degrees")),
            turned=_box(facts.get("turned")),
        )
        is_table = (result.geometry_type, result.storage_srid) == ("", 0)
        if (result.storage_srid not in known_srids and not is_table) or len(
            {one.name for one in result.columns}
        ) != len(result.columns):
            raise ValueError("srid or names")
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise ImportRefused(_("La lettura ha dato una risposta senza senso.")) from error
    return result


def geometry_type(value: Any) -> str:
    """A geometry type that may stand in a CREATE TABLE. Raises ValueError."""
    if value not in GEOMETRY_TYPES:
        raise ValueError(f"no geometry type {str(value)[:40]!r}")
    return str(value)


def _column(one: dict[str, Any]) -> Column:
    name, sql_type = str(one["name"]), str(one["sql_type"])
    column_validator(name)
    if sql_type not in SQL_TYPES or len(name) > 63:
        raise ValueError(f"no column {name!r} {sql_type!r}")
    return Column(_text(one["source"], 255), name, sql_type, Field.Type(one["type"]), _text(one["title"], 200))


def _box(value: Any) -> Bounds | None:
    if value is None:
        return None
    west, south, east, north = (float(number) for number in value)
    return west, south, east, north


def _text(value: Any, longest: int) -> str:
    return str(value).replace("\0", "")[:longest]
