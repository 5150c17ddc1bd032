"""WMS 1.3.0: the requirements of its clauses 6 and 7, which its abstract test suite (Annex A) walks through."""

from types import SimpleNamespace

import numpy as np
import pytest
from django.test import Client

from layers.models import Layer
from tests.conformance.abstract import abstract
from tests.drawing.conftest import GREEN, RED
from tests.drawing.pixels import at, decoded, near
from tests.geodata import forget_catalogue
from tests.ogc.test_wms import HERE, MAP, WMS, ask, code_of, document

CAPABILITIES = "SERVICE=WMS&REQUEST=GetCapabilities"
INFO = MAP.replace("GetMap", "GetFeatureInfo") + f"&{HERE}&QUERY_LAYERS=quadrati&INFO_FORMAT=text/plain"


@abstract("wms", "6.2.4 version negotiation", "7.2.3.2 FORMAT of GetCapabilities")
def test_the_version_is_agreed_upon(client: Client, plot: SimpleNamespace) -> None:
    given = {"": "1.3.0", "1.3.0": "1.3.0", "1.1.1": "1.1.1", "9.9.9": "1.3.0", "1.2.0": "1.1.1", "0.9": "1.1.1"}
    for asked, version in given.items():
        query = CAPABILITIES + (f"&VERSION={asked}" if asked else "")
        assert f'version="{version}"' in ask(client, query).content.decode(), asked
    assert ask(client, f"{CAPABILITIES}&FORMAT=text/bogus")["Content-Type"] == "text/xml"


@abstract("wms", "6.8.1 names of parameters in any case and order", "6.11 exceptions", "7.3.3.11 EXCEPTIONS")
def test_parameters_come_in_any_order_and_case_and_what_is_wrong_is_a_report(
    client: Client, plot: SimpleNamespace
) -> None:
    parts = f"{MAP}&{HERE}".split("&")
    turned = "&".join(part.partition("=")[0].lower() + "=" + part.partition("=")[2] for part in reversed(parts))
    assert ask(client, turned).content == ask(client, f"{MAP}&{HERE}").content
    assert ask(client, f"{MAP}&{HERE}&COLORE=blu")["Content-Type"] == "image/png", "unknown ones are passed over"
    wrong = f"{MAP}&{HERE}&EXCEPTIONS=XML".replace("quadrati", "Quadrati")
    refused = client.get(f"/ogc/wms?{wrong}")
    assert refused["Content-Type"] == "text/xml" and code_of(refused) == "LayerNotDefined", "names have one case"
    older = client.get("/ogc/wms?" + wrong.replace("1.3.0", "1.1.1").replace("CRS=", "SRS=").replace("=XML", ""))
    assert older["Content-Type"] == "application/vnd.ogc.se_xml"


@abstract("wms", "6.7.4 layer CRS", "7.2.4.3 service", "7.2.4.4 capability", "7.2.4.6 layer properties")
def test_the_capabilities_say_all_that_a_map_needs(client: Client, plot: SimpleNamespace) -> None:
    root = document(client)
    service = root.find(f"{WMS}Service")
    assert service is not None and service.findtext(f"{WMS}Name") == "WMS" and service.findtext(f"{WMS}Title")
    assert all(int(service.findtext(f"{WMS}{name}") or 0) > 0 for name in ("LayerLimit", "MaxWidth", "MaxHeight"))
    for name, media in (("GetCapabilities", "text/xml"), ("GetMap", "image/png"), ("GetFeatureInfo", "text/plain")):
        operation = root.find(f"{WMS}Capability/{WMS}Request/{WMS}{name}")
        assert operation is not None and media in [one.text for one in operation.findall(f"{WMS}Format")]
        assert operation.find(f"{WMS}DCPType/{WMS}HTTP/{WMS}Get/{WMS}OnlineResource") is not None
    assert "XML" in [one.text for one in root.findall(f"{WMS}Capability/{WMS}Exception/{WMS}Format")]
    parent = root.find(f"{WMS}Capability/{WMS}Layer")
    assert parent is not None and parent.findtext(f"{WMS}Title")
    inherited = {one.text for one in parent.findall(f"{WMS}CRS")}
    for layer in parent.findall(f".//{WMS}Layer"):
        assert layer.findtext(f"{WMS}Title")
        if layer.find(f"{WMS}Name") is None:
            continue
        systems = inherited | {one.text for one in layer.findall(f"{WMS}CRS")}
        assert {"CRS:84", "EPSG:4326", "EPSG:32632"} <= systems
        sides = [float(one.text or "nan") for one in layer.findall(f"{WMS}EX_GeographicBoundingBox/*")]
        assert -180 <= sides[0] <= sides[1] <= 180 and -90 <= sides[2] <= sides[3] <= 90
        for one in layer.findall(f"{WMS}BoundingBox"):
            west, south, east, north = (float(one.get(name, "nan")) for name in ("minx", "miny", "maxx", "maxy"))
            assert west < east and south < north and one.get("CRS") in systems
        styles = layer.findall(f"{WMS}Style")
        assert styles and all(one.findtext(f"{WMS}Name") and one.findtext(f"{WMS}Title") for one in styles)


