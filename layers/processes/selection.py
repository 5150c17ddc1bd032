"""Features of a layer as a process takes them: by filter, box or identifiers, with the rights of whoever asks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import psycopg2.errors
from django.db import connection, transaction
from psycopg2 import extensions, sql

from geoportal.sql import queries
from layers.catalogue import LayerEntry
from layers.columns import column_types
from layers.crs import epsg
from layers.database import table_of
from layers.errors import BadQuery, QueryTooSlow
from layers.filters import Clause, Whitelist, column
from layers.items import ItemsQuery, conditions
from layers.processes.model import Input, Run

SQL = queries("layers.processes", "processes")
METRIC_SRID = 32632
VERTICES_MAX = 10_000
_CASTS = frozenset({"smallint", "integer", "bigint", "uuid"})

AREA_SCHEMA = {
    "type": "object",
    "required": ["type", "coordinates"],
    "properties": {"type": {"enum": ["Polygon", "MultiPolygon"]}, "coordinates": {"type": "array"}},
}


def selection_inputs(prefix: str, noun_it: str, noun_en: str, *, required: bool = True) -> dict[str, Input]:
    """The inputs that choose features of one layer."""
    slug = {"type": "string", "minLength": 1, "maxLength": 63}
    text = {"type": "string", "minLength": 1, "maxLength": 8192}
    ids = {"type": "array", "items": {"type": ["string", "integer"]}, "minItems": 1, "maxItems": 1000}
    box = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4}
    return {
        f"{prefix}layer": Input(f"Livello {noun_it}", f"Layer {noun_en}", slug, required),
        f"{prefix}filter": Input("Condizione CQL2", "CQL2 condition", text),
        f"{prefix}ids": Input("Identificativi degli elementi", "Feature identifiers", ids),
        f"{prefix}bbox": Input("Riquadro in gradi (CRS84)", "Box in degrees (CRS84)", box),
    }


@dataclass(frozen=True, slots=True)
class Chosen:
    """A layer and the condition its features must meet; `clause` carries the values."""

    layer: LayerEntry
    allowed: Whitelist
    clause: Clause

    @property
    def id(self) -> sql.Composable:
        return column(self.layer.id_field)

    @property
    def stored(self) -> sql.Composable:
        return column(self.layer.geometry_field)

    @property
    def properties(self) -> sql.Composable:
        """The attributes the asker may see, as JSON text."""
        if not self.allowed.fields:
            return sql.SQL("'{}'")
        names = sql.SQL(", ").join([column(name) for name in self.allowed.fields])
        return sql.SQL("row_to_json((SELECT p FROM (SELECT {}) AS p))::text").format(names)

    def selection(self, work_srid: int, cap: int) -> sql.Composed:
        """A SELECT of id, geom (in the CRS to compute in) and properties, of one row more than the cap."""
        return sql.SQL(SQL["selection"]).format(
            id=self.id,
            geometry=moved(self.stored, self.layer.srid or 4326, work_srid),
            properties=self.properties,
            table=table_of(self.layer),
            where=self.clause.sql,
            stored=self.stored,
            cap=sql.Literal(cap),
        )


def choose(run: Run, prefix: str, params: dict[str, Any]) -> Chosen:
    """The features a run asks for under a prefix; their values go into `params`. Raises BadQuery, LayerNotFound."""
    slug = run.inputs[f"{prefix}layer"]
    layer = run.held.layer(slug, run.audience)
    run.meet(layer)
    if layer.kind != "vector" or not layer.geometry_field:
        raise BadQuery(f"inputs.{prefix}layer", f"{slug!r} has no geometries to compute with; choose a vector layer.")
    allowed = Whitelist.of(layer, run.audience)
    clause = Clause(params=params)
    box = run.inputs.get(f"{prefix}bbox")
    query = ItemsQuery(
        bbox=",".join(str(number) for number in box) if box else "", filter=run.inputs.get(f"{prefix}filter", "")
    )
    conditions(allowed, query, clause)
    ids = run.inputs.get(f"{prefix}ids")
    if ids:
        kind = column_types(layer).get(layer.id_field, "text")
        held = clause.value([str(one) for one in ids])
        # An index on numbers serves numbers; whatever else identifies is compared as text.
        form = "{} = ANY({}::text[]::" + kind + "[])" if kind in _CASTS else "{}::text = ANY({}::text[])"
        clause.parts.append(sql.SQL(form).format(column(layer.id_field), held))
    return Chosen(layer, allowed, clause)


def metric_srid(layer: LayerEntry) -> int:
    """A CRS in true metres to compute in: the layer's own, or UTM 32N for degrees and Web Mercator."""
    srid = layer.srid or 4326
    return METRIC_SRID if srid == 3857 or epsg(srid).is_geographic else srid


