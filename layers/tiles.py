"""Vector tiles of a layer in any tile matrix set, encoded by PostGIS in one statement.

Source: OGC 17-083r4 (tile matrix sets), OGC 20-057 (tile addresses), Mapbox Vector Tile 2.1 (encoding).
"""

from __future__ import annotations

from typing import Any

import psycopg2.errors
from psycopg2 import sql

from geoportal.sql import queries
from layers.catalogue import LayerEntry
from layers.columns import column_types, has_integer_id
from layers.crs import epsg
from layers.database import read_row, table_of
from layers.filters import Whitelist, column
from layers.models import Field
from layers.overviews.models import SCHEMA, table_name
from layers.rights import Audience
from layers.styles.model import StyleError, parse
from layers.tile_grids import WEB_MERCATOR, TileAddress, TileGrid

FEATURE_CAP = 20_000
"""No screen tells more features of one tile apart."""
BYTES_CAP = 500_000
THIN_BELOW = 14
"""Below this zoom a tile covers so much that what is smaller than a quarter of a pixel is left out."""
SHAPE_BYTES, FIELD_BYTES = 34, 9
"""What a small line or polygon and each attribute of it take in a tile."""
FULL_FROM = 15
"""From this zoom on a tile seldom holds more than it may: only one that does is made of the largest shapes alone."""
PREPARED_FROM = 20_000
"""Features from which on a layer's tiles below `THIN_BELOW` are prepared (`layers.overviews`)."""
EXTENT, BUFFER = 4096, 64
"""Units of a tile's own grid: its side, and how far it reaches past it."""
DEGREES = " / 111320"
"""From metres to degrees of longitude, as SQL."""


