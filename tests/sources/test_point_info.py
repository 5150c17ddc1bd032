"""What other servers say of a point is taken apart into plain facts; nothing of it is passed on as it came."""

from __future__ import annotations

import json
from typing import Any

import pytest

from layers.sources.errors import SourceErred
from layers.sources.html_facts import html_facts
from layers.sources.info_formats import LONGEST_VALUE, MOST_FACTS, read_info
from layers.sources.wms import read_wms

GEOJSON = b"""{"type": "FeatureCollection", "features": [
 {"type": "Feature", "id": "p.1", "geometry": {"type": "Point", "coordinates": [1, 2]},
  "properties": {"nome": "<script>alert(1)</script>", "area": 12.5, "aperto": true,
  "vuoto": null, "lista": [1, 2]}}]}"""
MAPSERVER_GML = b"""<?xml version="1.0" encoding="UTF-8"?>
<msGMLOutput xmlns:gml="http://www.opengis.net/gml"><zone_layer><gml:name>Zone</gml:name>
<zone_feature><gml:boundedBy><gml:Box><gml:coordinates>1,2 3,4</gml:coordinates></gml:Box></gml:boundedBy>
<CODICE>B2</CODICE><NOME>Citt\xc3\xa0 antica</NOME></zone_feature></zone_layer></msGMLOutput>"""
GEOSERVER_GML = b"""<wfs:FeatureCollection xmlns:wfs="w" xmlns:gml="http://www.opengis.net/gml" xmlns:t="t">
<gml:featureMember><t:zone fid="zone.7"><t:the_geom><gml:Point/></t:the_geom><t:codice>B2</t:codice></t:zone>
</gml:featureMember></wfs:FeatureCollection>"""
QGIS_XML = b"""<GetFeatureInfoResponse><Layer name="zone"><Feature id="7"><Attribute name="codice" value="B2"/>
<Attribute name="piani" value="3"/></Feature></Layer></GetFeatureInfoResponse>"""
ESRI_XML = (
    b'<FeatureInfoResponse xmlns="http://www.esri.com/wms"><FIELDS OBJECTID="7" codice="B2"/></FeatureInfoResponse>'
)
MAPSERVER_TEXT = b"""GetFeatureInfo results:

Layer 'zone'
  Feature 7:
    codice = 'B2'
    nome = 'Citt\xe0 antica'
  Feature 8:
    codice = 'B3'
"""
GEOSERVER_TEXT = b"""Results for FeatureType 'zone':
--------------------------------------------
codice = B2
--------------------------------------------
codice = B3
--------------------------------------------
"""
GEOSERVER_HTML = b"""<html><head><title>GetFeatureInfo</title><style>td {}</style></head><body><table>
<tr><th>fid</th><th>codice</th></tr><tr><td>zone.7</td><td>B2 &amp; B3<script>alert(1)</script></td></tr></table>
</body></html>"""


@pytest.mark.parametrize(
    ("body", "media", "found"),
    [
        (GEOJSON, "application/json", [("p.1", {"nome": "<script>alert(1)</script>", "area": 12.5, "aperto": True,
                                                "vuoto": None, "lista": "[1, 2]"})]),
        (MAPSERVER_GML, "application/vnd.ogc.gml", [("", {"CODICE": "B2", "NOME": "Città antica"})]),
        (GEOSERVER_GML, "text/xml", [("zone.7", {"codice": "B2"})]),
        (QGIS_XML, "text/xml", [("7", {"codice": "B2", "piani": "3"})]),
        (ESRI_XML, "text/xml", [("", {"OBJECTID": "7", "codice": "B2"})]),
        (MAPSERVER_TEXT, "text/plain", [("", {"codice": "B2", "nome": "Città antica"}), ("", {"codice": "B3"})]),
        (GEOSERVER_TEXT, "text/plain", [("", {"codice": "B2"}), ("", {"codice": "B3"})]),
        (GEOSERVER_HTML, "text/html", [("", {"fid": "zone.7", "codice": "B2 & B3"})]),
        (b"no features were found", "text/plain", []),
        (b"GetFeatureInfo results:\n\n  Search returned no results.\n", "text/plain", []),
        (b"<html><body></body></html>", "text/html", []),
        (b'<msGMLOutput xmlns:gml="g"/>', "application/vnd.ogc.gml", []),
        (b'{"type": "FeatureCollection", "features": []}', "application/geo+json", []),
    ],
)  # fmt: skip
def test_each_form_of_answer_becomes_the_same_facts(body: bytes, media: str, found: list[Any]) -> None:
    assert read_info(body, media) == found


@pytest.mark.parametrize(
    ("body", "media", "text"),
    [
        (b'<ServiceExceptionReport><ServiceException code="LayerNotQueryable">No</ServiceException>'
         b"</ServiceExceptionReport>", "text/xml", "errore: No"),
        (b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', "text/xml", "XML"),
        (b"[" * 100_000, "application/json", "JSON"),
        (b'{"error": "no"}', "application/json", "features"),
        (b"\x89PNG\r\n", "image/png", "image/png"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_told_as_such(body: bytes, media: str, text: str) -> None:
    with pytest.raises(SourceErred, match=text):
        read_info(body, media)


def test_an_answer_without_measure_is_cut() -> None:
    facts = {f"campo{n}": "x" * 5000 for n in range(500)} | {"n": 10**400, "m": float("nan")}
    body = json.dumps({"features": [{"properties": {"n": 10**400, "m": float("nan"), "a\x00b": "\x1b[31m"} | facts}]})
    ((_name, kept),) = read_info(body.encode(), "application/json")
    assert (
        len(kept) == MOST_FACTS
        and max(len(value) for value in kept.values() if isinstance(value, str)) == LONGEST_VALUE
    )
    assert (kept["n"], kept["m"], kept["ab"]) == (None, None, "[31m")
    # As long as an answer may be, and nothing in it that ends.
    assert read_info(b" " * 2**20 + b"=" + b"'" * 1000, "text/plain") == []
    assert html_facts("<table><tr><td>" * 50_000)[:1] == []


def test_a_pages_script_in_a_heading_is_no_name() -> None:
    assert html_facts("<p>Zona <b>B2</b><script>document.cookie</script></p>") == [{"Risposta": "Zona B2"}]


CAPABILITIES = """<WMS_Capabilities version="1.3.0"><Capability><Request>
<GetMap><Format>image/png</Format></GetMap>
<GetFeatureInfo><Format>text/html</Format><Format>{format}</Format></GetFeatureInfo></Request>
<Layer queryable="{above}"><CRS>EPSG:3857</CRS><Layer {own}><Name>zone</Name></Layer></Layer>
</Capability></WMS_Capabilities>"""


@pytest.mark.parametrize(
    ("above", "own", "format_", "info"),
    [
        ("1", "", "application/json", "application/json"),
        ("0", 'queryable="1"', "text/plain", "text/plain"),
        ("1", 'queryable="0"', "text/plain", ""),
        ("1", "", "application/x-shockwave-flash", "text/html"),
    ],
)
def test_a_layer_is_asked_only_when_it_says_so_and_in_the_best_format(
    above: str, own: str, format_: str, info: str
) -> None:
    body = CAPABILITIES.format(above=above, own=own, format=format_).encode()
    assert read_wms(body, "zone", {}).info == info
