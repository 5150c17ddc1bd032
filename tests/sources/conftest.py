"""Other people's servers: a web server that does what a test tells it, a second product, a second PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Elsewhere:
    """A web server on loopback. `answers` maps paths (without query) to what is done about them."""

    port: int
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def says(self, path: str, body: bytes, media: str = "text/plain", **headers: str) -> None:
        """Answer a path with a body; with an ETag a client that holds it gets 304."""
        etag = headers.get("ETag")

        def answer(handler: BaseHTTPRequestHandler) -> None:
            if etag and handler.headers.get("If-None-Match") == etag:
                handler.send_response(304)
                handler.end_headers()
                return
            handler.send_response(200)
            handler.send_header("Content-Type", media)
            handler.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.end_headers()
            handler.wfile.write(body)

        self.answers[path] = answer

    def redirects(self, path: str, target: str) -> None:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(302)
            handler.send_header("Location", target)
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        self.answers[path] = answer


@pytest.fixture(scope="module")
def _server() -> Iterator[Elsewhere]:
    held: list[Elsewhere] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            held[0].asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            answer = held[0].answers.get(self.path.partition("?")[0])
            with suppress(ConnectionError):
                if answer is None:
                    self.send_error(404)
                else:
                    answer(self)

        def log_message(self, *_args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    held.append(Elsewhere(server.server_address[1]))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield held[0]
    server.shutdown()
    server.server_close()


@pytest.fixture
def elsewhere(_server: Elsewhere, settings: object) -> Elsewhere:
    """The web server, allowed by the operator although it is on this machine."""
    _server.answers.clear()
    _server.asked.clear()
    settings.SOURCE_HOSTS = [f"127.0.0.1:{_server.port}"]  # type: ignore[attr-defined]
    settings.SOURCE_NETWORKS = ["127.0.0.0/8"]  # type: ignore[attr-defined]
    return _server
