"""OGC API - Maps Part 1 (20-058), map tiles, styles and legends: pictures are decoded, rights held at every door."""

import json
import math
from types import SimpleNamespace

import pyproj
import pytest
from django.test import Client

from layers.models import Style
from layers.rights import PROFESSIONALS, TECHNICIANS
from tests.conformance.abstract import abstract
from tests.drawing.conftest import BLUE, GREEN, RED, SOUTH, WEST
from tests.drawing.pixels import CLEAR, at, decoded, near
from tests.geodata import forget_catalogue
from tests.ogc.test_rights import signed_in

BOX_32632 = f"{WEST - 50},{SOUTH - 50},{WEST + 350},{SOUTH + 150}"
TO_DEGREES = pyproj.Transformer.from_crs(32632, 4326, always_xy=True)
TO_3857 = pyproj.Transformer.from_crs(32632, 3857, always_xy=True)
WORLD = 40075016.685578488
URI = "http://www.opengis.net/def/crs/EPSG/0/"


def picture(client: Client, path: str, status: int = 200):
    response = client.get(f"/ogc{path}")
    assert response.status_code == status, response.content[:400]
    return response


def shows_three(response) -> bool:
    image = decoded(response.content)
    return [near(at(image, x, 0.5), colour, 12) for x, colour in ((0.25, RED), (0.5, GREEN), (0.75, BLUE))] == [
        True
    ] * 3


@abstract("maps", "/conf/core/map-op", "/conf/core/map-response", "/conf/collection-map/map-operation",
          "/conf/png/content", "/conf/jpeg/content")  # fmt: skip
@pytest.mark.parametrize("form", ["png", "webp", "jpeg"])
def test_a_map_of_one_collection(client: Client, plot: SimpleNamespace, form: str) -> None:
    query = f"bbox={BOX_32632}&bbox-crs={URI}32632&width=400&height=200&f={form}"
    response = picture(client, f"/collections/quadrati/map?{query}")
    assert response["Content-Type"] == f"image/{form}" and shows_three(response)
    assert response["Content-Crs"] == f"<{URI}32632>" and response["Content-Bbox"].startswith("579950.000,4997950.000")
    again = client.get(f"/ogc/collections/quadrati/map?{query}", headers={"if-none-match": response["ETag"]})
    assert again.status_code == 304 and not again.content


@abstract("maps", "/conf/crs/crs-definition", "/conf/crs/map-success")
def test_the_axes_of_a_box_are_those_of_its_crs(client: Client, plot: SimpleNamespace) -> None:
    west, south = TO_DEGREES.transform(WEST - 50, SOUTH - 50)
    east, north = TO_DEGREES.transform(WEST + 350, SOUTH + 150)
    size = "width=400&height=200"
    for box, crs in (
        (f"{west},{south},{east},{north}", ""),
        (f"{south},{west},{north},{east}", f"&bbox-crs={URI}4326&crs={URI}4326"),
        (f"{south},{west},{north},{east}", f"&bbox-crs={URI}6706"),
        (f"{west},{south},{east},{north}", f"&crs={URI}6707"),
        (f"{west},{south},{east},{north}", f"&crs={URI}3857"),
        (f"{west},{south},{east},{north}", f"&crs={URI}3003"),
    ):
        response = picture(client, f"/collections/quadrati/map?bbox={box}&{size}{crs}")
        assert shows_three(response), crs
    turned = picture(client, f"/collections/quadrati/map?bbox={south},{west},{north},{east}&{size}")
    assert not decoded(turned.content).any(), "45 degrees east, 10 north is not Cremona"
    north_first = picture(client, f"/collections/quadrati/map?bbox={west},{south},{east},{north}&{size}&crs={URI}6707")
    assert north_first["Content-Bbox"].startswith("49979"), "EPSG:6707 says northing first"


@abstract("maps", "/conf/collection-map/desc-links", "/conf/collection-map/desc-crs", "/conf/dataset-map/landingpage",
          "/conf/dataset-map/desc-extent", "/conf/dataset-map/desc-crs")  # fmt: skip
