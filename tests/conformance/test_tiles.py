"""OGC API Tiles Part 1: core, tileset, tilesets list, dataset and geodata tilesets, MVT."""

from types import SimpleNamespace

import pytest
from django.test import Client

from tests.conformance.abstract import abstract
from tests.conformance.conftest import Get

REL = "http://www.opengis.net/def/rel/ogc/1.0"
HERE = "/collections/edifici/tiles"
GRIDS = ["WebMercatorQuad", "UTM32WGS84Quad"]


def template(get: Get, grid: str) -> str:
    """The address of the tiles of one tileset."""
    links = get(f"{HERE}/{grid}")["links"]
    found = next(link for link in links if link["rel"] == "item" and link["templated"])
    assert found["type"] == "application/vnd.mapbox-vector-tile"
    return str(found["href"])


@abstract("tiles", "/conf/core/tc-op", "/conf/core/tc-success", "/conf/mvt/content")
@pytest.mark.parametrize("grid", GRIDS)
def test_every_tile_within_the_limits_is_200(client: Client, city: SimpleNamespace, get: Get, grid: str) -> None:
    limits = {one["tileMatrix"]: one for one in get(f"{HERE}/{grid}")["tileMatrixSetLimits"]}["14"]
    address, empty = template(get, grid).replace("{tileMatrix}", "14"), 0
    for row in range(limits["minTileRow"], limits["maxTileRow"] + 1):
        for column in range(limits["minTileCol"], limits["maxTileCol"] + 1):
            answer = client.get(address.replace("{tileRow}", str(row)).replace("{tileCol}", str(column)))
            assert answer.status_code == 200 and answer["Content-Type"] == "application/vnd.mapbox-vector-tile"
            empty += not answer.content
    count = (limits["maxTileRow"] - limits["minTileRow"] + 1) * (limits["maxTileCol"] - limits["minTileCol"] + 1)
    assert empty < count


@abstract("tiles", "/conf/core/tc-error")
@pytest.mark.parametrize("address", ["14/2147483647/2147483647", "23/0/0", "x/0/0", "3/-1/0", "3/8/0"])
def test_tiles_outside_are_not_found(client: Client, city: SimpleNamespace, address: str) -> None:
    for grid in GRIDS:
        assert client.get(f"/ogc{HERE}/{grid}/{address}?f=mvt").status_code in {400, 404}
    assert client.get(f"/ogc{HERE}/Nessuno/3/2/3?f=mvt").status_code == 404


@pytest.mark.parametrize("root", ["/tiles", HERE])
def test_tiles_outside_the_limits_of_their_tileset_are_not_found(
    client: Client, city: SimpleNamespace, get: Get, root: str
) -> None:
    for grid in GRIDS:
        for limits in get(f"{root}/{grid}")["tileMatrixSetLimits"][:12]:
            z, row, column = limits["tileMatrix"], limits["maxTileRow"], limits["minTileCol"]
            assert client.get(f"/ogc{root}/{grid}/{z}/{row}/{column}").status_code == 200
            assert client.get(f"/ogc{root}/{grid}/{z}/{row + 1}/{column}").status_code == 404
            assert client.get(f"/ogc{root}/{grid}/{z}/{row}/{limits['maxTileCol'] + 1}").status_code == 404


@abstract("tiles", "/conf/tileset/description", "/conf/tileset/tmxslink", "/conf/tileset/tmslimits")
@pytest.mark.parametrize("grid", GRIDS)
def test_a_tileset_says_all_that_a_tile_needs(get: Get, grid: str) -> None:
    document = get(f"{HERE}/{grid}")
    assert document["dataType"] == "vector" and document["crs"] and document["tileMatrixSetLimits"]
    scheme = next(link for link in document["links"] if link["rel"] == f"{REL}/tiling-scheme")
    definition = get(scheme["href"])
    assert definition["id"] == grid and definition["crs"] == document["crs"]
    assert all(one["tileWidth"] == one["tileHeight"] == 256 for one in definition["tileMatrices"])


@abstract("tiles", "/conf/tilesets-list/tsl-op", "/conf/tilesets-list/tsl-success")
def test_lists_of_tilesets_lead_to_them(get: Get) -> None:
    for path in ("/tiles", HERE):
        listed = get(path)["tilesets"]
        assert [one["tileMatrixSetURI"].rsplit("/", 1)[1] for one in listed] == GRIDS
        for one in listed:
            document = get(next(link["href"] for link in one["links"] if link["rel"] == "self"))
            assert document["tileMatrixSetURI"] == one["tileMatrixSetURI"]


@abstract("tiles", "/conf/dataset-tilesets/landingpage", "/conf/dataset-tilesets/operation")
def test_the_landing_page_links_to_the_tilesets_of_the_dataset(get: Get) -> None:
    link = next(one for one in get("/")["links"] if one["rel"] == f"{REL}/tilesets-vector")
    assert get(link["href"])["tilesets"]


@abstract("tiles", "/conf/geodata-tilesets/desc-links", "/conf/geodata-tilesets/operation")
def test_collections_link_to_their_tilesets(get: Get) -> None:
    for one in get("/collections")["collections"]:
        links = [link for link in one["links"] if link["rel"] == f"{REL}/tilesets-vector"]
        assert bool(links) is (one["id"] != "metadata")
        for link in links:
            assert link["href"].split("?")[0].endswith("/tiles") and get(link["href"])["tilesets"]


@abstract("tiles", "/conf/oas30/operation-id")
def test_the_definition_knows_every_tile_operation(get: Get) -> None:
    paths = get("/openapi")["paths"]
    for grid in GRIDS:
        for root in ("/tiles", HERE):
            kind = ".dataset.vector." if root == "/tiles" else ".collection.vector."
            address = f"{root}/{grid}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"
            named = (
                (f"{kind}getTileSetsList", root),
                (f"{kind}getTileSet", f"{root}/{grid}"),
                (f"{kind}getTile", address),
            )
            assert all(paths[path]["get"]["operationId"].endswith(suffix) for suffix, path in named)
