"""A private Mosquitto: own configuration and state folder, loopback only, no anonymous client, rights by device.

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

_SETTINGS = """
# Written at every start; change it in geoportal/runtime/broker.py.
user {user}
per_listener_settings false
listener {port} 127.0.0.1
allow_anonymous false
plugin {plugin}
plugin_opt_config_file {root}/dynamic-security.json
persistence true
persistence_location {root}/
# Without these two, kill -9 loses the queue of a subscriber that is away (measured: 0 of 500 kept against 500).
autosave_on_changes true
autosave_interval 1
# 0 is "no limit": the default of 1000 drops the newest in silence while the publisher reads "success".
max_queued_messages 0
max_queued_bytes 0
# Past this the publisher is disconnected without an acknowledgement: true back-pressure, nothing is lost in silence.
memory_limit 536870912
max_keepalive 120
max_packet_size 131072
set_tcp_nodelay true
log_dest stderr
log_type error
log_type warning
log_type notice
connection_messages false
"""


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
    """One private broker under `root`, listening on 127.0.0.1:`port`."""

    root: Path
    port: int
    admin_user: str
    admin_password: str

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
        settings = _SETTINGS.format(
            user=pwd.getpwuid(os.geteuid()).pw_name, port=self.port, plugin=plugin_path(), root=self.root
        )
        (self.root / "mosquitto.conf").write_text(settings, encoding="utf-8")

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