def test_descriptions_say_where_a_map_is_and_in_which_crs(client: Client, plot: SimpleNamespace) -> None:
    for described, path in (
        ("/ogc/collections/quadrati?f=json", "/collections/quadrati/map"),
        ("/ogc/?f=json", "/map"),
    ):
        found = client.get(described).json()
        assert any(link["rel"].endswith("/map") and f"/ogc{path}?" in link["href"] for link in found["links"])
        assert found["storageCrs"] in found["crs"] and any(uri.endswith("CRS84") for uri in found["crs"])
        west, south, east, north = found["extent"]["spatial"]["bbox"][0]
        assert west < east and south < north and found["extent"]["spatial"]["storageCrsBbox"][0][0] > 500_000
        asked = {"width": 20} | ({"collections": "quadrati"} if path == "/map" else {})
        assert client.get(f"/ogc{path}", asked)["Content-Crs"] == f"<{found['storageCrs']}>"


def test_size_follows_the_shape_of_the_box_and_the_layer_is_the_default(client: Client, plot: SimpleNamespace) -> None:
    box = f"bbox={BOX_32632}&bbox-crs={URI}32632"
    for size, shape in (("width=100", (50, 100)), ("height=100", (100, 200)), ("", (512, 1024))):
        assert decoded(picture(client, f"/collections/quadrati/map?{box}&{size}").content).shape[:2] == shape
    assert shows_three(picture(client, "/collections/quadrati/map?width=400"))


def test_background(client: Client, plot: SimpleNamespace) -> None:
    base = f"/collections/quadrati/map?bbox={BOX_32632}&bbox-crs={URI}32632&width=100"
    for query, colour in (
        ("", CLEAR),
        ("&transparent=false", (255,) * 4),
        ("&bgcolor=0x0000AA", (0, 0, 170, 255)),
        ("&bgcolor=%230000aa", (0, 0, 170, 255)),
        ("&bgcolor=0x0000AA&transparent=true", CLEAR),
        ("&transparent=false&bgcolor=white", (255,) * 4),
    ):
        assert at(decoded(picture(client, base + query).content), 0.02, 0.5) == colour, query


@abstract("maps", "/conf/styled-map/map-operation")
def test_styles_choose_the_classes_and_stand_in_the_address(client: Client, plot: SimpleNamespace) -> None:
    Style.objects.filter(layer=plot.squares, name="piani").update(
        spec={"symbol": {"fill": "#00aaaa", "fill_opacity": 1, "stroke_width": 0}}
    )
    forget_catalogue()
    query = f"bbox={BOX_32632}&bbox-crs={URI}32632&width=400&height=200"
    other = decoded(picture(client, f"/collections/quadrati/styles/piani/map?{query}").content)
    assert near(at(other, 0.25, 0.5), "#00aaaa")
    assert shows_three(picture(client, f"/collections/quadrati/styles/uso/map?{query}"))
    for name in ("nessuno", "segreto", "%27"):
        picture(client, f"/collections/quadrati/styles/{name}/map?{query}", status=404)


@abstract("maps", "/conf/dataset-map/operation")
def test_several_collections_in_their_order(client: Client, plot: SimpleNamespace) -> None:
    query = f"bbox={BOX_32632}&bbox-crs={URI}32632&width=400&height=200"
    image = decoded(picture(client, f"/map?collections=quadrati,linea,punto&{query}").content)
    assert near(at(image, 0.25, 0.5), BLUE, 40) and near(at(image, 0.5, 0.5), RED)
    picture(client, f"/map?collections=quadrati,riservato&{query}", status=404)
    picture(client, f"/map?collections=&{query}", status=400)
    picture(client, f"/map?collections={','.join(['quadrati'] * 41)}&{query}", status=400)


