"""WMS 1.3.0 and 1.1.1: capabilities, axis orders, exceptions, rights; GDAL and OWSLib as clients of a real server."""

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from xml.etree.ElementTree import Element

import pyproj
import pytest
import rasterio
from defusedxml import ElementTree
from django.test import Client

from layers.models import Layer
from layers.rights import PROFESSIONALS, TECHNICIANS
from tests.drawing.conftest import BLUE, GREEN, RED, SOUTH, WEST
from tests.drawing.pixels import at, decoded, near
from tests.geodata import forget_catalogue
from tests.liveserver import served
from tests.ogc.test_rights import signed_in

WMS = "{http://www.opengis.net/wms}"
FLIPPED = {4326, 4258, 6706, 6707}
"""What EPSG writes north first among the CRSs served."""
MAP = "SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS=quadrati&STYLES=&WIDTH=400&HEIGHT=200&FORMAT=image/png"
HERE = f"CRS=EPSG:32632&BBOX={WEST - 50},{SOUTH - 50},{WEST + 350},{SOUTH + 150}"


def ask(client: Client, query: str, status: int = 200):
    response = client.get(f"/ogc/wms?{query}")
    assert response.status_code == status, response.content[:500]
    return response


def document(client: Client, version: str = "1.3.0") -> Element:
    found: Element = ElementTree.fromstring(
        ask(client, f"service=WMS&request=GetCapabilities&version={version}").content, forbid_dtd=False
    )
    return found


def code_of(response) -> str:
    root = ElementTree.fromstring(response.content)
    return str(next(one for one in root.iter() if one.tag.endswith("}ServiceException")).get("code"))


def shows_three(response) -> bool:
    image = decoded(response.content)
    return [near(at(image, x, 0.5), colour, 12) for x, colour in ((0.25, RED), (0.5, GREEN), (0.75, BLUE))] == [
        True
    ] * 3


def box(srid: int, version: str = "1.3.0") -> str:
    found = pyproj.Transformer.from_crs(32632, srid, always_xy=True).transform_bounds(
        WEST - 50, SOUTH - 50, WEST + 350, SOUTH + 150
    )
    west, south, east, north = found
    order = (south, west, north, east) if srid in FLIPPED and version == "1.3.0" else (west, south, east, north)
    return ",".join(f"{number:.9f}" for number in order)


@pytest.mark.parametrize("srid", [4326, 3857, 4258, 6706, 6707, 7791, 32632, 25832, 3003])
def test_a_map_in_every_crs_and_version(client: Client, plot: SimpleNamespace, srid: int) -> None:
    assert shows_three(ask(client, f"{MAP}&CRS=EPSG:{srid}&BBOX={box(srid)}"))
    older = MAP.replace("1.3.0", "1.1.1") + f"&SRS=EPSG:{srid}&BBOX={box(srid, '1.1.1')}"
    assert shows_three(ask(client, older))


def test_crs84_is_longitude_first_and_a_box_the_wrong_way_round_shows_nothing(
    client: Client, plot: SimpleNamespace
) -> None:
    assert shows_three(ask(client, f"{MAP}&CRS=CRS:84&BBOX={box(4326, '1.1.1')}"))
    assert not near(at(decoded(ask(client, f"{MAP}&CRS=EPSG:4326&BBOX={box(4326, '1.1.1')}").content), 0.25, 0.5), RED)


@pytest.mark.parametrize(
    ("form", "media"),
    [("image/png", "image/png"), ("image/png; mode=8bit", "image/png"), ("image/jpeg", "image/jpeg"),
     ("image/webp", "image/webp"), ("IMAGE/PNG", "image/png")],
)  # fmt: skip
def test_formats_and_background(client: Client, plot: SimpleNamespace, form: str, media: str) -> None:
    query = f"{MAP.replace('image/png', form)}&{HERE}"
    response = ask(client, query)
    assert response["Content-Type"] == media and near(at(decoded(response.content), 0.02, 0.5), "#ffffff")
    clear = at(decoded(ask(client, f"{query}&TRANSPARENT=TRUE").content), 0.02, 0.5)
    assert clear[3] == (255 if media == "image/jpeg" else 0)
    assert near(at(decoded(ask(client, f"{query}&BGCOLOR=0x336699").content), 0.02, 0.5), "#336699")


