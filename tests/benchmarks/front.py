"""The product's own nginx before the served bench: what it makes of a kept tile, beside a file of the same bytes."""

from __future__ import annotations

import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from geoportal.runtime import front
from geoportal.runtime.places import Places
from geoportal.runtime.templates import fill
from layers.catalogue import LayerEntry
from tests.benchmarks.measure import Web, ask, settle, warm
from tests.liveserver import wait_for
from tests.ports import free_port

STATIC = "tile.000000000000.pbf"
"""A name as the product gives its static files, so that it is served the same way."""


def kept_tile(layer: LayerEntry, root: str, path: str, clients: int, seconds: int) -> tuple[Web, Web]:
    """What wrk sees of a tile with its version, and of a file that holds the same bytes."""
    where = f"{path}&v={layer.data_version}"
    with urllib.request.urlopen(root + where) as answer:
        body = answer.read()
    with _nginx(root.removeprefix("http://"), body) as before:
        for address in (f"{before}{where}", f"{before}/static/{STATIC}"):
            warm(address, clients, 1)
        settle()
        return ask(f"{before}{where}", clients, seconds), ask(f"{before}/static/{STATIC}", clients, seconds)


@contextmanager
def _nginx(web: str, body: bytes) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="geoportal-bench-front-") as name:
        folder, port = Path(name), free_port()
        folder.chmod(0o755)  # nginx's workers run as an account of their own
        for part in ("static", "pages", "cache"):
            (folder / part).mkdir(mode=0o755)
        (folder / "static" / STATIC).write_bytes(body)
        values = front.values_for(Places(folder, port=port, mqtt_port=free_port()))
        values |= {"root": str(folder), "static": str(folder / "static"), "pages": str(folder / "pages")}
        values |= {"listen": f"127.0.0.1:{port}", "web": web, "heavy": web, "live": web}
        (folder / "nginx.conf").write_text(fill(front.TEMPLATE.read_text(encoding="utf-8"), values), encoding="utf-8")
        command = [front.program(), "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]
        with (folder / "nginx.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            wait_for(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(15)
