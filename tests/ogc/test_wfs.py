"""WFS 2.0: capabilities, schema, features by address and by XML, GML that GDAL reads, errors, hostile XML."""

import json
import subprocess
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from defusedxml.ElementTree import fromstring
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from pyproj import Transformer

from geoportal.models import User
from layers.rights import PROFESSIONALS
from tests.geodata import drop
from tests.liveserver import served

NS = {
    "wfs": "http://www.opengis.net/wfs/2.0", "gml": "http://www.opengis.net/gml/3.2", "ows": "http://www.opengis.net/ows/1.1",
    "cr": "https://www.comune.cremona.it/geoportale", "xsd": "http://www.w3.org/2001/XMLSchema",
}  # fmt: skip
QUERY = (
    '<wfs:GetFeature service="WFS" version="2.0.0" count="{count}" xmlns:wfs="http://www.opengis.net/wfs/2.0" '
    'xmlns:fes="http://www.opengis.net/fes/2.0" xmlns:gml="http://www.opengis.net/gml/3.2" '
    'xmlns:cr="https://www.comune.cremona.it/geoportale">'
    '<wfs:Query typeNames="cr:edifici"><fes:Filter>{filter}</fes:Filter></wfs:Query></wfs:GetFeature>'
)


def ask(client: Client, status: int = 200, **params: str) -> Any:
    answer = client.get("/ogc/wfs", {"service": "WFS", "version": "2.0.0", **params})
    assert answer.status_code == status, answer.content[:500]
    return fromstring(answer.content)


def post(client: Client, filter_: str, count: int = 1000) -> Any:
    body = QUERY.format(filter=filter_, count=count)
    answer = client.post("/ogc/wfs", body, content_type="application/xml")
    assert answer.status_code == 200, answer.content[:500]
    return fromstring(answer.content)


def test_capabilities_list_what_the_asker_may_see(client: Client, city: SimpleNamespace) -> None:
    found = ask(client, request="GetCapabilities")
    assert [one.text for one in found.findall(".//wfs:FeatureType/wfs:Name", NS)] == ["cr:civici", "cr:edifici"]
    assert found.find(".//wfs:DefaultCRS", NS).text == "urn:ogc:def:crs:EPSG::32632"
    user = User.objects.create_user("geometra")
    user.groups.add(Group.objects.get_or_create(name=PROFESSIONALS)[0])
    client.force_login(user)
    assert "cr:vincoli" in [one.text for one in ask(client, request="GetCapabilities").findall(".//wfs:Name", NS)]


def test_a_type_is_described_without_hidden_attributes(client: Client, city: SimpleNamespace) -> None:
    found = ask(client, request="DescribeFeatureType", typenames="cr:edifici")
    types = {one.get("name"): one.get("type") for one in found.findall(".//xsd:sequence/xsd:element", NS)}
    assert types["geometry"] == "gml:SurfacePropertyType" and types["piani"] == "xsd:long"
    assert types["rilevato"] == "xsd:date" and "note" not in types


def test_features_come_as_gml_in_pages(client: Client, city: SimpleNamespace) -> None:
    first = ask(client, request="GetFeature", typenames="cr:edifici", count="2")
    assert (first.get("numberMatched"), first.get("numberReturned")) == ("500", "2")
    one = first.find("wfs:member/cr:edifici", NS)
    assert one.get("{http://www.opengis.net/gml/3.2}id") == "edifici.1"
    assert one.find("cr:piani", NS).text == "1" and one.find("cr:demolito", NS).text == "true"
    assert one.find("cr:rilevato", NS).text == "2020-01-01" and one.find("cr:note", NS) is None
    second = client.get(first.get("next"))
    members = fromstring(second.content).findall("wfs:member/cr:edifici", NS)
    assert [one.get("{http://www.opengis.net/gml/3.2}id") for one in members] == ["edifici.3", "edifici.4"]


def test_hits_count_without_features(client: Client, city: SimpleNamespace) -> None:
    found = ask(client, request="GetFeature", typenames="edifici", resultType="hits")
    assert (found.get("numberMatched"), found.get("numberReturned"), len(found)) == ("500", "0", 0)