@abstract("wms", "7.3.3.3 LAYERS", "7.3.3.4 STYLES", "7.3.3.6 BBOX", "7.3.3.8 WIDTH and HEIGHT",
          "7.3.3.9 TRANSPARENT", "7.3.3.10 BGCOLOR")  # fmt: skip
def test_a_map_is_what_was_asked_for(client: Client, plot: SimpleNamespace) -> None:
    def drawn(query: str) -> np.ndarray:
        return decoded(ask(client, query).content)

    plain = f"{MAP}&{HERE}"
    over, under = (drawn(plain.replace("LAYERS=quadrati", f"LAYERS={both}")) for both in
                   ("quadrati,punto", "punto,quadrati"))  # fmt: skip
    assert near(at(under, 0.5, 0.5), GREEN) and not near(at(over, 0.5, 0.5), GREEN), "the first one lies below"
    named = drawn(plain.replace("STYLES=", "STYLES=uso"))
    assert (named == drawn(plain)).all(), "an empty style is the default one"
    assert (drawn(plain.replace("LAYERS=quadrati&STYLES=", "LAYERS=quadrati,linea&STYLES=,")) != named).any()
    squeezed = drawn(plain.replace("WIDTH=400", "WIDTH=77"))
    assert squeezed.shape[1] == 77 and near(at(squeezed, 0.25, 0.5), RED), "pixels need not be square"
    away = drawn(f"{MAP}&CRS=EPSG:32632&BBOX=0,0,1000,1000")
    assert (away[..., :3] == 255).all(), "white where there is nothing, and no transparency unless asked for"
    beyond = drawn(f"{MAP}&CRS=CRS:84&BBOX=-500,-200,500,200")
    assert beyond.shape[:2] == away.shape[:2], "a box may reach past the CRS"
    for wrong in ("2,0,1,3", "0,3,1,2", "0,0,0,1", "a,b,c,d", "1,2,3"):
        assert code_of(client.get(f"/ogc/wms?{MAP}&CRS=EPSG:32632&BBOX={wrong}")) == "InvalidParameterValue", wrong


@abstract("wms", "7.3.3.2 VERSION of GetMap", "7.4.3 GetFeatureInfo", "7.4.4 response of GetFeatureInfo")
def test_features_are_told_where_they_are(client: Client, plot: SimpleNamespace) -> None:
    middle = ask(client, f"{INFO}&I=100&J=50")
    assert middle["Content-Type"].startswith("text/plain") and "casa" in middle.content.decode()
    for place in ("I=-1&J=5", "I=5&J=-1", "I=400&J=5", "I=5&J=100000"):
        assert code_of(client.get(f"/ogc/wms?{INFO}&{place}")) == "InvalidPoint", place
    Layer.objects.filter(slug="quadrati").update(is_published=False)
    forget_catalogue()
    assert code_of(client.get(f"/ogc/wms?{INFO}&I=100&J=50")) == "LayerNotDefined"


@abstract("wms", "7.2.3.5 UPDATESEQUENCE")
@pytest.mark.parametrize("far", [1, 10**24])
def test_capabilities_that_are_held_are_not_sent_again(client: Client, plot: SimpleNamespace, far: int) -> None:
    asked = f"{CAPABILITIES}&VERSION=1.3.0&UPDATESEQUENCE="
    current = int(document(client).get("updateSequence", ""))
    assert code_of(client.get(f"/ogc/wms?{asked}{current}")) == "CurrentUpdateSequence"
    assert code_of(client.get(f"/ogc/wms?{asked}{current + far}")) == "InvalidUpdateSequence"
    assert ask(client, f"{asked}{max(0, current - far)}").content.startswith(b"<?xml")