def tile_fields(layer: LayerEntry, audience: Audience, asked: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """The attributes in a tile: what the layer's styles draw by, or those asked for. Raises BadQuery.

    Fewer attributes make tiles smaller and quicker; the rest is one click away under `/items/{id}`.
    """
    allowed = Whitelist.of(layer, audience)
    if asked is not None:
        return tuple(dict.fromkeys(allowed.get(name, "properties").name for name in asked))
    return tuple(name for name in style_fields(layer) if name in allowed.fields)


def style_fields(layer: LayerEntry) -> tuple[str, ...]:
    """The attributes that the layer's styles draw or label by, seen by the asker or not."""
    names: dict[str, None] = {}
    for entry in layer.styles:
        try:
            style = parse(entry.spec)
        except StyleError:
            continue  # a style that does not read is reported where it is edited
        names |= dict.fromkeys(name for name in (style.field, style.label.field if style.label else "") if name)
    return tuple(names)


def layer_tile(
    layer: LayerEntry, fields: tuple[str, ...], address: TileAddress, grid: TileGrid = WEB_MERCATOR
) -> bytes:
    """One tile: coordinates on a 4096-unit grid with a 64-unit buffer, layer name = slug, feature id = id_field.

    b"" when nothing meets it. `fields` must come from `tile_fields`. Past `BYTES_CAP` it keeps fewer features.
    Raises QueryTooSlow.
    """
    cap = first_cap(layer, fields, address)
    is_far, is_cut = is_prepared(layer, address, grid), False
    while True:
        if is_far:
            try:
                tile, count, is_far = read_row(*far_statement(layer, fields, address, cap))
            except psycopg2.errors.UndefinedTable:
                is_far = False
            if not is_far:  # the data have changed meanwhile, or the layer has become small
                continue
        else:
            statement = tile_statement(layer, fields, address, grid, is_cut=is_cut)
            tile, count = read_row(statement, tile_params(layer, address, cap, grid))
        if len(tile) <= BYTES_CAP or count <= 100:
            return bytes(tile)
        cap, is_cut = max(100, min(int(count * BYTES_CAP / len(tile) * 0.9), count - 1)), True


def is_prepared(layer: LayerEntry, address: TileAddress, grid: TileGrid) -> bool:
    """Whether a tile is among those prepared in `layers.overviews`."""
    return address.z < THIN_BELOW and grid is WEB_MERCATOR and layer.has_far_tiles


def is_passing(layer: LayerEntry, address: TileAddress, grid: TileGrid) -> bool:
    """Whether a tile is made of the table only until the layer's far tiles are prepared: nobody is to keep it."""
    refused = layer.far_tiles is not None and not layer.far_tiles.is_useful
    awaited = bool(layer.tile_geometry_field) and (layer.feature_count or 0) >= PREPARED_FROM and not refused
    return awaited and address.z < THIN_BELOW and grid is WEB_MERCATOR and not layer.has_far_tiles


def far_statement(
    layer: LayerEntry, fields: tuple[str, ...], address: TileAddress, cap: int
) -> tuple[sql.Composed, dict[str, Any]]:
    """The statement of a prepared tile and its values."""
    integer_id = has_integer_id(layer)
    statement = sql.SQL(queries("layers.overviews", "overviews")["overview_tile"]).format(
        prepared=sql.Identifier(SCHEMA, table_name(layer.id)),
        outputs=_outputs(layer, fields, integer_id),
        feature_id=_feature_id(layer, integer_id),
    )
    values = {"layer": layer.id, "slug": layer.slug, "z": address.z, "x": address.x, "y": address.y, "cap": cap}
    return statement, values


def first_cap(layer: LayerEntry, fields: tuple[str, ...], address: TileAddress) -> int:
    """How many features to ask for first: from afar about as many as `BYTES_CAP` holds, so that one query is enough."""
    if address.z >= FULL_FROM or "POINT" in layer.geometry_type.upper():
        return FEATURE_CAP
    return min(FEATURE_CAP, BYTES_CAP // (SHAPE_BYTES + FIELD_BYTES * len(fields)))


def tile_params(layer: LayerEntry, address: TileAddress, cap: int, grid: TileGrid = WEB_MERCATOR) -> dict[str, Any]:
    west, south, east, north = grid.box(address)
    side = grid.side(address.z)
    return {
        "west": west,
        "south": south,
        "east": east,
        "north": north,
        "srid": grid.srid,
        "margin": side * BUFFER / EXTENT,
        "slug": layer.slug,
        "cap": cap,
        # A quarter of a CSS pixel at 512 pixels a tile: neither seen nor missed.
        "min_size": side / 2048,
        "cell": side / 1024,
        "tolerance": side / 4096,
    }


def tile_statement(
    layer: LayerEntry,
    fields: tuple[str, ...],
    address: TileAddress,
    grid: TileGrid = WEB_MERCATOR,
    *,
    is_cut: bool = False,
) -> sql.Composed:
    """The statement behind one tile of this layer; `is_cut`: of its largest shapes, since it would be too long."""
    # The geometry kept for tiles is in EPSG:3857.
    stored, is_geographic = layer.tile_geometry_field, epsg(layer.srid or 4326).is_geographic
    held = 3857 if stored and grid.srid == 3857 else layer.srid or 4326
    stored = stored if held == 3857 else ""
    geometry = column(stored or layer.geometry_field)
    search: sql.Composable = sql.SQL("tile.search")
    if held != grid.srid:
        # The tile moves to the table's CRS, not the table to the tile's: the GiST index stays usable.
        search = sql.SQL("ST_Transform(tile.search, {})").format(sql.Literal(held))
    shape: sql.Composable = sql.Identifier("f", "#geom")
    if held != grid.srid:
        shape = sql.SQL("ST_Transform({}, {})").format(shape, sql.Literal(grid.srid))
    is_point = "POINT" in layer.geometry_type.upper()
    coarse = address.z < THIN_BELOW
    if coarse and not is_point:
        shape = sql.SQL("ST_Simplify({}, %(tolerance)s, true)").format(shape)
    integer_id = has_integer_id(layer)
    return sql.SQL(queries("layers", "tiles")["tile"]).format(
        distinct=_one_per_cell(geometry, is_geographic and not stored) if coarse and is_point else sql.SQL(""),
        columns=sql.SQL(", ").join([column(name) for name in dict.fromkeys((layer.id_field, *fields))]),
        outputs=_outputs(layer, fields, integer_id),
        table=table_of(layer),
        geometry=geometry,
        index_geometry=geometry,
        search=search,
        shape=shape,
        feature_id=_feature_id(layer, integer_id),
        size_test=_size_test(geometry, is_geographic and not stored) if coarse and not is_point else sql.SQL(""),
        thinning=_thinning(geometry, is_point) if is_cut or address.z < FULL_FROM else sql.SQL(""),
    )


def _feature_id(layer: LayerEntry, integer_id: bool) -> sql.Composable:
    """The argument that names the column of the feature id, where it can be one."""
    return sql.SQL(", {}").format(sql.Literal(layer.id_field)) if integer_id else sql.SQL("")


def _outputs(layer: LayerEntry, fields: tuple[str, ...], integer_id: bool) -> sql.Composable:
    """Columns as MVT can hold them: what is neither text, number nor boolean goes as text."""
    types = column_types(layer)
    kinds = {entry.name: entry.type for entry in layer.fields}
    outputs = [column(layer.id_field)] if integer_id or layer.id_field not in fields else []
    for name in fields:
        if integer_id and name == layer.id_field:
            # As the feature id it leaves the attributes; asked for by name it stays there too.
            outputs.append(sql.SQL("{} AS {}").format(column(name), sql.Identifier(f"{name}_")))
        elif types.get(name) == "numeric":
            outputs.append(sql.SQL("{}::float8 AS {}").format(column(name), sql.Identifier(name)))
        elif kinds.get(name) in {Field.Type.DATE, Field.Type.DATETIME, Field.Type.JSON}:
            outputs.append(sql.SQL("{}::text AS {}").format(column(name), sql.Identifier(name)))
        else:
            outputs.append(column(name))
    return sql.SQL(", ").join(outputs)


def _one_per_cell(geometry: sql.Composable, degrees: bool) -> sql.Composable:
    """Of points closer than half a pixel one is enough: the others would be drawn under it."""
    scale = sql.SQL(DEGREES if degrees else "")
    return sql.SQL("DISTINCT ON (ST_SnapToGrid({}, %(cell)s{}))").format(geometry, scale)


def _size_test(geometry: sql.Composable, degrees: bool) -> sql.Composable:
    """Longer than a quarter of a pixel in some direction."""
    scale = sql.SQL(DEGREES if degrees else "")
    return sql.SQL(
        "AND greatest(ST_XMax({g}) - ST_XMin({g}), ST_YMax({g}) - ST_YMin({g})) > %(min_size)s{scale}"
    ).format(g=geometry, scale=scale)


def _thinning(geometry: sql.Composable, is_point: bool) -> sql.Composable:
    """What to keep first when there is more than the cap: the largest shapes."""
    if is_point:
        return sql.SQL("")
    return sql.SQL("ORDER BY greatest(ST_XMax({g}) - ST_XMin({g}), ST_YMax({g}) - ST_YMin({g})) DESC").format(
        g=geometry
    )