@pytest.mark.parametrize(("srs", "srid", "swapped"), [
    ("urn:ogc:def:crs:EPSG::4326", 4326, True), ("EPSG:3857", 3857, False), ("urn:ogc:def:crs:EPSG::6706", 6706, True),
])  # fmt: skip
def test_axes_follow_the_crs(client: Client, city: SimpleNamespace, srs: str, srid: int, swapped: bool) -> None:
    found = ask(client, request="GetFeature", typenames="civici", count="1", srsName=srs)
    point = found.find(".//gml:Point", NS)
    numbers = [float(part) for part in point.find("gml:pos", NS).text.split()]
    with connection.cursor() as cursor:
        cursor.execute("SELECT ST_X(geom), ST_Y(geom) FROM geodata.civici WHERE fid = 1")
        x, y = Transformer.from_crs(32632, srid, always_xy=True).transform(*cursor.fetchone())
    expected = [y, x] if swapped else [x, y]
    assert numbers == pytest.approx(expected, abs=1e-6 if srid != 3857 else 0.01)
    assert point.get("srsName") == f"urn:ogc:def:crs:EPSG::{srid}"


def test_a_box_is_read_in_the_axes_of_its_crs(client: Client, city: SimpleNamespace) -> None:
    own = ask(
        client, request="GetFeature", typenames="edifici", bbox="580000,4999000,580045,4999005", resultType="hits"
    )
    assert own.get("numberMatched") == "2"
    west, south, east, north = city.buildings.bbox
    degrees = f"{south},{west},{north},{east},urn:ogc:def:crs:EPSG::4326"
    assert ask(client, request="GetFeature", typenames="edifici", bbox=degrees).get("numberMatched") == "500"


def test_geojson_is_given_too(client: Client, city: SimpleNamespace) -> None:
    params = {"service": "WFS", "request": "GetFeature", "typenames": "civici", "outputFormat": "application/json"}
    found = json.loads(client.get("/ogc/wfs", {**params, "count": "3"}).content)
    assert (found["numberMatched"], len(found["features"])) == (237, 3)


def compared(operator: str, name: str, value: str, attributes: str = "") -> str:
    """A comparison of an attribute with a literal."""
    return (
        f"<fes:{operator} {attributes}><fes:ValueReference>{name}</fes:ValueReference>"
        f"<fes:Literal>{value}</fes:Literal></fes:{operator}>"
    )


LIKE = compared("PropertyIsLike", "uso", "scuol*", "wildCard='*' singleChar='?' escapeChar='!'")
BOX = (
    "<fes:BBOX><fes:ValueReference>cr:geometry</fes:ValueReference>"
    "<gml:Envelope srsName='urn:ogc:def:crs:EPSG::32632'><gml:lowerCorner>580000 4999000</gml:lowerCorner>"
    "<gml:upperCorner>580045 4999005</gml:upperCorner></gml:Envelope></fes:BBOX>"
)
BETWEEN = (
    "<fes:PropertyIsBetween><fes:ValueReference>altezza</fes:ValueReference>"
    "<fes:LowerBoundary><fes:Literal>0</fes:Literal></fes:LowerBoundary>"
    "<fes:UpperBoundary><fes:Literal>1</fes:Literal></fes:UpperBoundary></fes:PropertyIsBetween>"
)
NOT_NULL = "<fes:Not><fes:PropertyIsNull><fes:ValueReference>uso</fes:ValueReference></fes:PropertyIsNull></fes:Not>"


@pytest.mark.parametrize(("filter_", "matched"), [
    (compared("PropertyIsEqualTo", "cr:piani", "3"), 72),
    (f"<fes:And>{compared('PropertyIsGreaterThan', 'piani', '6')}{LIKE}</fes:And>", None),
    (NOT_NULL, 375), ("<fes:ResourceId rid='edifici.7'/><fes:ResourceId rid='edifici.9'/>", 2), (BOX, 2), (BETWEEN, 4),
])  # fmt: skip
def test_filters_of_desktop_programs_are_understood(
    client: Client, city: SimpleNamespace, filter_: str, matched: int | None
) -> None:
    if matched is None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM geodata.edifici WHERE piani > 6 AND uso LIKE 'scuol%'")
            (matched,) = cursor.fetchone()
    assert post(client, filter_).get("numberMatched") == str(matched)


