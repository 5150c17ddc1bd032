"""A simulated totem knows every order of the contract, and refuses what the real one refuses."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from geoportal.messaging.device.commands import CommandError, Handler, Unsupported
from geoportal.messaging.device.config import AgentConfig
from geoportal.messaging.orders import ORDERS, fault, orders_of
from geoportal.simulator.fleet import SimulatedDevice
from geoportal.simulator.metrics import Site
from geoportal.simulator.screen import Screen, picture

ASKED: dict[str, dict[str, Any]] = {
    "set_page": {"url": "https://example.org/orari"},
    "set_language": {"lang": "en"},
    "show_message": {"text": "Torno subito", "seconds": 30},
    "set_brightness": {"percent": 40},
    "set_volume": {"percent": 70},
    "screenshot": {"upload_path": "/api/schermate/7", "upload_key": "k" * 20},
}
MEANT = {"page_url": "https://example.org/orari", "backlight": 40, "volume": 70, "disp_on": False, "disp_want": False}


@pytest.fixture
def portal() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """What was handed in at an address that takes everything."""
    taken: list[tuple[str, bytes]] = []

    class Door(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            taken.append((self.headers["X-Upload-Key"], self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return None

    server = HTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", taken
    server.shutdown()
    thread.join()
    server.server_close()


def config(folder: Path, kind: str = "totem", centre_url: str = "") -> AgentConfig:
    return AgentConfig(
        "dev-x", kind, "127.0.0.1", 1, "dev-x", "x", spool_path=str(folder / "spool"), centre_url=centre_url
    )


def done(handler: Handler, arguments: dict[str, Any]) -> str:
    async def wait() -> str:
        return await handler(arguments)

    return asyncio.run(wait())


@pytest.mark.parametrize("kind", ["totem", "ap"])
def test_it_knows_every_order_of_its_kind(tmp_path: Path, kind: str) -> None:
    device = SimulatedDevice(config(tmp_path, kind), Site("dev-x", kind), seed=1)
    # The client itself answers `refresh`.
    assert {*device._handlers(), "refresh"} == {order.op for order in orders_of(kind)}
    assert device.device is not None
    device.device.spool.close()


def test_orders_are_done_and_samples_tell_of_them(
    tmp_path: Path, portal: tuple[str, list[tuple[str, bytes]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geoportal.simulator.screen._LOADS_S", 0)
    screen = Screen(config(tmp_path, centre_url=portal[0]))
    for op, handler in screen.handlers().items():
        arguments = ASKED.get(op, {})
        assert not fault(ORDERS[op].args, arguments), op
        assert done(handler, arguments), op
    assert screen.readings == MEANT
    assert portal[1] == [("k" * 20, picture())]
    assert picture().startswith(b"\xff\xd8") and len(picture()) <= 150_000
    screen.restart()
    assert "page_url" not in screen.readings and screen.readings["backlight"] == 40


def test_it_refuses_what_the_real_one_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geoportal.simulator.screen._LOADS_S", 0)
    handlers = Screen(config(tmp_path)).handlers()
    with pytest.raises(CommandError, match="stays in it"):
        done(handlers["set_language"], {"lang": "de"})
    with pytest.raises(Unsupported, match=r"centre\.url"):
        done(handlers["screenshot"], ASKED["screenshot"])
