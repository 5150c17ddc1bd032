"""A second PostgreSQL, as another office has one: own cluster, a TCP port of loopback, users with passwords."""

from __future__ import annotations

import os
import shutil
import signal
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from geoportal.runtime.cluster import Cluster
from tests.ports import free_port

USER, PASSWORD = "lettore", "una parola d'ordine"
PLOTS = """
CREATE EXTENSION IF NOT EXISTS postgis;
CREATE SCHEMA IF NOT EXISTS catasto;
CREATE TYPE catasto.uso AS ENUM ('seminativo', 'prato');
CREATE TABLE catasto.particelle (
    gid integer PRIMARY KEY, "Foglio" varchar(4), particella text, superficie numeric(10, 2), uso catasto.uso,
    rilevata date, note bytea, geom geometry(Polygon, 32632)
);
INSERT INTO catasto.particelle
SELECT n, lpad((1 + n / 100)::text, 4, '0'), (n % 100)::text, n * 1.5,
       (ARRAY['seminativo', 'prato'])[1 + n % 2]::catasto.uso,
       date '2024-01-01' + n, NULL,
       ST_MakeEnvelope(580000 + n % 25 * 40, 4998000 + n / 25 * 40, 580030 + n % 25 * 40, 4998030 + n / 25 * 40, 32632)
FROM generate_series(0, 499) AS n;
CREATE INDEX ON catasto.particelle USING gist (geom);
ANALYZE catasto.particelle;
CREATE VIEW catasto.senza_chiave AS SELECT gid, particella, geom FROM catasto.particelle;
GRANT USAGE ON SCHEMA catasto TO lettore;
GRANT SELECT ON ALL TABLES IN SCHEMA catasto TO lettore;
"""


@dataclass
class Office:
    """Another office's database server."""

    cluster: Cluster
    port: int

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}/ufficio"

    def start(self) -> None:
        self.cluster.prepare()
        with (self.cluster.data / "geoportal.conf").open("a") as file:
            file.write(f"listen_addresses = '127.0.0.1'\nport = {self.port}\npassword_encryption = 'scram-sha-256'\n")
        with (self.cluster.data / "pg_hba.conf").open("a") as file:
            file.write("host all all 127.0.0.1/32 scram-sha-256\n")
        _started(self.cluster)

    def fill(self) -> None:
        with closing(self._own("postgres")) as link, link.cursor() as cursor:
            cursor.execute(f"CREATE ROLE {USER} LOGIN PASSWORD %s", [PASSWORD])
            cursor.execute("CREATE DATABASE ufficio")
        self.do(PLOTS)

    def do(self, statements: str) -> None:
        """Run statements as the office itself."""
        with closing(self._own("ufficio")) as link, link.cursor() as cursor:
            cursor.execute(statements)

    def stop(self) -> None:
        self.cluster.stop()

    def halt(self) -> None:
        """There, and silent: every process of it stands still."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def remove(self) -> None:
        with suppress(Exception):
            self.go_on()
        self.stop()
        shutil.rmtree(self.cluster.root, ignore_errors=True)

    def _own(self, database: str) -> psycopg2.extensions.connection:
        link = psycopg2.connect(host=str(self.cluster.sockets), port=self.port, user="postgres", dbname=database)
        link.autocommit = True
        with link.cursor() as cursor:
            # A test that holds a lock over there is to fail, not to wait for itself.
            cursor.execute("SET lock_timeout = '5s'")
        return link

    def _signal(self, number: int) -> None:
        master = int((self.cluster.data / "postmaster.pid").read_text().split("\n", 1)[0])
        children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        for pid in [master, *map(int, children)]:
            with suppress(ProcessLookupError):
                os.kill(pid, number)


def _started(cluster: Cluster) -> None:
    """As `Cluster.start`, which would write the settings again."""
    import subprocess

    from geoportal.runtime.cluster import server_account, server_binaries

    account = server_account()
    subprocess.run(
        [str(server_binaries() / "pg_ctl"), "start", "-D", str(cluster.data), "-w", "-t", "60", "-l", str(cluster.log)],
        check=True, capture_output=True, cwd="/", **account.switch,  # type: ignore[call-overload]
    )  # fmt: skip


def office(folder: Path) -> Office:
    """A server that is running and has data."""
    made = Office(Cluster(folder, durable=False, shared_buffers="16MB"), free_port())
    made.start()
    made.fill()
    return made
