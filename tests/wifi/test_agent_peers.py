"""The access points agent against peers not ours: SNMP Simulator with a vendor objects, OpenWrt NetJSON over HTTP."""

from __future__ import annotations

import asyncio
import http.server
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from geoportal.messaging.device.config import ConfigError
from tests.ports import free_port
from tests.wifi.test_netjson import DOCUMENT
from wifi.agent.access_point import AccessPointSource

RECORD = """\
1.3.6.1.2.1.1.1.0|4|A made-up access point
1.3.6.1.2.1.1.3.0|67|8640000
1.3.6.1.2.1.25.2.3.1.2.1|6|1.3.6.1.2.1.25.2.1.2
1.3.6.1.2.1.25.2.3.1.5.1|2|1000
1.3.6.1.2.1.25.2.3.1.6.1|2|415
1.3.6.1.2.1.25.3.3.1.2.1|2|30
1.3.6.1.2.1.25.3.3.1.2.2|2|50
1.3.6.1.2.1.31.1.1.1.6.1|70|88123999123
1.3.6.1.2.1.31.1.1.1.6.2|70|7
1.3.6.1.2.1.31.1.1.1.10.1|70|9912399123
1.3.6.1.2.1.31.1.1.1.10.2|70|3
1.3.6.1.4.1.99999.1.2.1|66|9
1.3.6.1.4.1.99999.1.2.2|66|2
1.3.6.1.4.1.99999.1.3.1|66|14
"""
"""A vendor's counts of users stand under 99999: two radios at 2.4 GHz, one at 5."""


def read(**options: Any) -> dict[str, Any]:
    return dict(asyncio.run(AccessPointSource({"address": "127.0.0.1", **options}).read()))


@pytest.fixture(scope="module")
def simulated() -> Iterator[int]:
    """The port of an SNMP agent that answers from RECORD to the community `cremona`."""
    with tempfile.TemporaryDirectory(prefix="snmpsim-") as name:
        folder = Path(name)
        (folder / "cremona.snmprec").write_text(RECORD)
        port = free_port()
        command = [
            str(Path(sys.executable).parent / "snmpsim-command-responder"), f"--data-dir={folder}",
            f"--cache-dir={folder / 'cache'}", f"--agent-udpv4-endpoint=127.0.0.1:{port}", "--log-level=error",
        ]  # fmt: skip
        if os.geteuid() == 0:  # another account may be unable to enter the interpreter's folder
            command += ["--process-user=root", "--process-group=root"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd="/")
        ask = ["snmpget", "-v2c", "-ccremona", "-t1", "-r0", f"127.0.0.1:{port}", "1.3.6.1.2.1.1.1.0"]
        end = time.monotonic() + 60
        while subprocess.run(ask, capture_output=True).returncode:
            if process.poll() is not None or time.monotonic() > end:
                pytest.fail(f"SNMP Simulator does not answer: {(folder / 'log').read_text()}")
            time.sleep(0.1)
        yield port
        process.terminate()
        process.wait(60)


def test_a_vendors_access_point_is_read_by_its_own_objects(simulated: int) -> None:
    vendor = {"clients_24_oid": ".1.3.6.1.4.1.99999.1.2", "clients_5_oid": "1.3.6.1.4.1.99999.1.3"}
    found = read(community="cremona", snmp_port=str(simulated), **vendor)
    assert found | {"loss": 0, "rtt": 0} == {
        "loss": 0, "rtt": 0, "cpu": 40.0, "mem": 41.5, "uptime": 86_400, "clients_24": 11, "clients_5": 14,
        "rx_total": 88_123_999_130, "tx_total": 9_912_399_126,
    }  # fmt: skip
    one = read(community="cremona", snmp_port=str(simulated), interface="1")
    assert (one["rx_total"], one["tx_total"]) == (88_123_999_123, 9_912_399_123)
    assert "clients_24" not in one


def test_a_wrong_community_leaves_the_reachability(simulated: int) -> None:
    assert read(community="other", snmp_port=str(simulated)).keys() == {"loss", "rtt"}


@pytest.fixture
def serve() -> Iterator[Callable[[bytes, int], str]]:
    """Serves one body at every path; gives the address."""
    servers: list[http.server.HTTPServer] = []

    def start(body: bytes, status: int = 200) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/netjson"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_openwrt_is_read_as_netjson_and_only_counts_leave_it(serve: Callable[..., str]) -> None:
    source = AccessPointSource({"address": "127.0.0.1", "netjson": serve(json.dumps(DOCUMENT).encode())})
    found = dict(asyncio.run(source.read()))
    assert (found["clients_24"], found["clients_5"], found["noise_24"]) == (2, 0, -92)
    assert (found["rx_total"], found["tx_total"], found["uptime"]) == (7000, 1000, 7200)
    assert (found["load1"], found["cpu"], found["mem"]) == (0.5, 25.0, 50.0)
    said = json.dumps([found, source.info()])
    assert not any(word in said for word in ("d4:6a", "44:d1", "telefono", "10.0.0.7", "fe80"))
    assert source.info()["unsupported"] == []


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"<html>", 200), (b"{}", 200), (b"[" * 100_000, 200), (b'{"type":"DeviceMonitoring"}' + b" " * 600_000, 200),
     (b"", 404), (b"", 302)],
)  # fmt: skip
def test_what_is_no_netjson_leaves_the_reachability(serve: Callable[..., str], body: bytes, status: int) -> None:
    assert read(netjson=serve(body, status)).keys() == {"loss", "rtt"}


def test_an_access_point_that_is_away_has_lost_everything() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    assert read(netjson=address)["loss"] == 0
    with pytest.raises(ConfigError, match="netjson must begin with"):
        AccessPointSource({"address": "x", "netjson": "file:///etc/passwd"})