def test_capabilities_name_what_there_is(client: Client, plot: SimpleNamespace) -> None:
    root = document(client)
    assert root.get("version") == "1.3.0" and root.get("updateSequence")
    layers = {one.findtext(f"{WMS}Name"): one for one in root.iter(f"{WMS}Layer") if one.find(f"{WMS}Name") is not None}
    assert set(layers) == {"quadrati", "linea", "punto"}
    squares = layers["quadrati"]
    assert [one.findtext(f"{WMS}Name") for one in squares.findall(f"{WMS}Style")] == ["uso", "piani"]
    boxes = {one.get("CRS"): one for one in squares.findall(f"{WMS}BoundingBox")}
    assert float(boxes["EPSG:4326"].get("minx", "")) == pytest.approx(45.13, abs=0.02), "latitude comes first"
    assert float(boxes["CRS:84"].get("minx", "")) == pytest.approx(10.02, abs=0.02)
    assert float(boxes["EPSG:32632"].get("minx", "")) == pytest.approx(WEST, abs=10)
    assert float(boxes["EPSG:6707"].get("minx", "")) == pytest.approx(SOUTH, abs=10), "northing comes first"
    legend = squares.find(f"{WMS}Style/{WMS}LegendURL/{WMS}OnlineResource")
    assert legend is not None
    address = legend.get("{http://www.w3.org/1999/xlink}href", "")
    assert (
        near(at(decoded(client.get(address).content), 18 / 100, 0.2), RED) or decoded(client.get(address).content).any()
    )
    older = document(client, "1.1.1")
    assert older.tag == "WMT_MS_Capabilities"
    assert {one.findtext("Name") for one in older.iter("Layer")} == {None, "quadrati", "linea", "punto"}


def test_titles_are_in_the_language_of_the_asker(client: Client, plot: SimpleNamespace) -> None:
    Layer.objects.filter(slug="quadrati").update(title_it="Quadrati rossi", title_en="Red squares")
    forget_catalogue()
    query = "/ogc/wms?service=WMS&request=GetCapabilities"
    assert b"Quadrati rossi" in client.get(query, headers={"accept-language": "it"}).content
    assert b"Red squares" in client.get(query, headers={"accept-language": "en"}).content


def test_titles_cannot_become_markup(client: Client, plot: SimpleNamespace) -> None:
    Layer.objects.filter(slug="quadrati").update(title_it='</Title><Layer x="1">&amp;]]>', abstract_it="ns0:<b>")
    forget_catalogue()
    titles = {one.text for one in document(client).iter(f"{WMS}Title")}
    assert '</Title><Layer x="1">&amp;]]>' in titles


def test_update_sequence(client: Client, plot: SimpleNamespace) -> None:
    query = "service=WMS&request=GetCapabilities&version=1.3.0&updatesequence="
    current = int(document(client).get("updateSequence", ""))
    assert code_of(ask(client, f"{query}{current}", 400)) == "CurrentUpdateSequence"
    assert code_of(ask(client, f"{query}{current + 1}", 400)) == "InvalidUpdateSequence"
    assert ask(client, f"{query}{current - 1}")["Content-Type"] == "text/xml"


@pytest.mark.parametrize("version", ["1.3.0", "1.1.1"])
def test_feature_info(client: Client, plot: SimpleNamespace, version: str) -> None:
    across, down, crs = ("I", "J", "CRS") if version == "1.3.0" else ("X", "Y", "SRS")
    query = f"{MAP}&{HERE}".replace("1.3.0", version).replace("CRS=", f"{crs}=").replace("GetMap", "GetFeatureInfo")
    query += f"&QUERY_LAYERS=quadrati&{across}=100&{down}=100&INFO_FORMAT="
    (feature,) = json.loads(ask(client, f"{query}application/json").content)["features"]
    assert feature["id"] == "quadrati.1" and feature["properties"] == {"uso": "casa", "piani": 0, "quota": 0.5}
    assert feature["geometry"]["coordinates"][0][0] == pytest.approx([10.02, 45.13], abs=0.05)
    assert b"casa" in ask(client, f"{query}text/plain").content
    page = ask(client, f"{query}text/html".replace("=100&", "=200&", 1)).content
    assert b"&quot;!bbox!&quot;" in page and b'"!bbox!"' not in page, "values are escaped"
    assert b"segreto" not in page.lower()
    outside = query.replace(f"{across}=100", f"{across}=2")
    assert json.loads(ask(client, f"{outside}application/json").content)["features"] == []
    insider = signed_in(TECHNICIANS).get(f"/ogc/wms?{query}application/json")
    assert "segreto" in json.loads(insider.content)["features"][0]["properties"]
    assert "private" in insider["Cache-Control"]


