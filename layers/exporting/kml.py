"""KML 2.2: each placemark is made by PostgreSQL, and leaves as soon as it is read."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from psycopg2 import sql

from geoportal.sql import queries
from layers.columns import column_types, has_integer_id
from layers.crs import crs84
from layers.exporting.rows import Source, blocks
from layers.filters import column
from layers.items import geometry_out
from layers.models import Field

STYLE = "linee"
_STYLE = (
    f'<Style id="{STYLE}"><LineStyle><color>ff0000ff</color></LineStyle><PolyStyle><fill>0</fill></PolyStyle></Style>\n'
)
_HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<kml xmlns="http://www.opengis.net/kml/2.2">
<Document id="root_doc">
{style}<Schema name={name} id={name}>
{fields}</Schema>
<Folder><name>{folder}</name>
"""
_NOT_XML = "".join(map(chr, [*range(1, 9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF]))
"""Characters that a text of PostgreSQL can hold and XML 1.0 cannot, not even escaped."""
_VALUES: dict[str, str] = {
    Field.Type.INTEGER: "{value}::text",
    Field.Type.NUMBER: "{value}::float8::text",
    Field.Type.BOOLEAN: "{value}::text",
    Field.Type.DATE: "{value}::date::text",
    Field.Type.DATETIME: """to_char({value}::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""",
}


def kml_export(source: Source) -> Iterator[bytes]:
    """The bytes of a KML document: one folder, its schema, and a placemark with extended data for each feature."""
    head = _head(source)
    for rows in blocks(source, placemark(source), text_as_bytes=True):
        yield head + b"".join([row[0] for row in rows])
        head = b""
    yield head + b"</Folder>\n</Document></kml>\n"


def _head(source: Source) -> bytes:
    slug = source.layer.slug
    fields = "".join(
        f'\t<SimpleField name={quoteattr(name)} type="{_type(source, name)}"></SimpleField>\n' for name in source.names
    )
    return _HEAD.format(
        style=_STYLE if _is_drawn(source) else "", name=quoteattr(slug), fields=fields, folder=escape(slug)
    ).encode()


def placemark(source: Source) -> sql.Composable:
    """SQL text of one feature `f` as a placemark. A value that is null has no element."""
    layer = source.layer
    begin: sql.Composable = sql.SQL("'<Placemark>'")
    if has_integer_id(layer):
        begin = sql.SQL("{} || {} || '\">'").format(
            sql.Literal(f'<Placemark id="{layer.slug}.'), column(layer.id_field)
        )
    style = f"<styleUrl>#{STYLE}</styleUrl>" if _is_drawn(source) else ""
    opening = sql.Literal(f"{style}<ExtendedData><SchemaData schemaUrl={quoteattr(f'#{layer.slug}')}>")
    closing = sql.Literal("</SchemaData></ExtendedData>")
    parts = [begin, opening, *(_data(source, name) for name in source.names), closing, _geometry(source)]
    return sql.SQL("{} || '</Placemark>' || chr(10)").format(sql.SQL(" || ").join(parts))


def _data(source: Source, name: str) -> sql.Composable:
    form = _VALUES.get(_kind(source, name)) or queries("layers", "exports")["kml_text"]
    value = sql.SQL(form).format(value=column(name), not_xml=sql.Literal(_NOT_XML))
    begin = sql.Literal(f"<SimpleData name={quoteattr(name)}>")
    return sql.SQL("coalesce({} || {} || '</SimpleData>', '')").format(begin, value)


def _geometry(source: Source) -> sql.Composable:
    crs, geometry = crs84(), column(source.layer.geometry_field)
    shape = sql.SQL("ST_SetSRID({}, 4326)").format(geometry_out(source.layer, crs))
    form = sql.SQL(queries("layers", "exports")["kml_geometry"])
    return form.format(geom=geometry, shape=shape, digits=sql.Literal(crs.digits))


def _kind(source: Source, name: str) -> str:
    """The type of an attribute; an identifier that the catalogue does not describe is a text here."""
    return next((entry.type for entry in source.layer.fields if entry.name == name), Field.Type.STRING)


def _type(source: Source, name: str) -> str:
    """The type in KML, whose `int` has 32 bits: a longer number is a text, and so are dates and truth values."""
    if column_types(source.layer).get(name) in {"smallint", "integer"}:
        return "int"
    return "double" if _kind(source, name) == Field.Type.NUMBER else "string"


def _is_drawn(source: Source) -> bool:
    """Whether the features may be lines or areas: a point has the symbol of the program that shows it."""
    return "POINT" not in source.layer.geometry_type.upper()