def moved(shape: sql.Composable, srid: int, work_srid: int) -> sql.Composable:
    """A geometry expression in the CRS to compute in."""
    if srid == work_srid:
        return shape
    return sql.SQL("ST_Transform({}, {})").format(shape, sql.Literal(work_srid))


def area_text(area: dict[str, Any]) -> str:
    """A drawn area as GeoJSON text. Raises BadQuery when it has too many vertices or no numbers for coordinates."""
    if _vertices(area["coordinates"]) > VERTICES_MAX:
        raise BadQuery("inputs.area", f"it has more than {VERTICES_MAX} vertices; simplify it.")
    return json.dumps({"type": area["type"], "coordinates": area["coordinates"]}, allow_nan=False)


def _vertices(coordinates: Any) -> int:
    if not isinstance(coordinates, list):
        raise BadQuery("inputs.area", "coordinates are nested arrays of numbers.")
    if coordinates and all(isinstance(one, int | float) and not isinstance(one, bool) for one in coordinates):
        if len(coordinates) < 2 or abs(coordinates[0]) > 180 or abs(coordinates[1]) > 90:
            raise BadQuery("inputs.area", "coordinates are longitude and latitude in degrees.")
        return 1
    return sum(_vertices(one) for one in coordinates)


def ask(run: Run, statement: sql.Composable, params: dict[str, Any]) -> tuple[Any, ...]:
    """The row of a statement within the run's time, text undecoded. Raises BadQuery and QueryTooSlow."""
    with transaction.atomic(), connection.cursor() as wrapped:
        wrapped.execute("SELECT set_config('statement_timeout', %s, true)", [str(run.limits.seconds * 1000)])
        with connection.connection.cursor() as cursor:
            extensions.register_type(extensions.BYTES, cursor)
            try:
                cursor.execute(statement, params)
            except psycopg2.errors.QueryCanceled as error:
                raise QueryTooSlow from error
            except (psycopg2.errors.DataError, psycopg2.errors.InternalError) as error:
                raise BadQuery("inputs", str(error).strip().split("\n", 1)[0][:300]) from error
            return tuple(cursor.fetchone() or ())


def refuse_too_many(run: Run, name: str, found: int) -> None:
    """Raises BadQuery when a run reads more features than it may."""
    if found > run.limits.features:
        raise BadQuery(
            f"inputs.{name}",
            f"more than {run.limits.features} features; narrow them by filter, bbox or ids, or ask for a job (Prefer: "
            "respond-async), signed in for more.",
        )


def sized(run: Run, body: bytes) -> bytes:
    """A result, unless it is larger than a run may make. Raises BadQuery."""
    if len(body) > run.limits.result_bytes:
        most = run.limits.result_bytes // 2**20
        raise BadQuery("inputs", f"the result is larger than {most} MB; ask for fewer features.")
    return body


def collection(features: bytes) -> bytes:
    """GeoJSON text of a collection."""
    return b'{"type":"FeatureCollection","features":[%s]}' % features
