"""The front server on the real product: types, caching, compression, and what is shown while web is away."""

import json
import os
import re
import shutil
import signal
import socket
import socketserver
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from email.message import Message
from pathlib import Path

import pytest
import requests

from geoportal.runtime import front
from geoportal.runtime.places import Places
from geoportal.runtime.process import guarded
from geoportal.runtime.product import listens
from geoportal.runtime.templates import fill
from tests.fuzz.front import LONGEST_LINE, too_long
from tests.ports import free_port
from tests.product import RunningProduct, eventually
from tests.services import ROOT

TILE = "/ogc/collections/edifici/tiles/WebMercatorQuad/14/5885/8648"
"""Zoom, row and column of the middle of the city."""


def get(url: str, **headers: str) -> tuple[int, Message, bytes]:
    """Status, headers and body, also of an error."""
    request = urllib.request.Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def versioned_tile(product: RunningProduct) -> str:
    _, _, page = get(f"{product.url}/")
    found = re.search(r"collections/edifici/tiles/[^\"]*?v=(\d+)", page.decode())
    assert found, f"the map page does not name the tiles of the buildings: {page.decode()}"
    return f"{product.url}{TILE}?f=mvt&v={found[1]}"


def test_a_hashed_name_is_kept_for_ever_and_a_plain_one_is_asked_for_again(product: RunningProduct) -> None:
    manifest = json.loads((product.places.static / "staticfiles.json").read_text(encoding="utf-8"))["paths"]
    plain = "vendor/maplibre-gl/maplibre-gl.mjs"
    _, hashed_headers, _ = get(f"{product.url}/static/{manifest[plain]}")
    _, plain_headers, _ = get(f"{product.url}/static/{plain}")
    assert hashed_headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert plain_headers["Cache-Control"] == "no-cache"
    assert hashed_headers["Content-Type"] == plain_headers["Content-Type"] == "text/javascript; charset=utf-8"


def test_a_public_versioned_tile_is_kept_compressed_and_one_for_a_signed_in_person_is_not(
    product: RunningProduct,
) -> None:
    url = versioned_tile(product)
    _, first, body = get(url, Accept_Encoding="gzip", Accept_Language="it")
    _, second, again = get(url, Accept_Encoding="gzip", Accept_Language="en")
    _, signed_in, _ = get(url, Accept_Encoding="gzip", Cookie="sessionid=somebody")
    assert (first["Content-Encoding"], second["Content-Encoding"]) == ("gzip", "gzip")
    assert second["X-Cache"] == "HIT"
    assert body == again
    assert signed_in["X-Cache"] == "BYPASS"


def test_a_kept_tile_is_not_given_once_its_layer_is_closed(product: RunningProduct) -> None:
    url = versioned_tile(product)
    _, first, body = get(url)
    change = "from layers.models import Layer; Layer.objects.filter(slug='edifici').update(access='{}')"
    product.manage("shell", "-c", change.format("internal"))
    try:
        eventually(lambda: get(url)[0] == 404, "the tile of a closed layer is gone")
    finally:
        product.manage("shell", "-c", change.format("public"))
    back: list[tuple[int, Message, bytes]] = []

    def is_back() -> bool:
        back.append(get(url))
        return back[-1][0] == 200

    eventually(is_back, "the tile of a layer that is open again is back")
    # By its tag alone: web did not make it again.
    assert (back[-1][1]["X-Cache"], back[-1][1]["ETag"], back[-1][2]) == ("REVALIDATED", first["ETag"], body)


def test_a_client_that_does_not_take_gzip_gets_plain_bytes(product: RunningProduct) -> None:
    url = versioned_tile(product)
    get(url, Accept_Encoding="gzip")
    _, headers, body = get(url, Accept_Encoding="identity")
    assert headers["Content-Encoding"] is None
    assert body[:1] == b"\x1a", "a vector tile begins with its layer"


def test_a_tile_without_a_version_is_not_kept(product: RunningProduct) -> None:
    url = f"{product.url}{TILE}?f=mvt"
    get(url)
    assert get(url)[1]["X-Cache"] == "BYPASS"


def test_geojson_is_compressed(product: RunningProduct) -> None:
    url = f"{product.url}/ogc/collections/edifici/items?f=json&limit=50"
    assert get(url, Accept_Encoding="gzip")[1]["Content-Encoding"] == "gzip"
    # As browsers ask: brotli where nginx has it. Both are the same answer to who holds it.
    _, headers, body = get(url, Accept_Encoding="gzip, deflate, br")
    assert headers["Content-Encoding"] == ("br" if front.BROTLI.exists() else "gzip") and body[:1] != b"{"
    assert "Accept-Encoding" in headers["Vary"] and headers["ETag"].startswith("W/")
    assert get(url, Accept_Encoding="br", If_None_Match=headers["ETag"])[0] == 304


@pytest.fixture(scope="module")
def front_alone() -> Iterator[str]:
    """The address of a front server with nothing behind it."""
    places = Places(ROOT / f"front-{os.getpid()}", port=free_port())
    places.prepare()
    front.prepare(places)
    server = subprocess.Popen(guarded(front.command(places), signal.SIGTERM), stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: listens("127.0.0.1", places.port), "the front listens")
        yield f"http://127.0.0.1:{places.port}"
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(places.var)


class _Named(socketserver.StreamRequestHandler):
    """Answers any request with the name of its socket; about a layer that is away, that it is."""

    def handle(self) -> None:
        is_away = b"/collections/away/" in self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        name = Path(str(self.server.server_address)).stem
        status = "503 Service Unavailable" if is_away else "200 OK"
        self.wfile.write(
            f"HTTP/1.1 {status}\r\nContent-Length: {len(name)}\r\nConnection: close\r\n\r\n{name}".encode()
        )


