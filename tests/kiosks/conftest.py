"""A real Chromium without a window, as a totem runs it, and a page for it to show."""

from __future__ import annotations

import http.server
import json
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port

PAGE = """<!doctype html><html lang="{lang}"><head><title>Totem</title>
<meta name="content-revision" content="r7"><meta name="content-updated" content="2026-01-01T00:00:00+00:00">
</head><body style="background:#084"><h1>Cremona {visits}</h1>
<script>{script}</script></body></html>"""


@dataclass
class Site:
    """What the totem shows: a page in the language of a cookie. `script` is run while it loads."""

    address: str = ""
    script: str = ""
    visits: int = 0
    pictures: list[tuple[str, str, bytes]] = field(default_factory=list)
    refuse: int = 0


@pytest.fixture(scope="module")
def _served() -> Iterator[Site]:
    site = Site()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.visits += "favicon" not in self.path
            cookie = SimpleCookie(self.headers.get("Cookie", "")).get("django_language")
            lang = cookie.value if cookie and cookie.value in ("it", "en", "de") else "it"
            body = PAGE.format(lang=lang, visits=site.visits, script=site.script).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(body)

        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            site.pictures.append((self.path, self.headers["X-Upload-Key"], body))
            self.send_response(site.refuse or 204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    site.address = f"http://127.0.0.1:{server.server_port}"
    yield site
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[str]:
    """The address of a running browser's DevTools."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="totem-") as profile:
        process = subprocess.Popen(
            [
                *("/usr/bin/chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"),
                *(f"--remote-debugging-port={port}", f"--user-data-dir={profile}", "about:blank"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        address = f"http://127.0.0.1:{port}"
        _await_page(address)
        yield address
        process.terminate()
        process.wait(60)


def _await_page(address: str) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"{address}/json/list", timeout=2) as answer:
                if any(one["type"] == "page" for one in json.load(answer)):
                    return
        except OSError:
            pass
        if time.monotonic() > end:
            pytest.fail("Chromium shows no page after 60 s")
        time.sleep(0.1)


@pytest.fixture
def site(_served: Site) -> Site:
    """The site, as new."""
    _served.script, _served.refuse = "", 0
    _served.pictures.clear()
    return _served


@pytest.fixture
def backlight(tmp_path: Path) -> Path:
    """A folder as the kernel's backlight class has it."""
    folder = tmp_path / "backlight" / "panel"
    folder.mkdir(parents=True)
    for name, value in (("brightness", "200"), ("max_brightness", "400"), ("bl_power", "0")):
        (folder / name).write_text(f"{value}\n")
    return folder.parent
