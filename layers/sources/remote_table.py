"""What a table over there looks like, and how each of its columns is read here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import psycopg2
from django.utils.translation import gettext as _
from psycopg2 import sql

from geoportal.sql import queries
from layers.importing.columns import safe_names
from layers.models import Field
from layers.sources.errors import SourceFailed, SourceRefused

SQL = queries("layers.sources", "foreign")
Type = Field.Type
_PLAIN: dict[str, tuple[str, Type]] = {
    "bool": ("boolean", Type.BOOLEAN),
    "int2": ("smallint", Type.INTEGER),
    "int4": ("integer", Type.INTEGER),
    "int8": ("bigint", Type.INTEGER),
    "float4": ("real", Type.NUMBER),
    "float8": ("double precision", Type.NUMBER),
    "numeric": ("numeric", Type.NUMBER),
    "text": ("text", Type.STRING),
    "varchar": ("varchar", Type.STRING),
    "bpchar": ("bpchar", Type.STRING),
    "uuid": ("uuid", Type.STRING),
    "date": ("date", Type.DATE),
    "timestamp": ("timestamp", Type.DATETIME),
    "timestamptz": ("timestamptz", Type.DATETIME),
    "json": ("json", Type.JSON),
    "jsonb": ("jsonb", Type.JSON),
}
_GEOMETRY = re.compile(r"^geometry(?:\((\w+?)(Z?M?)(?:,(\d+))?\))?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Geometry:
    """How the geometry is read."""

    expression: sql.Composable
    type: str
    has_z: bool
    srid: int


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column over there."""

    name: str
    type: str
    """PostgreSQL's short name of it."""
    base: str
    """The same, or what a domain is made of."""
    is_enum: bool
    geometry: str
    """"geometry(Point,32632)", or empty."""
    is_key: bool

    @classmethod
    def of(cls, row: tuple[Any, ...]) -> Attribute:
        return cls(str(row[0]), str(row[1]), str(row[2]), row[3] == "e", str(row[4]), bool(row[5]))

    @property
    def sql_type(self) -> str:
        """What it is declared as here: its text arrives, whatever its type over there."""
        if self.type == "geometry":
            return self.geometry or "geometry"
        return _PLAIN[self.base][0] if self.base in _PLAIN else "text"

    @property
    def field_type(self) -> Type:
        return _PLAIN[self.base][1] if self.base in _PLAIN else Type.STRING

    @property
    def is_shown(self) -> bool:
        return self.type not in {"geometry", "geography", "bytea", "raster"}

    @property
    def expression(self) -> sql.Composable:
        if self.base in _PLAIN:
            return sql.Identifier(self.name)
        # Not immutable, therefore computed here: over there this column is no text and could not be compared as one.
        return sql.SQL("concat({})").format(sql.Identifier(self.name))

    @property
    def signature(self) -> str:
        return f"{self.name} {self.geometry or self.type}"[:200]


@dataclass(frozen=True)
class Shape:
    """All columns of a table that can be read here."""

    attributes: tuple[Attribute, ...]
    has_postgis: bool

    @cached_property
    def fields(self) -> dict[str, Attribute]:
        """What the layer shows, by safe name."""
        shown = [one for one in self.attributes if one.is_shown]
        return dict(zip(safe_names(one.name for one in shown), shown, strict=True))

    @property
    def signature(self) -> list[str]:
        return [one.signature for one in self.attributes]

    def key(self, asked: str) -> Attribute:
        """The column that tells rows apart. Raises SourceRefused when there is none or it is not the one asked for."""
        names = {one.name: one for one in self.attributes if one.is_shown}
        if asked and asked in names:
            return names[asked]
        key = next((one for one in self.attributes if one.is_key), None)
        if asked or key is None:
            raise SourceRefused(
                _("Serve un campo che identifichi le righe: la tabella ha %(names)s.")
                % {"names": ", ".join(names)[:300]}
            )
        return key


def read_shape(options: Mapping[str, Any], schema: str, table: str, timeout_ms: int) -> Shape:
    """Ask a PostgreSQL for the columns of a table, over a connection of its own. Raises SourceFailed."""
    try:
        link = psycopg2.connect(
            **options, connect_timeout=3, options=f"-c statement_timeout={timeout_ms}", application_name="geoportale"
        )
    except (psycopg2.Error, UnicodeDecodeError) as error:
        raise SourceFailed(_first_line(error)) from error
    try:
        with link, link.cursor() as cursor:
            cursor.execute(SQL["remote_columns"], {"schema": schema, "table": table})
            rows = cursor.fetchall()
            if not rows:
                cursor.execute(SQL["remote_tables"], {"schema": schema})
                names = ", ".join(str(name) for (name,) in cursor.fetchall()) or "–"
                raise SourceFailed(
                    _("Nello schema %(schema)s non c'è «%(table)s»; ci sono: %(names)s.")
                    % {"schema": schema, "table": table, "names": names}
                )
            cursor.execute("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'postgis')")
            (has_postgis,) = cursor.fetchone()
    except psycopg2.Error as error:
        raise SourceFailed(_first_line(error)) from error
    finally:
        link.close()
    return Shape(
        tuple(Attribute.of(row) for row in rows if row[1] not in {"geography", "raster", "bytea"}), bool(has_postgis)
    )


def geometry_of(shape: Shape, options: Mapping[str, Any]) -> Geometry | None:
    """The geometry, in the SRID it has or that was said. Raises SourceRefused when neither says one."""
    found = [one for one in shape.attributes if one.type == "geometry"]
    asked = str(options.get("geometry_field", ""))
    chosen = next((one for one in found if one.name == asked), None) if asked else (found[0] if found else None)
    if chosen is None:
        if asked:
            names = ", ".join(one.name for one in found) or "–"
            raise SourceRefused(
                _("Non c'è la geometria «%(name)s»: ci sono %(names)s.") % {"name": asked, "names": names}
            )
        return None
    match = _GEOMETRY.match(chosen.geometry)
    kind = (match[1] or "geometry").upper() if match else "GEOMETRY"
    has_z = bool(match and "Z" in (match[2] or "").upper())
    own = int(match[3] or 0) if match else 0
    srid = own or int(options.get("srid") or 0)
    if not srid:
        raise SourceRefused(
            _("La geometria «%(name)s» non dice il suo sistema di riferimento: scrivere il codice EPSG.")
            % {"name": chosen.name}
        )
    column: sql.Composable = sql.Identifier(chosen.name)
    if not own:
        column = sql.SQL("ST_SetSRID({}, {})").format(column, sql.Literal(srid))
    if match is None or "M" in (match[2] or "").upper():
        column = sql.SQL("ST_Force2D({})").format(column)
        has_z = False
    return Geometry(column, kind, has_z, srid)


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:300] if text else type(error).__name__
