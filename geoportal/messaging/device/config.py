"""The one-file configuration of an agent, TOML, as enrolment writes it.

[device]  devid, kind, shard, interval_s
[broker]  host, port, username, password, tls, ca: the CA's certificate as PEM text, or the path of such a file
[spool]   path, max_mb; a path that does not begin with "/" is taken from the configuration file's folder
[centre]  optional: url, the portal's own address
[source]  optional: where the readings come from; what it holds is the agent's own business
"""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from geoportal.messaging import topics

DEFAULT_SPOOL = "/var/lib/geoportale-agent"
_MAX_INTERVAL_S = 86_400


class ConfigError(Exception):
    """The configuration cannot be used; the text says which file, which key, what was found and what is expected."""


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """What a device needs to speak for itself."""

    devid: str
    kind: str
    host: str
    port: int
    username: str
    password: str = field(repr=False)
    interval_s: int = 30
    tls: bool = False
    ca: str = ""
    centre_url: str = ""
    spool_path: str = ""
    spool_max_mb: float = 16.0
    shard: str = ""
    """Two hex digits that the centre fixed at enrolment; empty: computed from the id."""
    source: Mapping[str, Any] = field(default_factory=dict)

    @property
    def spool_file(self) -> Path:
        """The spool's file; a path that names a folder gets one file per device in it."""
        path = Path(self.spool_path or DEFAULT_SPOOL)
        return path if path.suffix else path / f"{self.devid}.sqlite3"

    def up(self, channel: str) -> str:
        """The topic on which this device says something."""
        return topics.up(self.devid, channel, self.shard or None)

    def down(self, channel: str) -> str:
        """The topic on which this device listens."""
        return topics.down(self.devid, channel, self.shard or None)

    def to_toml(self) -> str:
        """The text that `load` reads back."""
        # A JSON string is a valid TOML basic string.
        quoted = {
            name: json.dumps(getattr(self, name)) for name in ("devid", "kind", "shard", "host", "username", "password")
        }
        text = (
            f"[device]\ndevid = {quoted['devid']}\nkind = {quoted['kind']}\n"
            f"shard = {quoted['shard']}\ninterval_s = {self.interval_s}\n\n"
            f"[broker]\nhost = {quoted['host']}\nport = {self.port}\nusername = {quoted['username']}\n"
            f"password = {quoted['password']}\ntls = {str(self.tls).lower()}\nca = {json.dumps(self.ca)}\n\n"
            f"[spool]\npath = {json.dumps(self.spool_path)}\nmax_mb = {float(self.spool_max_mb)}\n"
        )
        if self.centre_url:
            text += f"\n[centre]\nurl = {json.dumps(self.centre_url)}\n"
        if self.source:
            text += "\n[source]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in self.source.items())
        return text


def load(path: Path) -> AgentConfig:
    """Read one configuration file. Raises ConfigError."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error
    try:
        config = from_document(document)
        spool = path.parent / (config.spool_path or DEFAULT_SPOOL)
        return replace(config, spool_path=str(spool.absolute()))
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def from_document(document: Mapping[str, Any]) -> AgentConfig:
    """Check a parsed configuration. Raises ConfigError."""
    device, broker, spool = (_table(document, name) for name in ("device", "broker", "spool"))
    devid = _value(device, "device.devid", str)
    try:
        topics.check_devid(devid)
    except topics.TopicError as error:
        raise ConfigError(f"device.devid: {error}") from None
    kind = _value(device, "device.kind", str)
    if kind not in ("ap", "totem"):
        raise ConfigError(f"device.kind must be 'ap' or 'totem', found {kind!r}")
    username = _value(broker, "broker.username", str, devid)
    if username != devid:
        raise ConfigError(f"broker.username must be the device id {devid!r} (contract §1.1), found {username!r}")
    ca = _value(broker, "broker.ca", str, "")
    if ca and not ca.startswith("-----BEGIN") and not Path(ca).is_file():
        raise ConfigError(f"broker.ca names {ca!r}, which is not a file: give the CA certificate as PEM text or file")
    return AgentConfig(
        devid=devid,
        kind=kind,
        shard=_shard(device),
        interval_s=int(_number(device, "device.interval_s", 30, 1, _MAX_INTERVAL_S)),
        host=_value(broker, "broker.host", str),
        port=int(_number(broker, "broker.port", 1883, 1, 65535)),
        username=username,
        password=_value(broker, "broker.password", str),
        tls=_value(broker, "broker.tls", bool, False),
        ca=ca,
        spool_path=_value(spool, "spool.path", str, ""),
        spool_max_mb=_number(spool, "spool.max_mb", 16.0, 0.05, 4096),
        centre_url=_address(_value(_table(document, "centre"), "centre.url", str, "")),
        source=_table(document, "source"),
    )


def _address(url: str) -> str:
    if url and not url.startswith(("https://", "http://")):
        raise ConfigError(f"centre.url must begin with https:// or http://, found {url!r}")
    return url.rstrip("/")


def _shard(device: Mapping[str, Any]) -> str:
    shard = _value(device, "device.shard", str, "")
    if shard and not re.fullmatch("[0-9a-f]{2}", shard):
        raise ConfigError(f"device.shard must be two of 0-9 and a-f, found {shard!r}")
    return shard


def _table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise ConfigError(f"[{name}] must be a table, found {table!r}")
    return table


def _value[T](table: Mapping[str, Any], key: str, of: type[T], default: T | None = None) -> T:
    value = table.get(key.rpartition(".")[2], default)
    if value is None:
        raise ConfigError(f"{key} is missing")
    if not isinstance(value, of) or (of is not bool and isinstance(value, bool)):
        raise ConfigError(f"{key} must be of type {of.__name__}, found {value!r}")
    if value == "" and default is None:
        raise ConfigError(f"{key} is empty")
    return value


def _number(table: Mapping[str, Any], key: str, default: float, minimum: float, maximum: float) -> float:
    value = table.get(key.rpartition(".")[2], default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{key} must be a number, found {value!r}")
    if not minimum <= value <= maximum:
        raise ConfigError(f"{key} must lie between {minimum:g} and {maximum:g}, found {value!r}")
    return value
