"""WMTS 1.0.0 by parameters and by addresses; GDAL and OWSLib as clients of a real server."""

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import rasterio
from defusedxml import ElementTree
from django.test import Client

from layers.crs import EPSG
from layers.drawing.draw import draw_tiles
from layers.drawing.view import View
from layers.rights import PROFESSIONALS
from layers.tile_cache import TileCache
from layers.tile_grids import GRIDS, TileAddress
from ogc.views import map_tiles
from tests.drawing.conftest import BLUE, GREEN, RED, SOUTH, WEST
from tests.drawing.pixels import at, decoded, near
from tests.liveserver import served
from tests.ogc.test_maps import TO_3857, WORLD
from tests.ogc.test_rights import signed_in

OWS = "{http://www.opengis.net/ows/1.1}"
WMTS = "{http://www.opengis.net/wmts/1.0}"
X, Y = TO_3857.transform(WEST + 50, SOUTH + 50)
Z = 16
COLUMN, ROW = (X / WORLD + 0.5) * 2**Z, (0.5 - Y / WORLD) * 2**Z
TILE = (
    "SERVICE=WMTS&VERSION=1.0.0&REQUEST=GetTile&LAYER=quadrati&STYLE=uso&FORMAT=image/png"
    f"&TILEMATRIXSET=WebMercatorQuad&TILEMATRIX={Z}&TILEROW={int(ROW)}&TILECOL={int(COLUMN)}"
)


def code_of(body: bytes) -> str:
    return str(next(ElementTree.fromstring(body).iter(f"{OWS}Exception")).get("exceptionCode"))


def test_a_tile_by_parameters_and_by_address_is_the_same(client: Client, plot: SimpleNamespace) -> None:
    by_parameters = client.get(f"/ogc/wmts?{TILE}")
    assert by_parameters.status_code == 200 and by_parameters["Content-Type"] == "image/png"
    assert near(at(decoded(by_parameters.content), COLUMN % 1, ROW % 1), RED, 12)
    address = f"/ogc/wmts/1.0.0/quadrati/uso/WebMercatorQuad/{Z}/{int(ROW)}/{int(COLUMN)}"
    assert client.get(f"{address}.png").content == by_parameters.content
    assert client.get(f"{address}.webp")["Content-Type"] == "image/webp"
    assert client.get(f"{address}.gif").status_code == 400
    held = client.get(f"/ogc/wmts?{TILE}", headers={"if-none-match": by_parameters["ETag"]})
    assert held.status_code == 304


