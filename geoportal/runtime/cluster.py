"""A private PostgreSQL cluster with PostGIS: own data folder, own Unix socket, no TCP port, never the system's."""

from __future__ import annotations

import grp
import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from psycopg2 import sql

SYSTEM_ACCOUNT = "postgres"
"""The ordinary user that Debian's packages create; PostgreSQL refuses to run as root."""
ROLE = "geoportal"
"""The database role that owns the product's databases; no superuser."""
EXTENSIONS = ("postgis", "pg_trgm", "unaccent", "postgres_fdw")
WRAPPERS = ("postgres_fdw", "ogr_fdw")
"""Ways into other offices' data; the second is a package of its own and may be missing."""
_SOCKET_PATH_LIMIT = 90
"""Unix socket paths end at 107 bytes; ".s.PGSQL.5432.lock" needs the rest."""

_IDENT_MAP = "geoportal"

_SETTINGS = """
# Written at every start; change it in geoportal/runtime/cluster.py.
listen_addresses = ''
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0777
max_connections = 100
shared_buffers = {shared_buffers}
work_mem = 32MB
maintenance_work_mem = 256MB
effective_cache_size = 2GB
random_page_cost = 1.1
jit = off
max_parallel_workers_per_gather = 0
max_wal_size = 2GB
synchronous_commit = on
fsync = {fsync}
full_page_writes = {fsync}
log_min_messages = warning
log_line_prefix = '%m [%p] %a '
timezone = 'UTC'
"""


class ClusterError(Exception):
    """The private database cannot be made or started; the text says what was tried and what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whom the server process runs as: the invoking user, or `postgres` when that is root."""

    name: str
    uid: int
    gid: int

    @property
    def switch(self) -> dict[str, object]:
        """Arguments for subprocess that change to this account when they have to."""
        if os.geteuid() == self.uid:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": os.getgrouplist(self.name, self.gid)}


def server_account() -> Account:
    """The account PostgreSQL runs as. Raises ClusterError when root has no ordinary account to hand over to."""
    if os.geteuid() != 0:
        me = pwd.getpwuid(os.geteuid())
        return Account(me.pw_name, me.pw_uid, me.pw_gid)
    try:
        entry = pwd.getpwnam(SYSTEM_ACCOUNT)
    except KeyError as error:
        raise ClusterError(
            f"PostgreSQL refuses to run as root and there is no account {SYSTEM_ACCOUNT!r}; install postgresql"
        ) from error
    return Account(entry.pw_name, entry.pw_uid, grp.getgrgid(entry.pw_gid).gr_gid)


def server_binaries() -> Path:
    """The programs of the newest installed PostgreSQL that has PostGIS. Raises ClusterError naming what to install."""
    found: list[tuple[int, Path]] = []
    for folder in Path("/usr/lib/postgresql").glob("*/bin"):
        version = folder.parent.name
        control = Path(f"/usr/share/postgresql/{version}/extension/postgis.control")
        if version.isdigit() and (folder / "postgres").exists() and control.exists():
            found.append((int(version), folder))
    if not found:
        raise ClusterError(
            "No PostgreSQL server with PostGIS is installed: apt-get install postgresql postgis postgresql-postgis"
        )
    newest, folder = max(found)
    if newest < 15:
        raise ClusterError(f"PostgreSQL {newest} is too old: Django 6.1 needs 15 or newer")
    return folder


