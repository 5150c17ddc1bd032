"""The addresses of the OGC services. Included without a slash at the end, so that /ogc and /ogc/ both answer."""

from django.urls import path

from ogc.views import (
    core,
    coverages,
    exports,
    items,
    jobs,
    map_tiles,
    maps,
    processes,
    records,
    styles,
    tiles,
    wfs,
    wms,
)

app_name = "ogc"

urlpatterns = [
    path("", core.landing),
    path("/", core.landing, name="landing"),
    path("/conformance", core.conformance, name="conformance"),
    path("/openapi", core.openapi, name="openapi"),
    path("/collections", core.collections, name="collections"),
    path("/wfs", wfs.wfs, name="wfs"),
    path("/processes", processes.processes, name="processes"),
    path("/processes/<str:process_id>", processes.process, name="process"),
    path("/processes/<str:process_id>/execution", processes.execution, name="execution"),
    path("/jobs", jobs.jobs, name="jobs"),
    path("/jobs/<str:job_id>", jobs.job, name="job"),
    path("/jobs/<str:job_id>/results", jobs.job_results, name="job-results"),
    path("/tileMatrixSets", core.tile_matrix_sets, name="tile-matrix-sets"),
    path("/tileMatrixSets/<str:tms>", core.tile_matrix_set, name="tile-matrix-set"),
    path("/collections/metadata", records.catalogue, name="records-catalogue"),
    path("/collections/metadata/items", records.items, name="records"),
    path("/collections/metadata/items/<str:identifier>", records.item, name="record"),
    path("/collections/<str:slug>", core.collection, name="collection"),
    path("/collections/<str:slug>/queryables", core.queryables, name="queryables"),
    path("/collections/<str:slug>/schema", core.schema, name="schema"),
    path("/collections/<str:slug>/export", exports.export, name="export"),
    path("/collections/<str:slug>/items", items.items, name="items"),
    path("/collections/<str:slug>/items/<str:identifier>", items.item, name="item"),
    path("/collections/<str:slug>/coverage", coverages.coverage, name="coverage"),
    path("/collections/<str:slug>/coverage/domainset", coverages.domain_set, name="domain-set"),
    path("/collections/<str:slug>/coverage/rangetype", coverages.range_type, name="range-type"),
    path("/collections/<str:slug>/tiles", tiles.tileset_list, name="tilesets"),
    path("/collections/<str:slug>/tiles/<str:tms>", tiles.tileset, name="tileset"),
    path("/collections/<str:slug>/tiles/<str:tms>/<str:z>/<str:y>/<str:x>", tiles.tile, name="tile"),
    path("/map", maps.dataset_map, name="map"),
    path("/collections/<str:slug>/map", maps.collection_map, name="collection-map"),
    path("/collections/<str:slug>/map/tiles", map_tiles.map_tileset_list, name="map-tilesets"),
    path("/collections/<str:slug>/map/tiles/<str:tms>", map_tiles.map_tileset, name="map-tileset"),
    path("/collections/<str:slug>/map/tiles/<str:tms>/<str:z>/<str:y>/<str:x>", map_tiles.picture, name="map-tile"),
    path("/wms", wms.wms, name="wms"),
    path("/styles", styles.all_styles, name="styles"),
    path("/collections/<str:slug>/styles", styles.style_list, name="collection-styles"),
    path("/collections/<str:slug>/styles/<str:style>", styles.style, name="style"),
    path("/collections/<str:slug>/styles/<str:style>/legend", styles.legend, name="legend"),
    path("/collections/<str:slug>/styles/<str:style>/map", maps.collection_map, name="styled-map"),
    path("/collections/<str:slug>/styles/<str:style>/map/tiles", map_tiles.map_tileset_list, name="styled-tilesets"),
    path(
        "/collections/<str:slug>/styles/<str:style>/map/tiles/<str:tms>", map_tiles.map_tileset, name="styled-tileset"
    ),
    path(
        "/collections/<str:slug>/styles/<str:style>/map/tiles/<str:tms>/<str:z>/<str:y>/<str:x>",
        map_tiles.picture,
        name="styled-tile",
    ),
]
