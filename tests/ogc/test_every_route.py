"""What holds on every address of the services: methods, CORS, unknown and repeated parameters, ETag and 304, errors.

The addresses come from the URL configuration: one with a part that `PARTS` does not know fails here.
"""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from django.http.response import HttpResponseBase
from django.test import Client

from ogc.urls import urlpatterns
from tests.ogc.test_coverages import values as values

PARTS = {
    "slug": "edifici", "identifier": "1", "tms": "WebMercatorQuad", "z": "14", "y": "5884", "x": "8648",
    "style": "predefinito", "process_id": "echo", "job_id": "nessuno", "place": "nessuno", "form": "png",
}  # fmt: skip
OF_RASTERS = ("coverage", "domain-set", "range-type")
ASKED = {
    "wfs": "service=WFS&request=GetCapabilities",
    "wms": "service=WMS&request=GetCapabilities",
    "wmts": "service=WMTS&request=GetCapabilities",
    "export": "f=csv",
    "map": "width=20&height=20",
    "coverage": "scale-factor=30",
}
LEGACY = {"wfs", "wms", "wmts", "wmts-capabilities"}
"""Services of before OpenAPI pass over parameters they do not know (WMS 1.3.0, 6.8.1)."""
ONLY_POST = {"execution"}
QUERIES = ("%00=%00", "f=%00", "f=" + "9" * 5000, "%ff=%fe&f=html'--", "=&&=;=", "f[]=json")
HEADERS: tuple[dict[str, str], ...] = (
    {"accept": "a/b;q=0.1," * 1000}, {"accept": "text/json;q=1e999"}, {"accept-language": "xx," * 1000},
    {"if-none-match": '"' * 8000}, {"range": "bytes=9-1"}, {"accept": "\u00ff/\u00ff"}, {"prefer": ";;=,="},
    {"if-modified-since": "ieri"}, {"x-forwarded-host": "altrove.example"},
)  # fmt: skip


def address(pattern: Any) -> str:
    """An address of this route, with a question that it can answer where there is one."""
    parts = PARTS | ({"slug": "quota"} if pattern.name in OF_RASTERS else {})
    parts |= {"identifier": "edifici"} if pattern.name == "record" else {}
    path = re.sub(r"<str:(\w+)>", lambda found: parts[found[1]], str(pattern.pattern))
    asked = ASKED.get(pattern.name or "", "")
    return f"/ogc{path}" + (f"?{asked}" if asked else "")


ROUTES = [(one.name or "root", address(one)) for one in urlpatterns]
READ = [route for route in ROUTES if route[0] not in ONLY_POST]


@pytest.fixture(autouse=True)
def everything(city: SimpleNamespace, values: Any, blank_pictures: None) -> None:
    """Layers of every kind that are not the devices'."""


def more(path: str, query: str) -> str:
    return path + ("&" if "?" in path else "?") + query


def told_in(name: str) -> str:
    """The media type of an error of this address."""
    return "application/xml" if name == "wfs" else "text/xml" if name.startswith("wm") else "application/json"


def opened(answer: HttpResponseBase) -> bool:
    """Whether a page of another site may read this answer."""
    exposed = answer["Access-Control-Expose-Headers"]
    return answer["Access-Control-Allow-Origin"] == "*" and "ETag" in exposed and "Link" in exposed


def test_options_tell_the_methods_to_pages_of_any_site(client: Client) -> None:
    asked = {"origin": "https://altrove.example", "access-control-request-method": "GET"}
    for name, path in ROUTES:
        answer = client.options(path, headers=asked)
        assert answer.status_code == 200 and not answer.content and opened(answer), path
        assert not answer.has_header("Content-Type"), path
        assert answer["Allow"] == answer["Access-Control-Allow-Methods"]
        allowed = set(answer["Access-Control-Allow-Headers"].split(", "))
        assert {"Authorization", "Content-Type", "If-None-Match"} <= allowed, path
        refused = client.generic("PROPFIND", path)
        assert refused.status_code == 405 and refused["Allow"] == answer["Allow"], path
        assert b"PROPFIND is not possible" in refused.content and refused["Content-Type"] == told_in(name), path


def test_head_is_get_without_a_body(client: Client) -> None:
    for _name, path in READ:
        got, head = client.get(path), client.head(path)
        assert got.status_code == head.status_code and opened(got) and opened(head), path
        assert b"".join(head) == b"", path
        assert head["Content-Type"] == got["Content-Type"] and head["Vary"] == got["Vary"], path
        assert "Accept" in got["Vary"] and got["Cache-Control"], path
        if got.streaming:
            assert b"".join(got) and not head.has_header("Content-Length"), path
        elif b"timeStamp" not in got.content:
            assert int(head["Content-Length"]) == len(got.content) and head.get("ETag") == got.get("ETag"), path


def test_what_a_client_holds_is_not_sent_again(client: Client) -> None:
    kept = 0
    for _name, path in READ:
        got = client.get(path)
        if got.status_code != 200:
            assert got.status_code == 404 and "ETag" not in got and got["Cache-Control"] == "no-store", path
            continue
        for held in (got["ETag"], f'"other", W/{got["ETag"].removeprefix("W/")}', "*"):
            again = client.get(path, headers={"if-none-match": held})
            assert again.status_code == 304 and not again.content and again["ETag"] == got["ETag"], (path, held)
            assert not again.has_header("Content-Type"), f"{path}: the type of what is held would be changed"
            assert again["Vary"] == got["Vary"] and again["Cache-Control"] == got["Cache-Control"], path
            assert opened(again), path
        assert client.get(path, headers={"if-none-match": '"other"'}).status_code == 200, path
        kept += 1
    assert kept > len(READ) - 8, "all but what belongs to devices, jobs and grids of rasters"


def test_parameters_that_are_unknown_or_given_twice_are_refused(client: Client) -> None:
    for name, path in READ:
        twice, unknown = client.get(more(path, "f=json&f=json")), client.get(more(path, "inesistente=1"))
        assert twice.status_code == 400, (path, twice.content[:200])
        if name in LEGACY:
            assert unknown.status_code == 200, path
            continue
        assert unknown.status_code == 400 and b"inesistente" in unknown.content, path
        assert unknown["Content-Type"] == told_in(name) and opened(unknown), path


def test_odd_queries_are_refused_or_passed_over(client: Client) -> None:
    for _name, path in READ:
        for query in QUERIES:
            answer = client.get(more(path, query))
            assert answer.status_code in {200, 400, 404}, (path, query, answer.content[:200])


def test_odd_headers_are_passed_over(client: Client) -> None:
    for name, path in READ:
        plain = client.get(path).status_code
        for headers in HEADERS if name not in {"export", "coverage", "wms", "wmts-capabilities"} else HEADERS[:2]:
            assert client.get(path, headers=headers).status_code == plain, (path, headers)
