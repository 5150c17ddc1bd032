"""Where one running instance keeps its files, its secrets, and the environment its processes get."""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from geoportal import env
from geoportal.runtime.broker import Broker
from geoportal.runtime.certificates import names_of
from geoportal.runtime.cluster import ROLE, Account, Cluster, server_account
from geoportal.runtime.templates import BASE

BEGIN = {
    "amministratore": "/admin/     accounts, roles, rights",
    "curatore": "/pubblica/  files become layers, layers become thematic maps",
    "pianificatore": "/livelli/   every layer an office may see, with its files",
    "tecnico": "/tecnici/   devices, alerts, maintenance",
    "professionista": "/livelli/   what registered professionals may see",
}
"""Where each sample log-in begins."""
LOGINS = tuple(BEGIN)
"""User names of the sample log-ins."""
SECRETS = ("secret-key", "mqtt-ingest-password", "mqtt-admin-password", *(f"login-{name}" for name in LOGINS))
_SOCKET_PATH_LIMIT = 90
"""Unix socket paths end at 107 bytes; the socket's own name needs the rest."""


class PlaceError(Exception):
    """The instance's folder cannot be used; the text says why and what to do."""


def read_dotenv(path: Path) -> dict[str, str]:
    """NAME=value lines of a `.env` file: comments and empty lines apart, quotes around a value taken off."""
    if not path.is_file():
        return {}
    found: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals:
            raise PlaceError(f"{path}, line {number}: expected NAME=value, found {text!r}")
        found[name.strip()] = value.strip().strip("\"'")
    return found


def can_reach(account: Account, folder: Path) -> bool:
    """Whether the account may enter the folder, or the nearest one above it that exists."""
    while not folder.exists():
        folder = folder.parent
    result = subprocess.run(["test", "-x", str(folder)], cwd="/", **account.switch)  # type: ignore[call-overload]
    return bool(result.returncode == 0)