def test_one_feature_by_the_stored_query(client: Client, city: SimpleNamespace) -> None:
    params = {"request": "GetFeature", "storedquery_id": "urn:ogc:def:query:OGC-WFS::GetFeatureById"}
    assert ask(client, 200, **params, id="edifici.5").find("cr:piani", NS).text == "5"
    ask(client, 404, **params, id="edifici.99999")
    assert ask(client, request="ListStoredQueries").find("wfs:StoredQuery", NS) is not None


@pytest.mark.parametrize(("params", "status"), [
    ({"request": "GetFeature", "typenames": "vincoli"}, 404), ({"request": "GetFeature"}, 400),
    ({"request": "GetFeature", "typenames": "edifici", "count": "-1"}, 400), ({"request": "Transaction"}, 400),
    ({"request": "GetFeature", "typenames": "edifici", "srsName": "EPSG:1"}, 400),
    ({"request": "GetFeature", "typenames": "edifici", "outputFormat": "exe"}, 400),
    ({"request": "GetFeature", "typenames": "edifici", "propertyname": "note"}, 400),
    ({"request": "GetFeature", "typenames": "edifici", "bbox": "1,2"}, 400),
    ({"request": "DescribeFeatureType", "typenames": "x' OR 1=1 --"}, 404),
])  # fmt: skip
def test_errors_are_exception_reports(client: Client, city: SimpleNamespace, params: Any, status: int) -> None:
    report = ask(client, status, **params)
    assert report.tag == "{http://www.opengis.net/ows/1.1}ExceptionReport"
    assert report.find(".//ows:ExceptionText", NS).text


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
XXE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("body", [
    BOMB + QUERY.format(count=1, filter="&b;"), XXE + QUERY.format(count=1, filter="&a;"), "<a>" * 5000 + "</a>" * 5000,
    "<a>" * 100_000, "\x00", "", "<?xml version='1.0' encoding='utf-7'?><a/>",
    QUERY.format(count=1, filter="<fes:Function name='system'/>"),
    QUERY.format(count=1, filter=compared("PropertyIsEqualTo", "note", "1")),
    QUERY.format(count=1, filter=compared("PropertyIsEqualTo", "piani", "1' OR '1'='1")),
])  # fmt: skip
def test_hostile_xml_is_refused(client: Client, city: SimpleNamespace, body: str) -> None:
    answer = client.post("/ogc/wfs", body, content_type="application/xml")
    assert answer.status_code in {400, 413} and b"root:" not in answer.content
    fromstring(answer.content)


@pytest.fixture
def address(transactional_db: None, city: SimpleNamespace) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE geodata.civici SET via = E'Via <Dante> & \\x01 «Po»' WHERE fid = 2")
    with served() as root:
        yield f"WFS:{root}/ogc/wfs"
    drop(city.buildings, city.numbers, city.secret)


@pytest.mark.django_db(transaction=True)
def test_gdal_reads_every_feature_with_its_attributes(address: str, tmp_path: Any) -> None:
    target = tmp_path / "civici.geojson"
    command = ["ogr2ogr", "-f", "GeoJSON", "-t_srs", "EPSG:32632", str(target), address, "cr:civici"]
    made = subprocess.run([*command, "--config", "OGR_WFS_PAGE_SIZE", "100"], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    features = json.loads(target.read_text())["features"]
    assert len(features) == 237
    with connection.cursor() as cursor:
        cursor.execute("SELECT civico, ST_X(geom), ST_Y(geom) FROM geodata.civici")
        expected = {civico: (x, y) for civico, x, y in cursor.fetchall()}
    for one in features:
        assert one["geometry"]["coordinates"] == pytest.approx(expected[one["properties"]["civico"]], abs=0.01)
    assert "Via <Dante> &  «Po»" in {one["properties"]["via"] for one in features}
    summary = subprocess.run(["ogrinfo", "-al", "-so", address, "cr:edifici"], capture_output=True, text=True).stdout
    assert "Feature Count: 500" in summary and "piani: Integer64" in summary


def test_an_address_is_what_programs_paste(client: Client, city: SimpleNamespace) -> None:
    params = urlencode({"SERVICE": "WFS", "REQUEST": "GetFeature", "TYPENAME": "cr:civici", "COUNT": "1"})
    assert client.get(f"/ogc/wfs?{params}").status_code == 200
