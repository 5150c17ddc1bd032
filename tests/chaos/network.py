"""A network that can be cut: a namespace of its own, a link to it, and a door to the broker at our end of the link.

The broker listens on the loopback alone, which no other namespace can reach, so a small forwarder stands at our end.
Cutting the link loses packets without a word, as a torn cable does: nobody gets an end of the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

PORT = 1883


class NoNamespaces(Exception):
    """This machine does not let us make network namespaces; the text says why."""


@dataclass(frozen=True)
class Segment:
    """One namespace and its link."""

    number: int

    @property
    def namespace(self) -> str:
        return f"chaos-{os.getpid()}-{self.number}"

    @property
    def link(self) -> str:
        """Our end; the kernel takes 15 characters."""
        return f"ch{os.getpid()}x{self.number}"

    @property
    def host(self) -> str:
        """Our end's address, from the range that RFC 2544 keeps for tests."""
        return f"198.18.{self.number}.1"

    def prefix(self) -> list[str]:
        """What runs a program inside."""
        return ["ip", "netns", "exec", self.namespace]

    def cut(self) -> None:
        _ip("link", "set", self.link, "down")

    def mend(self) -> None:
        _ip("link", "set", self.link, "up")

    def make(self) -> None:
        """Raises NoNamespaces."""
        far = f"{self.link}f"
        _ip("netns", "add", self.namespace)
        _ip("link", "add", self.link, "type", "veth", "peer", "name", far, "netns", self.namespace)
        _ip("address", "add", f"{self.host}/24", "dev", self.link)
        self.mend()
        _ip("-n", self.namespace, "address", "add", f"198.18.{self.number}.2/24", "dev", far)
        _ip("-n", self.namespace, "link", "set", far, "up")
        _ip("-n", self.namespace, "link", "set", "lo", "up")

    def remove(self) -> None:
        """The link first: the kernel would take it away with the namespace, but only some time later."""
        for what in (("link", "delete", self.link), ("netns", "delete", self.namespace)):
            with contextlib.suppress(NoNamespaces):
                _ip(*what)


@contextmanager
def segments(count: int, broker_port: int) -> Iterator[list[Segment]]:
    """Namespaces whose processes reach the broker at `host`:PORT. Raises NoNamespaces."""
    if os.geteuid() or shutil.which("ip") is None:
        raise NoNamespaces("network namespaces need root and the program ip")
    made = [Segment(number) for number in range(count)]
    try:
        for one in made:
            one.make()
        with _doors([one.host for one in made], broker_port):
            yield made
    finally:
        for one in made:
            one.remove()


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise NoNamespaces(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


@contextmanager
def _doors(hosts: list[str], port: int) -> Iterator[None]:
    """Forward from each address to the broker, on a thread with a loop of its own."""
    loop = asyncio.new_event_loop()

    async def enter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pour(reader, inner_writer), _pour(inner_reader, writer))

    async def serve() -> list[asyncio.Server]:
        return [await asyncio.start_server(enter, host, PORT) for host in hosts]

    servers = loop.run_until_complete(serve())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        # The next storm takes the same addresses.
        for server in servers:
            server.close()
        loop.run_until_complete(asyncio.sleep(0))


async def _pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    sink.close()