def test_a_legend_has_the_colours_of_the_map(client: Client, plot: SimpleNamespace) -> None:
    query = "SERVICE=WMS&VERSION=1.3.0&REQUEST=GetLegendGraphic&FORMAT=image/png&LAYER=quadrati&STYLE=uso"
    image = decoded(ask(client, query).content)
    rows = [at(image, 18 / image.shape[1], (16 + 24 * row) / image.shape[0]) for row in range(3)]
    assert [near(row, colour) for row, colour in zip(rows, (RED, GREEN, BLUE), strict=True)] == [True] * 3


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("REQUEST=Bogus", "OperationNotSupported"),
        ("", "OperationNotSupported"),
        (f"{MAP}&{HERE}".replace("quadrati", "nessuno"), "LayerNotDefined"),
        (f"{MAP}&{HERE}".replace("quadrati", "riservato"), "LayerNotDefined"),
        (f"{MAP}&{HERE}".replace("STYLES=", "STYLES=bogus"), "StyleNotDefined"),
        (f"{MAP}&{HERE}".replace("STYLES=", "STYLES=segreto"), "StyleNotDefined"),
        (f"{MAP}&{HERE}".replace("STYLES=", "STYLES=uso,uso"), "StyleNotDefined"),
        (f"{MAP}&{HERE}".replace("EPSG:32632", "EPSG:2154"), "InvalidCRS"),
        (f"{MAP}&{HERE}".replace("EPSG:32632", "EPSG:999999999999"), "InvalidCRS"),
        (f"{MAP}&{HERE}".replace("EPSG:32632", "'; DROP TABLE x"), "InvalidCRS"),
        (f"{MAP}&{HERE}".replace("image/png", "image/gif"), "InvalidFormat"),
        (f"{MAP}&{HERE}".replace("WIDTH=400", "WIDTH=99999"), "InvalidParameterValue"),
        (f"{MAP}&{HERE}".replace("WIDTH=400", "WIDTH=0"), "InvalidParameterValue"),
        (f"{MAP}&CRS=EPSG:32632&BBOX=1,1,1,1", "InvalidParameterValue"),
        (f"{MAP}&CRS=EPSG:32632&BBOX=1,1,nan,2", "InvalidParameterValue"),
        (f"{MAP}&CRS=EPSG:32632", "MissingParameterValue"),
        (f"{MAP}&{HERE}&LAYERS=linea", "InvalidParameterValue"),
        (f"{MAP}&{HERE}&BGCOLOR=rosso", "InvalidParameterValue"),
        (f"{MAP}&{HERE}&QUERY_LAYERS=quadrati&I=400&J=1".replace("GetMap", "GetFeatureInfo"), "InvalidPoint"),
        (f"{MAP}&{HERE}&QUERY_LAYERS=quadrati&I=x&J=1".replace("GetMap", "GetFeatureInfo"), "InvalidPoint"),
        (f"{MAP}&{HERE}&QUERY_LAYERS=linea&I=1&J=1".replace("GetMap", "GetFeatureInfo"), "LayerNotDefined"),
        (
            f"{MAP}&{HERE}&QUERY_LAYERS=quadrati&I=1&J=1&INFO_FORMAT=x".replace("GetMap", "GetFeatureInfo"),
            "InvalidFormat",
        ),
        ("SERVICE=WMS&REQUEST=GetLegendGraphic&LAYER=riservato&FORMAT=image/png", "LayerNotDefined"),
    ],
)
def test_what_cannot_be_answered_is_an_exception_report(
    client: Client, plot: SimpleNamespace, query: str, code: str
) -> None:
    response = client.get(f"/ogc/wms?{query}")
    assert response.status_code in {400, 404} and response["Content-Type"] == "text/xml"
    assert response["Cache-Control"] == "no-store" and code_of(response) == code


def test_a_layer_for_professionals_is_there_for_them_alone(client: Client, plot: SimpleNamespace) -> None:
    secret = f"{MAP}&{HERE}".replace("quadrati", "riservato")
    insider = signed_in(PROFESSIONALS)
    for query in (secret, secret.replace("GetMap", "GetFeatureInfo") + "&QUERY_LAYERS=riservato&I=100&J=100"):
        assert client.get(f"/ogc/wms?{query}").status_code == 404
        answer = insider.get(f"/ogc/wms?{query}")
        assert answer.status_code == 200 and "public" not in answer["Cache-Control"]
    query = "/ogc/wms?service=WMS&request=GetCapabilities"
    assert b"riservato" in insider.get(query).content and b"riservato" not in client.get(query).content
    assert b"riservato" not in client.get(f"{query}&version=1.1.1").content


def test_gdal_and_owslib_read_it_from_a_real_server(plot: SimpleNamespace, tmp_path: Path) -> None:
    from owslib.wms import WebMapService

    with served() as address:
        service = WebMapService(f"{address}/ogc/wms", version="1.3.0")
        assert set(service.contents) == {"quadrati", "linea", "punto"}
        west, _south, _east, north = service["quadrati"].boundingBoxWGS84
        assert (west, north) == pytest.approx((10.0145, 45.1305), abs=0.01)
        numbers = tuple(float(part) for part in box(3857).split(","))
        answer = service.getmap(
            layers=["quadrati"], styles=[""], srs="EPSG:3857", bbox=numbers, size=(400, 200), format="image/png"
        )
        image = decoded(answer.read())
        assert near(at(image, 0.25, 0.5), RED) and near(at(image, 0.75, 0.5), BLUE)
        target = tmp_path / "map.tif"
        source = (
            f"WMS:{address}/ogc/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS=quadrati&STYLES=&CRS=EPSG:32632"
        )
        source += f"&BBOX={WEST - 50},{SOUTH - 50},{WEST + 350},{SOUTH + 150}&FORMAT=image/png"
        command = ["gdal_translate", "-q", "-outsize", "400", "200", source, str(target)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
    with rasterio.open(target) as picture:
        red, green, blue = (
            int(band[0]) for band in picture.read((1, 2, 3), window=((100, 101), (100, 101)))[:, 0:1, 0]
        )
        assert (red, green, blue) == (255, 0, 0)
        assert picture.bounds.left == pytest.approx(WEST - 50) and picture.crs.to_epsg() == 32632
