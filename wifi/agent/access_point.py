"""One access point seen from outside: reachability by fping, load and traffic by SNMP or OpenWrt's NetJSON.

Objects: SNMPv2-MIB (RFC 3418), IF-MIB (RFC 2863), HOST-RESOURCES-MIB (RFC 2790), UCD-SNMP-MIB for the load.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from geoportal.messaging.device.commands import CommandError, Handler, Unsupported
from geoportal.messaging.device.config import AgentConfig, ConfigError
from wifi.agent.netjson import fetch

_TEXT_OPTIONS = (
    "address", "snmp_port", "community", "interface", "clients_24_oid", "clients_5_oid", "netjson", "model",
)  # fmt: skip
_PROBES = 5
_ANSWER_S = 10.0
_REBOOT_S = 60.0
_UPTIME = "1.3.6.1.2.1.1.3.0"
_IN, _OUT = "1.3.6.1.2.1.31.1.1.1.6", "1.3.6.1.2.1.31.1.1.1.10"
_CPU = "1.3.6.1.2.1.25.3.3.1.2"
_STORAGE = "1.3.6.1.2.1.25.2.3.1"
_RAM_TYPE = "1.3.6.1.2.1.25.2.1.2"
_LOAD = "1.3.6.1.4.1.2021.10.1.3.1"
_OID = re.compile(r"\.?\d+(\.\d+)+")
_FPING = re.compile(r"= \d+/\d+/(\d+)%(?:, min/avg/max = [\d.]+/([\d.]+)/)?")

Answers = dict[str, str]
"""Values by object identifier, without a leading dot."""


class AccessPointSource:
    """The readings of one access point. Options: docs/agents.md."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Raises ConfigError."""
        for name, value in options.items():
            if name != "reboot" and (name not in _TEXT_OPTIONS or not isinstance(value, str)):
                known = ", ".join(_TEXT_OPTIONS)
                raise ConfigError(f"source.{name} = {value!r}: known are reboot and {known}, as text")
        self._reboot_command = options.get("reboot", [])
        if not isinstance(self._reboot_command, list) or not all(isinstance(x, str) for x in self._reboot_command):
            raise ConfigError(f"source.reboot must be a list of text, found {self._reboot_command!r}")
        for name in ("clients_24_oid", "clients_5_oid"):
            if options.get(name) and not _OID.fullmatch(options[name]):
                raise ConfigError(f"source.{name} must be an object identifier in numbers, found {options[name]!r}")
        self._address = options.get("address", "")
        if not self._address or self._address.startswith("-"):
            raise ConfigError(f"source.address must be the access point's host name or address, not {self._address!r}")
        self._netjson = options.get("netjson", "")
        if self._netjson and not self._netjson.startswith(("https://", "http://")):
            raise ConfigError(f"source.netjson must begin with https:// or http://, found {self._netjson!r}")
        self._options = options
        # In a file, because other users of this machine can read the arguments of a program.
        self._folder = tempfile.TemporaryDirectory(prefix="wifi-agent-")
        settings = Path(self._folder.name) / "snmp.conf"
        settings.touch(mode=0o600)
        settings.write_text(f"defVersion 2c\ndefCommunity {options.get('community', 'public')}\n", encoding="utf-8")
        self._environment = {**os.environ, "SNMPCONFPATH": self._folder.name, "LC_ALL": "C"}
        self._measures: list[str] = []

    @classmethod
    def of(cls, config: AgentConfig) -> Self:
        """The source that a configuration describes. Raises ConfigError."""
        return cls(config.source)

    def info(self) -> Mapping[str, Any]:
        """What is known of the access point."""
        wanted = ("clients_24", "clients_5")
        return {
            "model": self._options.get("model", ""),
            "agent": "wifi.agent",
            "capabilities": self._measures,
            "unsupported": [
                name for name in wanted if not (self._options.get(f"{name}_oid") or name in self._measures)
            ],
        }

    def handlers(self) -> Mapping[str, Handler]:
        """What can be ordered; a restart only where a command for it is configured."""
        return {"run_selftest": self._selftest, "reboot": self._reboot}

    async def _selftest(self, _arguments: Mapping[str, Any]) -> str:
        return json.dumps(await self.read())

    async def _reboot(self, _arguments: Mapping[str, Any]) -> str:
        """The access point restarts, not the machine of this agent: the result is told at once."""
        if not self._reboot_command:
            raise Unsupported("source.reboot is not configured")
        process = await asyncio.create_subprocess_exec(
            *self._reboot_command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            _, errors = await asyncio.wait_for(process.communicate(), _REBOOT_S)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise CommandError(f"{self._reboot_command[0]} did not end within {_REBOOT_S:.0f} s") from None
        if process.returncode:
            raise CommandError(f"{self._reboot_command[0]} refused: {errors.decode(errors='replace').strip()}")
        return "the access point was told to restart"

    async def read(self) -> Mapping[str, Any]:
        """One sample. An access point that answers neither SNMP nor NetJSON still has its reachability."""
        reach, tables, told = await asyncio.gather(self._reachability(), self._tables(), self._document())
        by_snmp = _machine(tables) | _traffic(tables, self._options.get("interface", "")) | self._users(tables)
        measured = reach | by_snmp | told
        self._measures = sorted(measured)
        return measured

    async def _document(self) -> dict[str, Any]:
        return await asyncio.to_thread(fetch, self._netjson) if self._netjson else {}

    async def _reachability(self) -> dict[str, Any]:
        said = await self._run("fping", "-q", "-p", "200", "-c", str(_PROBES), self._address)
        match = _FPING.search(said)
        if match is None:
            raise ValueError(f"fping cannot ask {self._address}: {said.strip()[:200]}")
        return {"loss": float(match[1]), **({"rtt": float(match[2])} if match[2] else {})}

    async def _tables(self) -> Answers:
        if self._netjson and "community" not in self._options:
            return {}
        roots = [_UPTIME.removesuffix(".0"), _IN, _OUT, _CPU, _STORAGE, _LOAD.removesuffix(".1")]
        roots += [self._options[name] for name in ("clients_24_oid", "clients_5_oid") if self._options.get(name)]
        peer = f"udp:{self._address}:{self._options.get('snmp_port', '161')}"
        said = await asyncio.gather(
            *(self._run("snmpbulkwalk", "-On", "-Oq", "-Oe", "-Ot", "-t2", "-r1", peer, root) for root in roots)
        )
        return answers("".join(said))

    def _users(self, tables: Answers) -> dict[str, Any]:
        """Numbers of users under the vendor's own objects, summed over radios."""
        measured = {}
        for name in ("clients_24", "clients_5"):
            root = self._options.get(f"{name}_oid", "").removeprefix(".")
            counts = [int(value) for value in _column(tables, root).values() if value.isdigit()] if root else []
            if counts:
                measured[name] = sum(counts)
        return measured

    async def _run(self, *command: str) -> str:
        """What a program says. A program that is missing is an error; one that fails has said why."""
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self._environment,
        )
        try:
            said, _ = await asyncio.wait_for(process.communicate(), _ANSWER_S)
        except TimeoutError:
            process.kill()
            await process.wait()
            return ""
        return said.decode(errors="replace")


