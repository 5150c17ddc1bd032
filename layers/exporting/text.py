"""Text formats: every feature's text is made by PostgreSQL, and leaves as soon as it is read."""

from __future__ import annotations

import json
from collections.abc import Iterator

from psycopg2 import sql

from layers.columns import column_types, has_integer_id
from layers.crs import CRS84, Crs, crs84
from layers.exporting.rows import Source, blocks
from layers.filters import column
from layers.items import feature_text, geometry_out, selected
from layers.models import Field

JSONFG_CONFORMS = ("http://www.opengis.net/spec/json-fg-1/0.2/conf/core",)
_RISKY = r"^[=+@\t\r-]"
_NUMBER = r"^[+-]?[0-9]+([.,][0-9]+)?$"


def text_export(name: str, source: Source) -> Iterator[bytes]:
    """The bytes of an export in a text format (`geojson`, `geojsonseq`, `jsonfg`, `csv`), block by block."""
    return {"geojson": _geojson, "geojsonseq": _geojsonseq, "jsonfg": _jsonfg, "csv": _csv}[name](source)


def feature_column(name: str, source: Source) -> sql.Composable:
    """SQL text of one feature `f` in a format whose features are JSON."""
    names = tuple(selected(source.allowed, source.query.properties))
    if name == "jsonfg":
        return _fg_feature(source, names)
    return feature_text(source.layer, names, source.query.crs, source.query.skip_geometry)


def collection_head(name: str, source: Source) -> bytes:
    """What stands before the features of a collection: it ends with an open bracket."""
    if name == "jsonfg":
        opening = {
            "type": "FeatureCollection",
            "conformsTo": list(JSONFG_CONFORMS),
            "featureType": source.layer.slug,
            "coordRefSys": source.query.crs.uri,
        }
        return json.dumps(opening).encode()[:-1] + b',"features":['
    return b'{"type":"FeatureCollection","features":['


def _geojson(source: Source) -> Iterator[bytes]:
    return _collection("geojson", source)


def _jsonfg(source: Source) -> Iterator[bytes]:
    return _collection("jsonfg", source)


def _collection(name: str, source: Source) -> Iterator[bytes]:
    head = collection_head(name, source)
    for rows in blocks(source, feature_column(name, source), text_as_bytes=True):
        yield head + b",\n".join([row[0] for row in rows])
        head = b",\n"
    yield (head if head != b",\n" else b"") + b"]}\n"


def _geojsonseq(source: Source) -> Iterator[bytes]:
    # RFC 8142: each text between a record separator and a line feed.
    for rows in blocks(source, feature_column("geojsonseq", source), text_as_bytes=True):
        yield b"".join([b"\x1e" + row[0] + b"\n" for row in rows])


def _fg_feature(source: Source, names: tuple[str, ...]) -> sql.Composable:
    """A JSON-FG feature: `place` holds the geometry in another CRS, `geometry` always the one in CRS84, `time`."""
    layer, crs = source.layer, source.query.crs
    plain = feature_text(layer, names, crs84(), source.query.skip_geometry)
    place: sql.Composable = sql.SQL("'null'")
    if source.has_geometry and crs.uri != CRS84:
        shape = geometry_out(layer, crs)
        place = sql.SQL("coalesce(ST_AsGeoJSON({}, {}, 0), 'null')").format(shape, sql.Literal(crs.digits))
    # The plain feature opens with {"type":"Feature", (18 characters); the members of JSON-FG go in behind them.
    return sql.SQL(
        """'{{"type":"Feature","time":' || {time} || ',"place":' || {place} || ',' || substr({plain}, 19)"""
    ).format(time=_time(source), place=place, plain=plain)


def _time(source: Source) -> sql.Composable:
    layer = source.layer
    if not layer.time_field or layer.time_field not in source.allowed.fields:
        return sql.SQL("'null'")
    name = column(layer.time_field)
    if column_types(layer).get(layer.time_field) == "date":
        return sql.SQL("""coalesce('{{"date":"' || {}::text || '"}}', 'null')""").format(name)
    moment = sql.SQL("""to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""").format(name)
    return sql.SQL("""coalesce('{{"timestamp":"' || {} || '"}}', 'null')""").format(moment)


def _csv(source: Source) -> Iterator[bytes]:
    head = csv_head(source)
    for rows in blocks(source, csv_line(source), text_as_bytes=True):
        yield head + b"".join([row[0] for row in rows])
        head = b""
    if head:
        yield head


def csv_head(source: Source) -> bytes:
    """The line of names: identifier, attributes, then the geometry's columns."""
    names = source.names
    if source.has_geometry:
        names += coordinate_names(source.query.crs) if _is_point(source) else ["geometry"]
    return (",".join(f'"{name}"' for name in names) + "\r\n").encode()


def coordinate_names(crs: Crs) -> list[str]:
    """Names of the columns that hold a point: always easting or longitude first, whatever the CRS says."""
    return ["longitude", "latitude"] if crs.is_geographic else ["x", "y"]


def csv_line(source: Source) -> sql.Composable:
    """SQL text of one feature `f` as a line of CSV (RFC 4180)."""
    layer, crs = source.layer, source.query.crs
    kinds: dict[str, str] = {layer.id_field: Field.Type.INTEGER} if has_integer_id(layer) else {}
    kinds |= {entry.name: entry.type for entry in layer.fields}
    cells = [_cell(column(name), kinds.get(name, Field.Type.STRING)) for name in source.names]
    if source.has_geometry:
        shape: sql.Composable = column(layer.geometry_field)
        if (layer.srid or 4326) != crs.srid:
            shape = sql.SQL("ST_Transform({}, {})").format(shape, sql.Literal(crs.srid))
        if _is_point(source):
            number = "coalesce(round({}({})::numeric, {})::text, '')"
            digits = sql.Literal(crs.digits)
            cells += [sql.SQL(number).format(sql.SQL(axis), shape, digits) for axis in ("ST_X", "ST_Y")]
        else:
            text = sql.SQL("coalesce('\"' || ST_AsText({}, {}) || '\"', '')")
            cells.append(text.format(shape, sql.Literal(crs.digits)))
    return sql.SQL("{} || chr(13) || chr(10)").format(sql.SQL(" || ',' || ").join(cells))


def _cell(name: sql.Composable, kind: str) -> sql.Composable:
    if kind in {Field.Type.INTEGER, Field.Type.NUMBER, Field.Type.BOOLEAN, Field.Type.DATE}:
        return sql.SQL("coalesce({}::text, '')").format(name)
    # A spreadsheet runs text that opens like a formula; an apostrophe makes it text again.
    form = """coalesce('"' || CASE WHEN {n}::text ~ {risky} AND {n}::text !~ {number} THEN '''' ELSE '' END
        || replace({n}::text, '"', '""') || '"', '')"""
    return sql.SQL(form).format(n=name, risky=sql.Literal(_RISKY), number=sql.Literal(_NUMBER))


def _is_point(source: Source) -> bool:
    return source.layer.geometry_type.upper().removesuffix("M").removesuffix("Z").strip() == "POINT"