def choose_var(base: Path = BASE) -> Path:
    """The folder of the running instance: GEOPORTAL_VAR, else `var` in the checkout, else one under /var/lib.

    The last is for root alone: the database then runs as another account, which may be unable to enter the checkout
    (a clone under /root). Raises PlaceError when the folder asked for has that fault.
    """
    account = server_account()
    asked = env.raw("GEOPORTAL_VAR")
    if asked:
        folder = Path(asked).resolve()
        if not can_reach(account, folder):
            raise PlaceError(
                f"GEOPORTAL_VAR={folder}: the account {account.name!r}, which the database runs as, may not enter it. "
                "Choose a folder outside private homes."
            )
        return folder
    beside = base / "var"
    if can_reach(account, base):
        return beside
    return Path("/var/lib/geoportale") / hashlib.sha256(str(base).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Places:
    """The files of one instance under `var`, and the ports it listens on."""

    var: Path
    port: int = 8000
    mqtt_port: int = 18883
    listen: str = "127.0.0.1"
    mqtt_tls_port: int = 0
    """0: ten thousand above the other one, or below where that is no port."""

    @property
    def device_port(self) -> int:
        """Where devices connect, with TLS."""
        above = self.mqtt_port + 10_000
        return self.mqtt_tls_port or (above if above <= 65_535 else self.mqtt_port - 10_000)

    @property
    def device_host(self) -> str:
        """The name by which devices find the broker: what the operator says, else an address that it listens on."""
        listen = env.text("GEOPORTAL_MQTT_LISTEN", "127.0.0.1")
        here = socket.gethostname() if listen in ("0.0.0.0", "::") else listen  # noqa: S104
        return env.text("GEOPORTAL_MQTT_DEVICE_HOST", here)

    @cached_property
    def cluster(self) -> Cluster:
        return Cluster(self.var / "postgresql")

    @cached_property
    def broker(self) -> Broker:
        user = env.text("GEOPORTAL_MQTT_ADMIN_USER", "broker-admin")
        names = names_of([self.device_host, "localhost", "127.0.0.1", "::1"], env.words("GEOPORTAL_MQTT_NAMES", []))
        return Broker(
            self.var / "broker",
            self.mqtt_port,
            user,
            self.secret("mqtt-admin-password"),
            self.device_port,
            env.text("GEOPORTAL_MQTT_LISTEN", "127.0.0.1"),
            names,
            talks=True,
        )

    @property
    def logs(self) -> Path:
        return self.var / "log"

    @property
    def front(self) -> Path:
        return self.var / "front"

    @property
    def static(self) -> Path:
        return self.var / "static"

    @property
    def lock(self) -> Path:
        return self.var / "run.lock"

    @property
    def done(self) -> Path:
        """Marks of what is done once: they go away together with the database they speak of."""
        return self.var / "done"

    @cached_property
    def sockets(self) -> Path:
        """Folder of the Unix sockets of web, heavy and live; under the temporary folder when that path is too long."""
        beside = self.var / "sockets"
        if len(str(beside)) <= _SOCKET_PATH_LIMIT:
            return beside
        digest = hashlib.sha256(str(self.var).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"geoportal-web-{digest}"

    @property
    def address(self) -> str:
        """Where a browser on this machine finds the site."""
        host = "127.0.0.1" if self.listen in ("0.0.0.0", "*", "127.0.0.1") else self.listen  # noqa: S104
        return f"http://{host}:{self.port}/"

    def secret_file(self, name: str) -> Path:
        return self.var / "secrets" / name

    def secret(self, name: str) -> str:
        return self.secret_file(name).read_text(encoding="utf-8").strip()

    def prepare(self) -> None:
        """Make the folders and generate the secrets that are missing; existing ones are kept."""
        for folder in (self.var, self.logs, self.front, self.static, self.done, self.sockets):
            folder.mkdir(parents=True, exist_ok=True)
        self.sockets.chmod(0o755)
        folder = self.var / "secrets"
        folder.mkdir(exist_ok=True)
        folder.chmod(0o700)
        for name in SECRETS:
            if not self.secret_file(name).exists():
                value = secrets.token_urlsafe(9 if name.startswith("login-") else 48)
                _write_private(self.secret_file(name), value)

    def environment(self) -> dict[str, str]:
        """What every process of the instance gets: the operator's own variables, then where the private parts are.

        Secrets are passed as file names, so that they stand in no process's environment.
        """
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        for name in ("GEOPORTAL_DB_PASSWORD", "GEOPORTAL_SECRET_KEY", "GEOPORTAL_MQTT_INGEST_PASSWORD"):
            kept.pop(name, None)
        ours = {
            "DJANGO_SETTINGS_MODULE": "geoportal.settings",
            "PYTHONUNBUFFERED": "1",
            "GEOPORTAL_VAR": str(self.var),
            "GEOPORTAL_STATIC_ROOT": str(self.static),
            "GEOPORTAL_SECRET_KEY_FILE": str(self.secret_file("secret-key")),
            "GEOPORTAL_DB_NAME": "geoportal",
            "GEOPORTAL_DB_USER": ROLE,
            "GEOPORTAL_DB_HOST": str(self.cluster.sockets),
            "GEOPORTAL_DB_PORT": "5432",
            "GEOPORTAL_LIVE_SOCKET": str(self.sockets / "live.sock"),
            "GEOPORTAL_MQTT_HOST": "127.0.0.1",
            "GEOPORTAL_MQTT_PORT": str(self.mqtt_port),
            "GEOPORTAL_MQTT_DEVICE_HOST": self.device_host,
            "GEOPORTAL_MQTT_DEVICE_PORT": str(self.device_port),
            "GEOPORTAL_BROKER_LOG": str(self.logs / "broker.log"),
            "GEOPORTAL_MQTT_INGEST_PASSWORD_FILE": str(self.secret_file("mqtt-ingest-password")),
            "GEOPORTAL_MQTT_ADMIN_PASSWORD_FILE": str(self.secret_file("mqtt-admin-password")),
        }
        kept.pop("GEOPORTAL_MQTT_ADMIN_PASSWORD", None)
        ca = self.broker.certificates.ca
        if ca.exists():
            ours["GEOPORTAL_MQTT_CA_FILE"] = str(ca)
        return {**kept, **ours}


def _write_private(path: Path, value: str) -> None:
    """Write whole or not at all: a secret cut off by a power loss would lock the instance out of its own parts."""
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(value)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