def test_tiles_that_lie_together_are_drawn_together_and_meet_at_their_edges(
    client: Client, plot: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[View] = []

    def counted(layers: Any, view: View, side_px: int, form: str) -> list[bytes]:
        drawn.append(view)
        return draw_tiles(layers, view, side_px, form)

    monkeypatch.setattr(map_tiles, "_cache", TileCache(2**20))
    monkeypatch.setattr(map_tiles, "draw_tiles", counted)
    row, column = int(ROW) - int(ROW) % 4, int(COLUMN) - int(COLUMN) % 4
    tiles = {
        (y, x): client.get(f"/ogc/wmts/1.0.0/quadrati/uso/WebMercatorQuad/{Z}/{y}/{x}.png")
        for y in range(row, row + 4)
        for x in range(column, column + 4)
    }
    assert len(drawn) == 1 and {one.status_code for one in tiles.values()} == {200}
    one = GRIDS["WebMercatorQuad"].box(TileAddress(Z, row, column))
    side = one[2] - one[0]
    box = f"{one[0]},{one[3] - 4 * side},{one[0] + 4 * side},{one[3]}"
    whole = decoded(
        client.get(
            f"/ogc/collections/quadrati/styles/uso/map?f=png&bbox={box}&bbox-crs={EPSG}3857&crs={EPSG}3857"
            "&width=1024&height=1024"
        ).content
    )
    for (y, x), response in tiles.items():
        piece = decoded(response.content)
        for across, down in ((0.01, 0.5), (0.5, 0.5), (0.99, 0.5), (0.5, 0.01), (0.5, 0.99)):
            there = at(whole, (x - column + across) / 4, (y - row + down) / 4)
            here = at(piece, across, down)
            assert max(abs(a - b) for a, b in zip(here, there, strict=True)) <= 24, (y, x, here, there)


def test_capabilities_name_layers_styles_and_sets(client: Client, plot: SimpleNamespace) -> None:
    body = client.get("/ogc/wmts?service=WMTS&request=GetCapabilities").content
    assert body == client.get("/ogc/wmts/1.0.0/WMTSCapabilities.xml").content
    root = ElementTree.fromstring(body)
    layers = {one.findtext(f"{OWS}Identifier"): one for one in root.iter(f"{WMTS}Layer")}
    assert set(layers) == {"quadrati", "linea", "punto"}
    styles = [one.findtext(f"{OWS}Identifier") for one in layers["quadrati"].findall(f"{WMTS}Style")]
    assert styles == ["uso", "piani"]
    sets = [one.findtext(f"{OWS}Identifier") for one in root.findall(f"{WMTS}Contents/{WMTS}TileMatrixSet")]
    assert sets == ["WebMercatorQuad", "UTM32WGS84Quad"]
    assert b"riservato" not in body and b"segreto" not in body
    insider = signed_in(PROFESSIONALS)
    assert b"riservato" in insider.get("/ogc/wmts?service=WMTS&request=GetCapabilities").content


def test_feature_info(client: Client, plot: SimpleNamespace) -> None:
    query = TILE.replace("GetTile", "GetFeatureInfo") + f"&I={int(COLUMN % 1 * 256)}&J={int(ROW % 1 * 256)}&INFOFORMAT="
    (feature,) = json.loads(client.get(f"/ogc/wmts?{query}application/json").content)["features"]
    assert feature["properties"] == {"uso": "casa", "piani": 0, "quota": 0.5}
    assert b"casa" in client.get(f"/ogc/wmts?{query}text/html").content
    assert code_of(client.get(f"/ogc/wmts?{query}text/html".replace("&I=", "&I=9")).content) == "PointIJOutOfRange"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("REQUEST=GetTile", "MissingParameterValue"),
        ("SERVICE=WMTS", "MissingParameterValue"),
        ("SERVICE=WMTS&REQUEST=Bogus", "OperationNotSupported"),
        ("SERVICE=WMTS&REQUEST=GetCapabilities&ACCEPTVERSIONS=9.9.9", "VersionNegotiationFailed"),
        (TILE.replace("LAYER=quadrati", "LAYER=nessuno"), "InvalidParameterValue"),
        (TILE.replace("LAYER=quadrati", "LAYER=riservato"), "InvalidParameterValue"),
        (TILE.replace("STYLE=uso", "STYLE=segreto"), "InvalidParameterValue"),
        (TILE.replace("image/png", "image/gif"), "InvalidParameterValue"),
        (TILE.replace("WebMercatorQuad", "Altro"), "InvalidParameterValue"),
        (TILE.replace("TILEROW=", "TILEROW=9999"), "TileOutOfRange"),
        (TILE.replace("TILEMATRIX=16", "TILEMATRIX=x"), "TileOutOfRange"),
        (TILE.replace("&TILECOL=", "&TILEC="), "MissingParameterValue"),
    ],
)
def test_what_cannot_be_answered_is_an_exception_report(
    client: Client, plot: SimpleNamespace, query: str, code: str
) -> None:
    response = client.get(f"/ogc/wmts?{query}")
    assert response.status_code in {400, 404} and response["Content-Type"] == "text/xml"
    assert code_of(response.content) == code


def test_gdal_and_owslib_read_it_from_a_real_server(plot: SimpleNamespace, tmp_path: Path) -> None:
    from owslib.wmts import WebMapTileService

    with served() as address:
        service = WebMapTileService(f"{address}/ogc/wmts")
        assert set(service.contents) == {"quadrati", "linea", "punto"}
        answer = service.gettile(
            layer="quadrati", style="uso", tilematrixset="WebMercatorQuad", tilematrix=str(Z), row=int(ROW),
            column=int(COLUMN), format="image/png",
        )  # fmt: skip
        assert near(at(decoded(answer.read()), COLUMN % 1, ROW % 1), RED, 12)
        for grid, box in (
            ("UTM32WGS84Quad", (WEST - 50, SOUTH + 150, WEST + 350, SOUTH - 50)),
            ("WebMercatorQuad", (X - 140, Y + 140, X + 420, Y - 140)),
        ):
            target = tmp_path / f"{grid}.tif"
            source = f"WMTS:{address}/ogc/wmts/1.0.0/WMTSCapabilities.xml,layer=quadrati,tilematrixset={grid}"
            command = [
                "gdal_translate",
                "-q",
                "-outsize",
                "400",
                "200",
                "-projwin",
                *map(str, box),
                source,
                str(target),
            ]
            result = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)
            assert result.returncode == 0, result.stderr
            with rasterio.open(target) as picture:
                pixels = picture.read()[:3, 100]
            found = [tuple(int(band[column]) for band in pixels) for column in (100, 200, 300)]
            for one, colour in zip(found, (RED, GREEN, BLUE), strict=True):
                assert near((*one, 255), colour, 16), (grid, found)
