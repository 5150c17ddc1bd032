"""One supervised process: started in its own session, its output kept, started again with back-off when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from geoportal.runtime.cluster import Account

FIRST_WAIT_S = 0.3
LONGEST_WAIT_S = 10.0
STEADY_AFTER_S = 20.0
"""A process that lived this long starts again at once the next time."""
_TRIES = 5
"""So many deaths before it was ever ready mean that it will not come up."""
_LOG_BYTES = 10_000_000
_LOG_FILES = 5
_TAIL_LINES = 12
_PIPE_BYTES = 1 << 20
_GATHER_S = 0.05
"""What a talkative process says meanwhile is taken in one piece; the pipe holds more than that."""


class StartFailed(Exception):
    """A process or a step did not come up; the text holds its last words and where the rest is."""


class RotatingLog:
    """The output of one process: `name.log`, then `.1` to `.4`, each of at most 10 MB; the last lines in memory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._file = path.open("ab", buffering=0)

    def write(self, line: bytes) -> None:
        self.tail.append(line.decode("utf-8", "replace").rstrip())
        with contextlib.suppress(OSError):  # a full disk must not take down what still works
            if self._file.tell() > _LOG_BYTES:
                self._rotate()
            self._file.write(line)

    def note(self, text: str) -> None:
        self.write(f"--- {time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n".encode())

    def _rotate(self) -> None:
        self._file.close()
        for number in range(_LOG_FILES - 1, 0, -1):
            older = self.path.with_name(f"{self.path.name}.{number - 1}") if number > 1 else self.path
            if older.exists():
                older.replace(self.path.with_name(f"{self.path.name}.{number}"))
        self._file = self.path.open("ab", buffering=0)

    def close(self) -> None:
        self._file.close()


def guarded(command: list[str], stop_signal: signal.Signals) -> list[str]:
    """The command, told by the kernel to stop when the supervisor is killed: nothing is left behind even then."""
    return ["setpriv", "--pdeathsig", stop_signal.name.removeprefix("SIG"), "--", *command]


@dataclass(slots=True)
class Service:
    """What runs, how it is stopped and how one knows it is ready."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    logs: Path
    say: Callable[[str], None]
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    grace_s: float = 10.0
    before: Callable[[], None] | None = None
    """Called before every start, for what a killed predecessor may have left."""
    on_change: Callable[[], None] | None = None
    """Called when the process has a new pid."""
    sift: Callable[[bytes], list[bytes]] | None = None
    """Of a talkative process: gives the lines to keep of a piece of its output; asked every second, also with b""."""
    restarts: int = 0
    _process: asyncio.subprocess.Process | None = None
    _task: asyncio.Task[None] | None = None
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _log: RotatingLog = field(init=False)

    def __post_init__(self) -> None:
        self._log = RotatingLog(self.logs / f"{self.name}.log")

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.returncode is None else None

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep_running(), name=self.name)

    def hang_up(self) -> None:
        """SIGHUP, by which servers read their files again; nothing while it does not run."""
        if self.pid is not None:
            _signal(self.pid, signal.SIGHUP)

    async def ready(self, probe: Callable[[], bool], seconds: float) -> None:
        """Wait until `probe` says yes. Raises StartFailed, with the last words of the process, after `seconds` or
        when it died too often.
        """
        end = time.monotonic() + seconds
        while not await asyncio.to_thread(probe):
            if time.monotonic() > end or self.restarts >= _TRIES:
                words = "\n".join(f"    {line}" for line in self._log.tail)
                raise StartFailed(
                    f"{self.name} does not come up. Its last lines:\n{words}\n  The rest is in {self._log.path}"
                )
            await asyncio.sleep(0.1)

    async def stop(self) -> None:
        """Ask it to stop, wait as long as it was granted, then kill its whole group."""
        self._stopping.set()
        process, task = self._process, self._task
        if task is None:
            return
        if process is None or process.returncode is not None:
            task.cancel()  # it waits for its next start
        else:
            _signal(process.pid, self.stop_signal)
            _, late = await asyncio.wait([task], timeout=self.grace_s)
            if late:
                self.say(f"{self.name} did not stop within {self.grace_s:.0f} s: killed")
                _kill_group(process.pid)
        with contextlib.suppress(asyncio.CancelledError):
            await task
        self._log.close()

    async def _keep_running(self) -> None:
        wait = FIRST_WAIT_S
        while not self._stopping.is_set():
            began = time.monotonic()
            ending = await self._run_once()
            if self._stopping.is_set():
                return
            if time.monotonic() - began > STEADY_AFTER_S:
                wait = FIRST_WAIT_S
            self.restarts += 1
            self._log.note(f"{ending}; starts again in {wait:.1f} s")
            self.say(f"{self.name} {ending}; starts again in {wait:.1f} s (log: {self._log.path})")
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT_S)

    async def _run_once(self) -> str:
        """Run it to its end and say how it ended. Whatever it started itself ends with it."""
        if self.before:
            self.before()
        # A pipe of our own: asyncio's would report the end only when grandchildren, too, have closed it.
        reading, writing = os.pipe()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *guarded(self.command, self.stop_signal),
                env=dict(self.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writing,
                stderr=asyncio.subprocess.STDOUT,
                # Its own session: Ctrl-C in the terminal reaches the supervisor alone, which stops all in order.
                start_new_session=True,
                **(self.account.switch if self.account else {}),  # type: ignore[arg-type]
            )
        except OSError as error:
            os.close(reading)
            return f"cannot be started: {error}"
        finally:
            os.close(writing)
        self._log.note(f"started with pid {self._process.pid}")
        if self.on_change:
            self.on_change()
        output = asyncio.create_task(self._keep_output(reading))
        try:
            code = await self._process.wait()
        finally:
            _kill_group(self._process.pid)
            # A grandchild in a session of its own may hold the pipe open: do not wait for it for ever.
            await asyncio.wait([output], timeout=1.0)
            output.cancel()
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"

    async def _keep_output(self, descriptor: int) -> None:
        """Write what comes through the pipe into the log, line by line, until every writer has closed it."""
        if self.sift is not None:
            await self._keep_sifted(descriptor, self.sift)
            return
        stream = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(descriptor, "rb", buffering=0)
        )
        try:
            while line := await _line(stream):
                self._log.write(line)
        finally:
            transport.close()

    async def _keep_sifted(self, descriptor: int, sift: Callable[[bytes], list[bytes]]) -> None:
        with os.fdopen(descriptor, "rb", buffering=0) as pipe:
            os.set_blocking(descriptor, False)
            with contextlib.suppress(OSError):  # an account may have less; then it is taken in smaller pieces
                fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
            while True:
                await _readable(descriptor, 1.0)
                piece = pipe.read(_PIPE_BYTES)
                for line in sift(piece or b""):
                    self._log.write(line)
                if piece == b"":
                    return
                await asyncio.sleep(_GATHER_S)


async def _readable(descriptor: int, seconds: float) -> None:
    """Wait until there is something to read, or its end, or the time is over."""
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ready.wait(), seconds)
    finally:
        loop.remove_reader(descriptor)


async def _line(stream: asyncio.StreamReader) -> bytes:
    """The next line, or a piece of one that is longer than the buffer; empty at the end."""
    try:
        return await stream.readline()
    except ValueError:
        return await stream.read(65536)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _kill_group(leader: int) -> None:
    """Kill what is left of a process's group: workers whose parent was killed would hold its socket and its files."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