@dataclass(frozen=True, slots=True)
class Cluster:
    """One private cluster under `root`. `durable=False` trades crash safety for speed and is for tests only."""

    root: Path
    durable: bool = True
    shared_buffers: str = "256MB"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def log(self) -> Path:
        return self.root / "postgresql.log"

    @property
    def sockets(self) -> Path:
        """Folder of the Unix socket: beside the data, or under the temporary folder when that path is too long."""
        beside = self.root / "sockets"
        if len(str(beside)) <= _SOCKET_PATH_LIMIT:
            return beside
        return Path(tempfile.gettempdir()) / f"geoportal-{hashlib.sha256(str(self.root).encode()).hexdigest()[:12]}"

    def command(self) -> list[str]:
        """The server in the foreground, for a supervisor. Call `prepare` first."""
        return [str(server_binaries() / "postgres"), "-D", str(self.data)]

    def prepare(self) -> None:
        """Create what is missing and write the settings. Safe to repeat; data is kept."""
        account = server_account()
        for folder in (self.root, self.sockets):
            folder.mkdir(parents=True, exist_ok=True)
            os.chown(folder, account.uid, account.gid)
        self.sockets.chmod(0o755)
        if not (self.data / "PG_VERSION").exists():
            self._initdb(account)
        settings = _SETTINGS.format(
            sockets=self.sockets, shared_buffers=self.shared_buffers, fsync="on" if self.durable else "off"
        )
        # Reached through the socket alone, and only by the account that starts it and the one it runs as.
        people = sorted({account.name, pwd.getpwuid(os.geteuid()).pw_name})
        ident = "".join(f"{_IDENT_MAP} {person} {role}\n" for person in people for role in (SYSTEM_ACCOUNT, ROLE))
        (self.data / "pg_ident.conf").write_text(ident, encoding="utf-8")
        (self.data / "pg_hba.conf").write_text(f"local all all peer map={_IDENT_MAP}\n", encoding="utf-8")
        (self.data / "geoportal.conf").write_text(settings, encoding="utf-8")
        main = self.data / "postgresql.conf"
        if "include 'geoportal.conf'" not in main.read_text(encoding="utf-8"):
            with main.open("a", encoding="utf-8") as file:
                file.write("\ninclude 'geoportal.conf'\n")

    def _initdb(self, account: Account) -> None:
        if self.data.exists():  # left by an initdb that was cut off: without PG_VERSION it holds no data
            shutil.rmtree(self.data)
        result = subprocess.run(
            [
                str(server_binaries() / "initdb"),
                "-D",
                str(self.data),
                "-U",
                SYSTEM_ACCOUNT,
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-instructions",
            ],
            capture_output=True,
            text=True,
            cwd="/",
            **account.switch,  # type: ignore[call-overload]
        )
        if result.returncode != 0:
            raise ClusterError(
                f"initdb could not make a cluster in {self.data}: {result.stderr.strip()}\n"
                f"The account {account.name!r} must be able to reach that folder; set GEOPORTAL_VAR to one it can."
            )

    def start(self) -> None:
        """Start in the background and wait until it answers. Nothing happens when it already runs."""
        if self.is_running():
            return
        self.prepare()
        account = server_account()
        result = subprocess.run(
            [str(server_binaries() / "pg_ctl"), "start", "-D", str(self.data), "-w", "-t", "60", "-l", str(self.log)],
            capture_output=True,
            text=True,
            cwd="/",
            **account.switch,  # type: ignore[call-overload]
        )
        if result.returncode != 0:
            tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-5:]) if self.log.exists() else ""
            raise ClusterError(f"PostgreSQL did not start from {self.data}: {result.stderr.strip()}\n{tail}")

    def stop(self) -> None:
        """Stop and wait; running transactions are rolled back."""
        if not self.is_running():
            return
        subprocess.run(
            [str(server_binaries() / "pg_ctl"), "stop", "-D", str(self.data), "-m", "fast", "-w"],
            capture_output=True,
            cwd="/",
            check=True,
            **server_account().switch,  # type: ignore[call-overload]
        )

    def is_running(self) -> bool:
        """Whether a server process owns this data folder now."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            return b"postgres" in arguments[0] and str(self.data).encode() in arguments
        except (OSError, ValueError):
            return False

    def clear_stale_files(self) -> None:
        """Remove what a power loss left: PostgreSQL refuses to start when the pid in it now belongs to another program.

        Nothing is removed while a server runs in this folder.
        """
        if self.is_running():
            return
        for path in (self.data / "postmaster.pid", *self.sockets.glob(".s.PGSQL.*")):
            path.unlink(missing_ok=True)

    def answers(self) -> bool:
        """Whether the server takes connections now."""
        try:
            self.connect("postgres").close()
        except psycopg2.OperationalError:
            return False
        return True

    def wait_until_ready(self, seconds: float = 30.0) -> None:
        """Wait until the server takes connections. Raises ClusterError after `seconds`."""
        end = time.monotonic() + seconds
        while True:
            try:
                self.connect("postgres").close()
                return
            except psycopg2.OperationalError as error:
                if time.monotonic() > end:
                    raise ClusterError(
                        f"PostgreSQL in {self.data} does not answer after {seconds:.0f} s: {error}; see {self.log}"
                    ) from error
                time.sleep(0.1)

    def connect(self, database: str) -> psycopg2.extensions.connection:
        """A connection as the cluster's owner."""
        connection = psycopg2.connect(host=str(self.sockets), port=5432, user=SYSTEM_ACCOUNT, dbname=database)
        connection.autocommit = True
        return connection

    def ensure_database(self, name: str = "geoportal") -> None:
        """Create the role, the database and its extensions where missing.

        The extensions also go into template1: the databases that test runs create then have them without a superuser.
        """
        with closing(self.connect("postgres")) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE])
            if not cursor.fetchone():
                cursor.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(sql.Identifier(ROLE)))
        self._ensure_extensions("template1")
        with closing(self.connect("postgres")) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if not cursor.fetchone():
                cursor.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(ROLE))
                )
        self._ensure_extensions(name)

    def _ensure_extensions(self, database: str) -> None:
        with closing(self.connect(database)) as connection, connection.cursor() as cursor:
            for extension in EXTENSIONS:
                cursor.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension)))
            cursor.execute("SELECT name FROM pg_available_extensions WHERE name = ANY(%s)", [list(WRAPPERS)])
            for (name,) in cursor.fetchall():
                cursor.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(name)))
                grant = sql.SQL("GRANT USAGE ON FOREIGN DATA WRAPPER {} TO {}")
                cursor.execute(grant.format(sql.Identifier(name), sql.Identifier(ROLE)))
