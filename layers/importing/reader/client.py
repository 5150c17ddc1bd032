"""The import's side of a reading process: start one for a file, ask it, hear how it ended."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass, field
from types import TracebackType
from typing import Any, Self

from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from layers.importing.errors import ImportRefused
from layers.importing.reader import wire
from layers.importing.reader.isolation import ProcessLimits

_KEPT_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "PYTHONHASHSEED", "TMPDIR", "TZ", "GEOPORTAL_LOG_LEVEL")
ONE_THREAD = {
    # Namespaces ask for it, a process that forks must have no other, and an import's two halves have a core each.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
"""What keeps numerical libraries from starting threads when they are loaded."""
_SILENCE_S = 1800.0
"""A reader that neither answers nor uses its CPU time for so long hangs."""
_CANNOT_SAY_S = 60.0


class NeedsMulti(Exception):
    """Repairing made a multi geometry where single ones were planned: make the table again with this type."""


class Reader:
    """One reading process, for one file. A context manager: leaving it ends the process."""

    def __init__(self, limits: ProcessLimits | None = None) -> None:
        self._link, theirs = socket.socketpair()
        self._link.settimeout(_SILENCE_S)
        here, there = os.pipe()
        wanted = {"limits": asdict(limits or ProcessLimits()), "language": get_language() or "it"}
        try:
            _zygote().start(json.dumps(wanted).encode(), theirs.fileno(), there)
        finally:
            theirs.close()
            os.close(there)
        self._fate = os.fdopen(here, "rb", buffering=0)
        if not (pid := int(self._said()["pid"])):
            raise RuntimeError("the process that reads files does not start: see its message above")
        self._pid = pid

    def ask(self, command: str, **values: Any) -> dict[str, Any]:
        """Ask and wait. Raises ImportRefused: the file's fault as the reader tells it, or the reader's violent end."""
        try:
            wire.send_json(self._link, {"command": command, **values})
            reply = wire.receive_json(self._link)
        except (wire.ReaderGone, OSError) as error:
            raise self._ended() from error
        return _answer(reply)

    def rows(self, layer: int) -> RowFeed:
        """Ask for the rows of a layer inspected before."""
        wire.send_json(self._link, {"command": "rows", "layer": layer})
        return RowFeed(self)

    def frame(self) -> tuple[bytes, int, bytearray]:
        """The next frame of an answer in many parts. Raises ImportRefused."""
        try:
            return wire.receive(self._link)
        except wire.ReaderGone as error:
            raise self._ended() from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._link.close()
        # It may be deep in native code that never looks at the socket.
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        self._fate.close()

    def _said(self) -> dict[str, Any]:
        line = b""
        while not line.endswith(b"\n"):
            if not select.select([self._fate], [], [], _CANNOT_SAY_S)[0] or not (more := self._fate.read(1)):
                return {"status": None, "pid": 0}
            line += more
        said: dict[str, Any] = json.loads(line)
        return said

    def _ended(self) -> ImportRefused:
        """Why there is no answer, for the person who brought the file."""
        status = self._said().get("status")
        if status == -signal.SIGXCPU:
            return ImportRefused(_("Leggerlo chiede più tempo di quello ammesso: la lettura è stata fermata."))
        if status == -signal.SIGKILL:
            return ImportRefused(_("La lettura è stata fermata: chiedeva troppa memoria o troppo tempo."))
        how = signal.Signals(-status).name if isinstance(status, int) and status < 0 else str(status)
        return ImportRefused(
            _("La lettura si è interrotta con un errore grave (%(how)s): il file è rovinato o fatto per nuocere.")
            % {"how": how}
        )


def _answer(reply: Any) -> dict[str, Any]:
    if not isinstance(reply, dict):
        raise ImportRefused(_("La lettura ha dato una risposta senza senso."))
    if "refused" in reply:
        raise ImportRefused(str(reply["refused"])[:2000])
    if "needs" in reply:
        raise NeedsMulti(str(reply["needs"]))
    answer = reply.get("answer")
    if not isinstance(answer, dict):
        raise ImportRefused(_("La lettura ha dato una risposta senza senso."))
    return answer


@dataclass
class RowFeed:
    """What COPY reads from: the reader's text as it comes; `done` once it has all come."""

    reader: Reader
    rows: int = 0
    done: dict[str, Any] = field(default_factory=dict)
    failure: BaseException | None = None
    progress: Any = None
    _left: memoryview = field(default_factory=lambda: memoryview(b""))

    def read(self, size: int = -1) -> bytes:
        """The next bytes, b"" at the end. Raises ImportRefused, NeedsMulti, and what `progress` raises."""
        try:
            while not self._left and not self.done:
                self._take()
        except BaseException as error:
            # psycopg2 wraps what is raised here in an error of its own: keep the cause.
            self.failure = error
            raise
        size = len(self._left) if size < 0 else size
        chunk, self._left = self._left[:size], self._left[size:]
        return bytes(chunk)

    def _take(self) -> None:
        letter, rows, body = self.reader.frame()
        if letter == wire.DATA:
            self._left = memoryview(body)
            self.rows += rows
            if self.progress is not None and rows:
                self.progress(self.rows)
            return
        try:
            self.done = {"repaired": 0, "repairs": [], "notes": []} | _answer(wire.parsed(body))
        except wire.ReaderGone as error:
            raise ImportRefused(_("La lettura ha dato una risposta senza senso.")) from error


class _Zygote:
    """The process that readers are forked from, started when the first is needed."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._lock = threading.Lock()
        # Several processes may ask it: each message whole and by itself.
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
        environment |= ONE_THREAD | {
            "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "geoportal.settings"),
            "GEOPORTAL_SECRET_KEY": "readers-have-no-secret",
            "GEOPORTAL_VAR": str(settings.VAR_DIR),
        }
        command = [sys.executable, "-W", "error::DeprecationWarning:__main__", "-m", "layers.importing.reader.zygote"]
        self._process = subprocess.Popen(
            command, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, env=environment, cwd=settings.BASE_DIR
        )
        theirs.close()

    @property
    def is_alive(self) -> bool:
        """Whether somebody still listens at the other end. Holds for a process forked from the owner too."""
        if self.owner == os.getpid():
            return self._process.poll() is None
        gone = select.poll()
        gone.register(self._control, select.POLLHUP)
        return not gone.poll(0)

    def start(self, message: bytes, link: int, fate: int) -> None:
        """Have a reader forked with these two descriptors; what is asked before it has loaded waits."""
        with self._lock:
            socket.send_fds(self._control, [message], [link, fate])

    def stop(self) -> None:
        """Let it end."""
        if self.owner == os.getpid():
            self._control.close()
            self._process.wait(10)


_held: _Zygote | None = None
_starting = threading.Lock()


def prepare() -> None:
    """Start the process that readers are forked from ahead of time; whatever is forked from this one shares it."""
    _zygote()


def _zygote() -> _Zygote:
    global _held
    with _starting:
        if _held is None or not _held.is_alive:
            _held = _Zygote()
            atexit.register(_held.stop)
        return _held
