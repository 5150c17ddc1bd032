"""`--check`: is everything in place for this device to report? Findings in plain words, with what to do."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.reasoncodes import ReasonCode

from geoportal.messaging import topics
from geoportal.messaging.device import link, payloads
from geoportal.messaging.device.clock import clock_quality
from geoportal.messaging.device.config import AgentConfig, ConfigError, load

Describe = Callable[[AgentConfig], Mapping[str, Any]]
"""The description that the agent would give of a device."""
_WAIT_S = 10.0
_CLOCKS = {
    "ntp": "the clock is synchronised",
    "free": "the clock runs free: start a time service (systemd-timesyncd or chrony), or samples may be dated wrongly",
    "unset": "the clock is not set: samples will be dated by their arrival until it is",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `level`: ok, note (worth knowing), fail (the device cannot report)."""

    level: str
    text: str

    @property
    def failed(self) -> bool:
        """Whether the device cannot report because of this."""
        return self.level == "fail"

    def __str__(self) -> str:
        return f"{self.level:4}  {self.text}"


def findings(path: Path, kind: str, describe: Describe) -> Iterator[Finding]:
    """Look at everything, in the order in which one depends on the other; stops where going on has no sense."""
    try:
        config = load(path)
    except ConfigError as error:
        yield Finding("fail", str(error))
        return
    yield Finding("ok", f"the configuration is readable: device {config.devid}, every {config.interval_s} s")
    if config.kind != kind:
        yield Finding("fail", f"device.kind is {config.kind!r}, this agent is for {kind!r}")
        return
    if path.stat().st_mode & 0o077:
        yield Finding("note", f"others can read the password in {path}: chmod 600 {path}")
    yield _spool(config)
    clock = clock_quality()
    yield Finding("ok" if clock == "ntp" else "note", _CLOCKS[clock])
    yield from _broker(config, describe(config))


def _spool(config: AgentConfig) -> Finding:
    folder = config.spool_file.parent
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = folder / f".{config.devid}.probe"
        probe.write_bytes(b"")
        probe.unlink()
        free_mb = shutil.disk_usage(folder).free / 1e6
    except OSError as error:
        return Finding("fail", f"the spool folder {folder} cannot be written: {error.strerror}; see spool.path")
    if free_mb < config.spool_max_mb:
        return Finding("note", f"{folder} has {free_mb:.0f} MB free, less than spool.max_mb = {config.spool_max_mb:g}")
    return Finding("ok", f"the spool folder {folder} can be written ({free_mb:.0f} MB free)")


@dataclass(slots=True)
class _Heard:
    """What the broker answered."""

    connack: ReasonCode | None = None
    suback: list[ReasonCode] = field(default_factory=list)
    puback: ReasonCode | None = None
    server: str = ""


def _broker(config: AgentConfig, info: Mapping[str, Any]) -> Iterator[Finding]:
    heard = _Heard()
    try:
        client = link.new_client(config, will=None, receive=partial(_hear, heard, config))
        client.on_connect = lambda _c, _d, _f, code, _p: setattr(heard, "connack", code)
        client.on_subscribe = lambda _c, _d, _m, codes, _p: heard.suback.extend(codes)
        client.on_publish = lambda _c, _d, _m, code, _p: setattr(heard, "puback", code)
        client.reconnect()
    except (OSError, ValueError) as error:
        yield Finding("fail", link.explain(error, config))
        return
    try:
        yield from _login_and_rights(client, config, heard, info)
    finally:
        client.disconnect()
        client.loop(0.1)
        link.abort(client)


def _login_and_rights(client: Client, config: AgentConfig, heard: _Heard, info: Mapping[str, Any]) -> Iterator[Finding]:
    _wait(client, lambda: heard.connack is not None)
    if heard.connack is None:
        yield Finding("fail", f"{config.host}:{config.port} takes the connection but does not speak MQTT; wrong port?")
        return
    if heard.connack.is_failure:
        yield Finding("fail", link.explain_code(heard.connack, config))
        return
    secure = "with TLS" if config.tls else "without TLS: anyone on the way can read the password"
    yield Finding("ok" if config.tls or _is_local(config.host) else "note", f"the broker accepts the login, {secure}")
    listened = [config.down(channel) for channel in ("ack", "cfg", "cmd")] + [topics.SERVER_STATES]
    client.subscribe([(topic, 1) for topic in listened])
    _wait(client, lambda: len(heard.suback) == len(listened))
    for topic, code in zip(listened, heard.suback, strict=False):
        if code.is_failure:
            yield Finding("fail", f"the broker refuses to let the device read {topic} ({code}); enrol it again")
    if len(heard.suback) < len(listened):
        yield Finding("fail", "the broker does not answer a subscription")
    yield _right_to_write(client, config, heard, info)
    _wait(client, lambda: bool(heard.server), 1.0)
    yield _centre(heard.server)


def _right_to_write(client: Client, config: AgentConfig, heard: _Heard, info: Mapping[str, Any]) -> Finding:
    """Try with the device's own description, which is true at any time."""
    described = {"v": payloads.VERSION, "interval_s": config.interval_s, **info}
    link.publish(client, config.up("info"), payloads.encode(described), "info")
    _wait(client, lambda: heard.puback is not None)
    if heard.puback is None:
        return Finding("fail", "the broker does not confirm a message")
    if heard.puback.is_failure:
        return Finding("fail", f"the broker refuses what the device says ({heard.puback}); enrol it again")
    return Finding("ok", "the device may speak and listen on its own topics")


def _centre(state: str) -> Finding:
    if state == "online":
        return Finding("ok", "the centre is listening")
    said = f"says it is {state!r}" if state else "has not said whether it listens"
    return Finding("note", f"the centre {said}: samples wait in the spool until it does")


def _hear(heard: _Heard, config: AgentConfig, topic: str, payload: bytes) -> None:
    if heard.server == "online" or not topics.concerns(topic, config.shard or topics.shard_of(config.devid)):
        return
    try:
        document: Any = json.loads(payload)
    except ValueError:
        return
    heard.server = str(document.get("s", "")) if isinstance(document, dict) else ""


def _wait(client: Client, done: Any, seconds: float = _WAIT_S) -> None:
    end = time.monotonic() + seconds
    while not done() and client.socket() is not None and time.monotonic() < end:
        client.loop(0.1)


def _is_local(host: str) -> bool:
    return host in ("localhost", "127.0.0.1", "::1")