@pytest.mark.parametrize(
    "query",
    [
        "width=0",
        "width=100000",
        "width=9000",
        "width=8000&height=8000",
        "width=1e3",
        "width=-5",
        "width=٣",
        "bbox=1,2,3",
        "bbox=a,b,c,d",
        "bbox=9,45,8,46",
        "bbox=nan,0,1,1",
        "bbox=inf,0,1,1",
        "bbox=9,45,9,46",
        "crs=EPSG:2154",
        "crs=x",
        "bbox-crs=EPSG:99999",
        "transparent=maybe",
        "bgcolor=red;",
        "bgcolor=0xGGGGGG",
        "f=gif",
        "bogus=1",
        "width=1&width=2",
        "bbox=1e308,0,1e309,1",
        "bbox=9%00,45,10,46",
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(client: Client, plot: SimpleNamespace, query: str) -> None:
    response = picture(client, f"/collections/quadrati/map?{query}", status=400)
    assert json.loads(response.content)["description"]


def test_boxes_of_the_whole_world_and_beyond_are_answered(client: Client, plot: SimpleNamespace) -> None:
    for query in (
        "bbox=-180,-90,180,90",
        f"bbox=-180,-85,180,85&crs={URI}3857",
        f"bbox=-2e7,-2e7,2e7,2e7&bbox-crs={URI}3857",
        f"bbox=-1e9,-1e9,1e9,1e9&bbox-crs={URI}3857&crs={URI}3857",
    ):
        response = client.get(f"/ogc/collections/quadrati/map?{query}&width=64&height=64")
        assert response.status_code in {200, 400}, query


def test_map_tiles_show_what_is_there(client: Client, plot: SimpleNamespace) -> None:
    here = "/collections/quadrati/map/tiles"
    x, y = TO_3857.transform(WEST + 50, SOUTH + 50)
    z = 16
    column, row = (x / WORLD + 0.5) * 2**z, (0.5 - y / WORLD) * 2**z
    response = picture(client, f"{here}/WebMercatorQuad/{z}/{int(row)}/{int(column)}?f=png")
    assert near(at(decoded(response.content), column % 1, row % 1), RED, 12)
    z, side = 17, 20003931.4586255 / 2**16
    column, row = (WEST + 50 + 9501965.72931276) / side, (20003931.4586255 - SOUTH - 50) / side
    response = picture(client, f"{here}/UTM32WGS84Quad/{z}/{int(row)}/{int(column)}?f=webp")
    assert near(at(decoded(response.content), column % 1, row % 1), RED, 12)
    for path in (
        "WebMercatorQuad/5/0/0",
        "WebMercatorQuad/3/8/0",
        "UTM32WGS84Quad/0/0/0",
        "UTM32WGS84Quad/1/2/0",
        "UTM32WGS84Quad/1/0/1",
        "Other/0/0/0",
        "UTM32WGS84Quad/23/0/0",
        "WebMercatorQuad/a/0/0",
    ):
        picture(client, f"{here}/{path}", status=404)


def test_a_tile_is_kept_for_ever_under_the_version_of_data_and_style(client: Client, plot: SimpleNamespace) -> None:
    document = json.loads(picture(client, "/collections/quadrati/map/tiles/WebMercatorQuad?f=json").content)
    template = next(link["href"] for link in document["links"] if link["rel"] == "item" and link["type"] == "image/png")
    address = template.format(tileMatrix=0, tileRow=0, tileCol=0).split("/ogc", 1)[1]
    first = picture(client, address)
    assert first["Cache-Control"] == "public, max-age=31536000, immutable"
    Style.objects.filter(layer=plot.squares, name="uso").update(spec={"symbol": {"fill": "#123456"}})
    forget_catalogue()
    second = picture(client, address)
    assert second["Cache-Control"] == "public, no-cache" and second["ETag"] != first["ETag"]


def test_tile_matrix_sets_describe_themselves(client: Client, plot: SimpleNamespace) -> None:
    listed = json.loads(picture(client, "/tileMatrixSets").content)["tileMatrixSets"]
    assert [one["id"] for one in listed] == ["WebMercatorQuad", "UTM32WGS84Quad"]
    utm = json.loads(picture(client, "/tileMatrixSets/UTM32WGS84Quad").content)
    for matrix in utm["tileMatrices"]:
        assert math.isclose(matrix["cellSize"], matrix["scaleDenominator"] * 0.00028)
        assert math.isclose(matrix["cellSize"] * 256 * matrix["matrixHeight"], 40007862.917251)
        assert matrix["matrixHeight"] == 2 * matrix["matrixWidth"]
    tileset = json.loads(picture(client, "/collections/quadrati/map/tiles/UTM32WGS84Quad").content)
    deep = tileset["tileMatrixSetLimits"][-1]
    side = 20003931.4586255 / 2**21
    assert deep["minTileCol"] <= (WEST + 50 + 9501965.72931276) // side <= deep["maxTileCol"]
    assert deep["maxTileCol"] - deep["minTileCol"] < 400 / side + 4


@abstract("maps", "/conf/styled-map/desc-links")
def test_styles_are_listed_and_drawn_alike_everywhere(client: Client, plot: SimpleNamespace) -> None:
    listed = json.loads(picture(client, "/collections/quadrati/styles").content)
    assert (listed["default"], [one["id"] for one in listed["styles"]]) == ("uso", ["uso", "piani"])
    every = json.loads(picture(client, "/styles").content)["styles"]
    assert {"quadrati:uso", "quadrati:piani", "linea:linea"} <= {one["id"] for one in every}
    assert not [one for one in every if "segreto" in one["id"] or "riservato" in one["id"]]
    for link in listed["styles"][0]["links"]:
        answer = client.get(link["href"])
        assert answer.status_code == 200 and answer["Content-Type"] == link["type"], link


def test_a_maplibre_style_needs_nothing_else(client: Client, plot: SimpleNamespace) -> None:
    response = picture(client, "/collections/quadrati/styles/uso?f=mapbox")
    assert response["Content-Type"] == "application/vnd.mapbox.style+json"
    style = json.loads(response.content)
    (source,) = style["sources"].values()
    tile = client.get(source["tiles"][0].format(z=14, y=5885, x=8648))
    assert source["tiles"][0].startswith("http://testserver/ogc/") and tile.status_code == 200
    assert style["version"] == 8 and {one["source"] for one in style["layers"]} == {"quadrati"}
    assert RED in response.content.decode() and GREEN in response.content.decode()


def test_a_legend_shows_the_colours_of_the_map(client: Client, plot: SimpleNamespace) -> None:
    response = picture(client, "/collections/quadrati/styles/uso/legend")
    image = decoded(response.content)
    rows = [at(image, 18 / image.shape[1], (16 + 24 * row) / image.shape[0]) for row in range(3)]
    assert [near(row, colour) for row, colour in zip(rows, (RED, GREEN, BLUE), strict=True)] == [True] * 3
    assert (image[:24, 40:, :3] < 100).any(), "and their texts"


DOORS = (
    "/map?width=10",
    "/styles",
    "/styles/rosso",
    "/styles/rosso?f=sld",
    "/styles/rosso/legend",
    "/styles/rosso/map?width=9",
    "/map/tiles",
    "/map/tiles/WebMercatorQuad",
    "/map/tiles/WebMercatorQuad/0/0/0?f=png",
)


@pytest.mark.parametrize("door", DOORS)
def test_a_layer_for_professionals_is_drawn_for_them_alone(client: Client, plot: SimpleNamespace, door: str) -> None:
    assert client.get(f"/ogc/collections/riservato{door}").status_code == 404
    response = signed_in(PROFESSIONALS).get(f"/ogc/collections/riservato{door}")
    assert response.status_code == 200, response.content
    assert "public" not in response["Cache-Control"] and "Cookie" in response["Vary"]


def test_a_style_that_tells_a_hidden_attribute_is_for_insiders(client: Client, plot: SimpleNamespace) -> None:
    for door in ("", "/legend", "/map?width=10", "?f=sld"):
        assert client.get(f"/ogc/collections/quadrati/styles/segreto{door}").status_code == 404
        answer = signed_in(TECHNICIANS).get(f"/ogc/collections/quadrati/styles/segreto{door}") if door == "" else None
        assert answer is None or answer.status_code == 200
