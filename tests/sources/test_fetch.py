"""Addresses of sources: only what the operator allowed is ever asked, and never for long or for much."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest

from layers.sources.addresses import web_place
from layers.sources.errors import SourceFailed, SourceRefused
from layers.sources.fetch import Budget, fetched
from tests.ports import free_port
from tests.sources.conftest import Elsewhere

NAMES: dict[str, list[str]] = {
    "dati.example.org": ["93.184.215.14"],
    "dentro.example.org": ["10.1.2.3"],
    "meta.example.org": ["93.184.215.14", "169.254.169.254"],
    "sei.example.org": ["::ffff:127.0.0.1"],
    "ula.example.org": ["fd00::1"],
    "multi.example.org": ["224.0.0.1"],
}


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch, settings: Any) -> list[str]:
    """A name service with a few names; returns what it was asked."""
    asked: list[str] = []

    def resolve(host: str, port: int, **_more: Any) -> list[Any]:
        asked.append(host)
        ips = NAMES.get(host, [host])
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ips]

    monkeypatch.setattr("layers.sources.addresses.socket.getaddrinfo", resolve)
    settings.SOURCE_HOSTS = ["*.example.org", "127.0.0.1", "[::1]", "solo.example.net:8443"]
    settings.SOURCE_NETWORKS = []
    return asked


def test_an_allowed_name_is_resolved_once_and_pinned(names: list[str]) -> None:
    found = web_place("https://dati.example.org/a?b=c")
    assert (found.place.ip, found.place.port, found.path) == ("93.184.215.14", 443, "/a?b=c")
    assert names == ["dati.example.org"]


@pytest.mark.parametrize(
    "url",
    [
        "http://dentro.example.org/", "http://meta.example.org/", "http://sei.example.org/", "http://ula.example.org/",
        "http://multi.example.org/", "http://127.0.0.1/", "http://[::1]/", "http://0x7f000001/", "http://2130706433/",
        "http://example.org/", "http://example.org.evil.net/", "http://dati.example.org:8080/", "https://solo.example.net/",
        "ftp://dati.example.org/", "file:///etc/passwd", "gopher://dati.example.org/", "//dati.example.org/",
        "http://utente:segreto@dati.example.org/", "http://dati.example.org\r\nHost: x/", "http://dati.example.org:99999/",
        "http:///x", "",
    ],
)  # fmt: skip
def test_what_is_not_allowed_or_not_public_is_refused(names: list[str], url: str) -> None:
    with pytest.raises(SourceRefused):
        web_place(url)


def test_an_operator_may_open_a_network_of_his_own(names: list[str], settings: Any) -> None:
    settings.SOURCE_NETWORKS = ["10.1.0.0/16"]
    assert web_place("http://dentro.example.org/").place.ip == "10.1.2.3"
    with pytest.raises(SourceRefused, match=r"127\.0\.0\.1"):
        web_place("http://sei.example.org/")


def test_an_empty_list_allows_nothing(settings: Any) -> None:
    settings.SOURCE_HOSTS = []
    with pytest.raises(SourceRefused, match="GEOPORTAL_SOURCE_HOSTS"):
        web_place("https://www.comune.cremona.it/")


def test_a_redirection_is_checked_like_the_first_address(elsewhere: Elsewhere) -> None:
    elsewhere.says("/fine", b"arrivati")
    elsewhere.redirects("/qui", "/fine")
    elsewhere.redirects("/dentro", "http://169.254.169.254/latest/meta-data/")
    elsewhere.redirects("/file", "file:///etc/passwd")
    elsewhere.redirects("/tondo", "/tondo")
    assert fetched(f"{elsewhere.url}/qui", Budget(5, 100))[1] == b"arrivati"
    for path in ("/dentro", "/file"):
        with pytest.raises(SourceRefused):
            fetched(elsewhere.url + path, Budget(5, 100))
    with pytest.raises(SourceFailed, match="5 volte"):
        fetched(f"{elsewhere.url}/tondo", Budget(5, 100))


def test_credentials_stay_with_the_first_origin(elsewhere: Elsewhere, settings: Any) -> None:
    elsewhere.says("/fine", b"")
    elsewhere.redirects("/qui", f"http://localhost:{elsewhere.port}/fine")
    settings.SOURCE_HOSTS = [*settings.SOURCE_HOSTS, f"localhost:{elsewhere.port}"]
    settings.SOURCE_NETWORKS = ["127.0.0.0/8", "::1/128"]
    fetched(f"{elsewhere.url}/qui", Budget(5, 100), credentials="mario:segreto")
    told = [(path, "authorization" in headers) for path, headers in elsewhere.asked]
    assert told == [("/qui", True), ("/fine", False)]


def test_too_much_and_too_slow_end(elsewhere: Elsewhere) -> None:
    elsewhere.says("/grande", b"x" * 100_000)

    ended: list[Any] = []

    def trickle(handler: Any) -> None:
        for _turn in range(100):
            handler.wfile.write(b".")
            time.sleep(0.05)
        ended.append(handler)

    def drip(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        trickle(handler)

    def hush(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-A: ")
        trickle(handler)

    elsewhere.answers |= {"/goccia": drip, "/testa": hush}
    with pytest.raises(SourceFailed, match="dimensione"):
        fetched(f"{elsewhere.url}/grande", Budget(5, 1000))
    for path in ("/goccia", "/testa"):
        with pytest.raises(SourceFailed) as caught:
            fetched(elsewhere.url + path, Budget(0.4, 1000))
        assert caught.value.is_slow and not ended


def test_an_answer_cut_short_is_no_answer(elsewhere: Elsewhere) -> None:
    def cut(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"solo questo")
        handler.close_connection = True

    elsewhere.answers["/taglio"] = cut
    with pytest.raises(SourceFailed, match="interrotto"):
        fetched(f"{elsewhere.url}/taglio", Budget(5, 1000))
    with pytest.raises(SourceFailed, match="404"):
        fetched(f"{elsewhere.url}/niente", Budget(5, 1000))


def test_who_is_not_there_is_said_to_be_so(settings: Any) -> None:
    port = free_port()
    settings.SOURCE_HOSTS, settings.SOURCE_NETWORKS = [f"127.0.0.1:{port}"], ["127.0.0.0/8"]
    with pytest.raises(SourceFailed, match="rifiuta"):
        fetched(f"http://127.0.0.1:{port}/", Budget(5, 1000))
