"""The processes buffer, clip, intersect-areas and nearest: inputs to one statement, its answer to outputs."""

from __future__ import annotations

from typing import Any

from psycopg2 import sql

from layers.crs import epsg
from layers.database import table_of
from layers.errors import BadQuery
from layers.filters import TRUE
from layers.processes.model import Outcome, Run
from layers.processes.selection import (
    SQL,
    Chosen,
    area_text,
    ask,
    choose,
    collection,
    metric_srid,
    moved,
    refuse_too_many,
    sized,
)

FEATURE = SQL["feature"]


def buffer(run: Run) -> Outcome:
    """Areas within a distance of features, one each or all as one."""
    params: dict[str, Any] = {"cap": run.limits.features, "segments": f"quad_segs={run.inputs['segments']}"}
    params["distance"] = float(run.inputs["distance"])
    chosen = choose(run, "", params)
    made = SQL["buffered_as_one" if run.inputs["dissolve"] else "buffered"]
    statement = sql.SQL(SQL["collection"]).format(
        source=chosen.selection(metric_srid(chosen.layer), run.limits.features),
        feature=sql.SQL(FEATURE).format(),
        made=sql.SQL(made).format(),
    )
    found, features = ask(run, statement, params)
    refuse_too_many(run, "layer", found)
    return {"result": sized(run, collection(features))}


def clip(run: Run) -> Outcome:
    """What lies of features within an area: that of other features, or a drawn one."""
    params: dict[str, Any] = {"cap": run.limits.features, "mask_cap": run.limits.features}
    chosen = choose(run, "", params)
    work = metric_srid(chosen.layer)
    mask = _mask(run, params, work)
    storage = chosen.layer.srid or 4326
    shape = moved(sql.SQL("(SELECT geom FROM mask)"), work, storage)
    chosen.clause.parts.append(sql.SQL("ST_Intersects({}, {})").format(chosen.stored, shape))
    statement = sql.SQL(SQL["clip"]).format(
        mask=mask, source=chosen.selection(work, run.limits.features), feature=sql.SQL(FEATURE).format()
    )
    found, masks, features = ask(run, statement, params)
    refuse_too_many(run, "mask_layer", masks)
    refuse_too_many(run, "layer", found)
    return {"result": sized(run, collection(features))}


def _mask(run: Run, params: dict[str, Any], work: int) -> sql.Composed:
    if ("mask_layer" in run.inputs) == ("area" in run.inputs):
        raise BadQuery("inputs", "give either mask_layer (with mask_filter, mask_ids, mask_bbox) or area (GeoJSON).")
    if "area" in run.inputs:
        params |= {"area": area_text(run.inputs["area"]), "work": work}
        return sql.SQL(SQL["mask_of_geojson"]).format()
    masks = choose(run, "mask_", params)
    return sql.SQL(SQL["mask_of_layer"]).format(source=masks.selection(work, run.limits.features))


def intersect_areas(run: Run) -> Outcome:
    """How much of each parcel lies in which zone: square metres and percentages that add up."""
    params: dict[str, Any] = {"cap": run.limits.features}
    parcels, zones = choose(run, "", params), choose(run, "with_", params)
    for name, chosen in (("layer", parcels), ("with_layer", zones)):
        if "POLYGON" not in chosen.layer.geometry_type.upper() and chosen.layer.geometry_type.upper() != "GEOMETRY":
            raise BadQuery(f"inputs.{name}", f"{chosen.layer.slug!r} has no areas; choose a layer of polygons.")
    work = metric_srid(parcels.layer)
    near = sql.SQL("(SELECT ST_SetSRID(ST_Extent(geom)::geometry, {}) FROM source)").format(sql.Literal(work))
    meets = moved(near, work, zones.layer.srid or 4326)
    zones.clause.parts.append(sql.SQL("{} && {}").format(zones.stored, meets))
    statement = sql.SQL(SQL["intersect_areas"]).format(
        source=parcels.selection(work, run.limits.features),
        zones=zones.selection(work, run.limits.features),
        with_pieces=sql.Literal("pieces" in run.outputs),
        feature=sql.SQL(FEATURE).format(),
    )
    found, met, table, pieces = ask(run, statement, params)
    refuse_too_many(run, "layer", found)
    refuse_too_many(run, "with_layer", met)
    crs = epsg(work).uri.encode()
    outcome = {"table": sized(run, b'{"crs":"%s","rows":[%s]}' % (crs, table))}
    if "pieces" in run.outputs:
        outcome["pieces"] = sized(run, collection(pieces))
    return {name: body for name, body in outcome.items() if name in run.outputs}


def nearest(run: Run) -> Outcome:
    """The nearest features to a point, or to each feature of another layer, with their distance in metres."""
    params: dict[str, Any] = {"cap": run.limits.features, "count": run.inputs["count"]}
    chosen = choose(run, "", params)
    storage = chosen.layer.srid or 4326
    if ("point" in run.inputs) == ("from_layer" in run.inputs):
        raise BadQuery(
            "inputs", "give either point ([longitude, latitude]) or from_layer (with from_filter, from_ids)."
        )
    if "point" in run.inputs:
        longitude, latitude = run.inputs["point"]
        params |= {"longitude": float(longitude), "latitude": float(latitude), "work": storage}
        source: sql.Composable = sql.SQL(SQL["point"]).format()
    else:
        source = choose(run, "from_", params).selection(storage, run.limits.features)
    statement = _nearest_statement(run, chosen, source, params)
    found, features = ask(run, statement, params)
    refuse_too_many(run, "from_layer", found)
    return {"result": sized(run, collection(features))}


def _nearest_statement(run: Run, chosen: Chosen, source: sql.Composable, params: dict[str, Any]) -> sql.Composed:
    measured: sql.Composable = chosen.stored
    reference: sql.Composable = sql.SQL("source.geom")
    if metric_srid(chosen.layer) != (chosen.layer.srid or 4326):
        # Degrees and Web Mercator are no distances: the ellipsoid measures them.
        measured, reference = (_on_the_ellipsoid(shape, chosen) for shape in (measured, reference))
    within: sql.Composable = TRUE
    if "max_distance" in run.inputs:
        params["max_distance"] = float(run.inputs["max_distance"])
        within = sql.SQL("ST_DWithin({}, {}, %(max_distance)s)").format(measured, reference)
    return sql.SQL(SQL["nearest"]).format(
        source=source,
        feature=sql.SQL(FEATURE).format(),
        id=chosen.id,
        stored=chosen.stored,
        properties=chosen.properties,
        table=table_of(chosen.layer),
        where=chosen.clause.sql,
        within=within,
        measured=measured,
        reference=reference,
    )


def _on_the_ellipsoid(shape: sql.Composable, chosen: Chosen) -> sql.Composed:
    return sql.SQL("{}::geography").format(moved(shape, chosen.layer.srid or 4326, 4326))