def answers(said: str) -> Answers:
    """Read `snmpbulkwalk -On -Oq`: lines `.1.3.6… value`; anything else is passed over."""
    found = {}
    for line in said.splitlines():
        oid, _, value = line.partition(" ")
        if _OID.fullmatch(oid) and not value.startswith("No "):
            found[oid.removeprefix(".")] = value.strip().strip('"')
    return found


def _column(tables: Answers, root: str) -> Answers:
    """The cells under a root by their index; the root itself has the index ''."""
    return {
        oid[len(root) :].removeprefix("."): value
        for oid, value in tables.items()
        if oid == root or oid.startswith(f"{root}.")
    }


def _machine(tables: Answers) -> dict[str, Any]:
    measured: dict[str, Any] = {}
    loads = [int(value) for value in _column(tables, _CPU).values() if value.isdigit()]
    if loads:
        measured["cpu"] = round(sum(loads) / len(loads), 1)
    if _LOAD in tables:
        measured["load1"] = float(tables[_LOAD])
    if tables.get(_UPTIME, "").isdigit():
        measured["uptime"] = int(tables[_UPTIME]) // 100
    sizes, used = _column(tables, f"{_STORAGE}.5"), _column(tables, f"{_STORAGE}.6")
    for index, kind in _column(tables, f"{_STORAGE}.2").items():
        if kind.removeprefix(".") == _RAM_TYPE and int(sizes.get(index, "0")) > 0:
            measured["mem"] = round(100 * int(used.get(index, "0")) / int(sizes[index]), 1)
            break
    return measured


def _traffic(tables: Answers, interface: str) -> dict[str, Any]:
    """Octets in and out since the start: of one interface by its number, or of all."""
    measured = {}
    for name, root in (("rx_total", _IN), ("tx_total", _OUT)):
        cells = _column(tables, root)
        counts = [int(value) for index, value in cells.items() if value.isdigit() and interface in ("", index)]
        if counts:
            measured[name] = sum(counts)
    return measured
