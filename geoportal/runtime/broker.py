"""A private Mosquitto: own configuration and state folder, no anonymous client, rights by device.

Two listeners: a plain one on the loopback for the product's own processes, and TLS for devices.

Rights are kept by Mosquitto's dynamic-security plugin; `geoportal.messaging.dynsec` changes them while it runs.
The settings follow what was measured about message loss: see docs/mqtt-contract.md.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from geoportal.messaging.broker_log import TALK
from geoportal.runtime.certificates import CertificateError, Certificates
from geoportal.runtime.templates import BASE, fill

TEMPLATE = BASE / "deploy" / "mosquitto.conf.in"
TLS_TEMPLATE = BASE / "deploy" / "mosquitto-tls.conf.in"


class BrokerError(Exception):
    """The private broker cannot be made or started; the text says what was tried and what to do."""


def plugin_path() -> Path:
    """Mosquitto's dynamic-security plugin. Raises BrokerError naming the package to install."""
    for folder in Path("/usr/lib").glob("*-linux-gnu*"):
        plugin = folder / "mosquitto_dynamic_security.so"
        if plugin.exists():
            return plugin
    raise BrokerError("Mosquitto's dynamic-security plugin is missing: apt-get install mosquitto")


@dataclass(frozen=True, slots=True)
class Broker:
    """One private broker under `root`, listening on 127.0.0.1:`port`, and with TLS when it has a `tls_port`."""

    root: Path
    port: int
    admin_user: str
    admin_password: str
    tls_port: int = 0
    tls_listen: str = "127.0.0.1"
    names: tuple[str, ...] = ("localhost", "127.0.0.1")
    """By which devices find it: they stand in its certificate."""
    talks: bool = False
    """Whether it says what a `Sieve` needs to know whom it denied a topic; somebody must sift that."""

    @property
    def certificates(self) -> Certificates:
        """The CA and the certificate of this broker."""
        return Certificates(self.root / "tls", self.root / "tls", self.names)

    @property
    def state(self) -> Path:
        """The rights of every client, kept by the plugin."""
        return self.root / "dynamic-security.json"

    def command(self) -> list[str]:
        """The broker in the foreground, for a supervisor. Call `prepare` first."""
        program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
        if program is None:
            raise BrokerError("Mosquitto is not installed: apt-get install mosquitto mosquitto-clients")
        return [program, "-c", str(self.root / "mosquitto.conf")]

    def prepare(self) -> None:
        """Create what is missing and write the settings. Rights, sessions and retained messages are kept."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o700)
        if not self.state.exists():
            self._init_rights()
        values = {
            "account": f"user {pwd.getpwuid(os.geteuid()).pw_name}",
            "port": str(self.port),
            "listen": "127.0.0.1",
            "plugin": str(plugin_path()),
            "root": str(self.root),
        }
        settings = fill(TEMPLATE.read_text(encoding="utf-8"), values)
        if self.tls_port:
            self._ensure_certificates()
            values = {
                "tls_port": str(self.tls_port),
                "tls_listen": self.tls_listen,
                "certificates": str(self.certificates.folder),
            }
            settings += fill(TLS_TEMPLATE.read_text(encoding="utf-8"), values)
        if self.talks:
            settings += "\n".join(("", "# For geoportal.messaging.broker_log.", *TALK, ""))
        (self.root / "mosquitto.conf").write_text(settings, encoding="utf-8")

    def _ensure_certificates(self) -> None:
        try:
            self.certificates.ensure()
        except CertificateError as error:
            raise BrokerError(str(error)) from error

    def _init_rights(self) -> None:
        result = subprocess.run(
            ["mosquitto_ctrl", "dynsec", "init", str(self.state), self.admin_user, self.admin_password],
            capture_output=True,
            text=True,
        )
        if result.returncode != 0 or not self.state.exists():
            raise BrokerError(f"mosquitto_ctrl dynsec init failed: {(result.stderr or result.stdout).strip()}")
        self.state.chmod(0o600)

    def wait_until_ready(self, seconds: float = 15.0) -> None:
        """Wait until the port takes connections. Raises BrokerError after `seconds`."""
        end = time.monotonic() + seconds
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError as error:
                if time.monotonic() > end:
                    raise BrokerError(
                        f"The broker does not answer on 127.0.0.1:{self.port} after {seconds:.0f} s"
                    ) from error
                time.sleep(0.05)