@pytest.fixture(scope="module")
def front_of_names() -> Iterator[str]:
    """A front server before two servers that say which one they are."""
    places = Places(ROOT / f"named-{os.getpid()}", port=free_port())
    places.prepare()
    front.prepare(places)
    behind = [
        socketserver.ThreadingUnixStreamServer(str(places.sockets / f"{name}.sock"), _Named)
        for name in ("web", "heavy")
    ]
    for server in behind:
        (places.sockets / Path(str(server.server_address)).name).chmod(0o666)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    nginx = subprocess.Popen(guarded(front.command(places), signal.SIGTERM), stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: listens("127.0.0.1", places.port), "the front listens")
        yield f"http://127.0.0.1:{places.port}"
    finally:
        nginx.terminate()
        nginx.wait()
        for server in behind:
            server.shutdown()
            server.server_close()
        shutil.rmtree(places.var)


@pytest.mark.parametrize(
    ("path", "pool"),
    [
        ("/", "web"),
        ("/ogc/collections", "web"),
        ("/ogc/collections/map", "web"),
        ("/ogc/collections/a/items", "web"),
        ("/ogc/collections/a/styles", "web"),
        ("/ogc/collections/a/styles/b?f=sld", "web"),
        ("/ogc/collections/a/tiles/WebMercatorQuad/1/2/3?f=mvt&v=1", "web"),
        ("/ogc/collections/a/map/tiles/WebMercatorQuad/1/2/3?f=png&v=1", "heavy"),
        ("/ogc/collections/a/styles/b/map/tiles/WebMercatorQuad/1/2/3?f=png&v=1", "heavy"),
        ("/ogc/collections/a/map?width=1", "heavy"),
        ("/ogc/collections/a/styles/b/map", "heavy"),
        ("/ogc/collections/a/styles/b/legend", "heavy"),
        ("/ogc/map?collections=a", "heavy"),
        ("/ogc/wms?SERVICE=WMS", "heavy"),
        ("/ogc/wmts/1.0.0/WMTSCapabilities.xml", "heavy"),
        ("/ogc/wfs", "heavy"),
    ],
)
def test_answers_that_take_long_have_workers_of_their_own(front_of_names: str, path: str, pool: str) -> None:
    assert get(f"{front_of_names}{path}")[2].decode() == pool


@pytest.mark.parametrize(
    "path", ["tiles/WebMercatorQuad/1/2/3?f=mvt", "map/tiles/WebMercatorQuad/1/2/3?f=png", "items"]
)
def test_what_the_product_says_of_a_layer_that_is_away_reaches_who_asked(front_of_names: str, path: str) -> None:
    status, _headers, body = get(f"{front_of_names}/ogc/collections/away/{path}")
    assert status == 503 and body.decode() in {"web", "heavy"}


def test_while_web_is_away_people_get_a_page_that_reloads(front_alone: str) -> None:
    status, headers, page = get(f"{front_alone}/")
    assert (status, headers["Retry-After"], headers["Cache-Control"]) == (502, "3", "no-store")
    assert b'http-equiv="refresh"' in page
    assert b"Torniamo subito" in page


@pytest.mark.parametrize("path", ["/ogc/collections?f=json", "/api/dispositivi", "/healthz", TILE])
def test_while_web_is_away_programs_get_json(front_alone: str, path: str) -> None:
    status, headers, body = get(f"{front_alone}{path}")
    assert (status, headers["Retry-After"]) == (502, "3")
    assert json.loads(body)["code"] == "ServiceUnavailable"


def test_an_upload_past_the_limit_is_refused_in_words(front_alone: str) -> None:
    request = urllib.request.Request(f"{front_alone}/admin/", method="POST", headers={"Content-Length": str(600 << 20)})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    assert refused.value.code == 413
    assert "512 MB" in refused.value.read().decode()


def test_a_killed_front_listens_again(product: RunningProduct) -> None:
    product.kill("front", signal.SIGKILL)
    eventually(lambda: _reaches(product), "the front answers again")


def test_a_template_with_an_unknown_mark_is_refused() -> None:
    assert fill("listen @listen@;", {"listen": "127.0.0.1:1"}) == "listen 127.0.0.1:1;"
    with pytest.raises(KeyError):
        fill("root @nowhere@;", {})


def _reaches(product: RunningProduct) -> bool:
    try:
        return get(f"{product.url}/healthz")[0] == 200
    except OSError:
        return False


def test_clients_that_never_finish_asking_keep_nobody_waiting(front_of_names: str) -> None:
    port = int(front_of_names.rpartition(":")[2])
    begun = (
        b"GET /ogc/ HTTP/1.1\r\nHost: x\r\nX-",
        b"POST /ogc/wfs HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc",
    )
    with ExitStack() as held:
        for number in range(300):
            client = held.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(begun[number % 2])
        for path, name in (("/ogc/", b"web"), ("/ogc/wfs", b"heavy")):
            assert get(f"{front_of_names}{path}")[::2] == (200, name)


def test_an_address_longer_than_the_front_takes_is_refused_by_it(front_of_names: str) -> None:
    short = f"{front_of_names}/ogc/collections?x="
    asked = requests.Request("GET", short).prepare()
    room = LONGEST_LINE - len(f"GET {asked.path_url} HTTP/1.1\r\n")
    for digits, status in ((room, 200), (room + 1, 414), (40_000, 414)):
        asked.url = short + "9" * digits
        assert (get(asked.url)[0], too_long(asked)) == (status, status == 414)
    assert get(f"{front_of_names}/ogc/collections", X_Long="9" * 40_000)[0] == 400
