"""What is prepared before the processes start: programs run to their end, with progress and the time they took."""

from __future__ import annotations

import asyncio
import hashlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from geoportal.runtime.places import Places
from geoportal.runtime.process import StartFailed, guarded
from geoportal.runtime.templates import BASE

_SOURCES = ("geoportal", "layers", "ogc", "wifi", "kiosks")
_TICK_S = 5.0
_KEPT_LINES = 2000
_PROGRESS = re.compile(r"\[\d+/\d+\]")
"""How a command that reports its progress begins such a line."""


def manage(*arguments: str) -> list[str]:
    """The command line of `manage.py …` with the interpreter that runs now."""
    return [sys.executable, str(BASE / "manage.py"), *arguments]


@dataclass(frozen=True, slots=True)
class Steps:
    """Runs the steps of one instance and says how they go."""

    places: Places
    say: Callable[[str], None]

    async def run(
        self, title: str, command: list[str], *, log: str, must_work: bool = True, report: bool = False
    ) -> bool:
        """Run a command to its end; its output goes to a log, its last line is shown while it works.

        With `report` all it said at the end, after its lines of progress, is shown as well.

        Raises StartFailed with its last words when it fails and `must_work`; otherwise says so and returns False.
        """
        began = time.monotonic()
        self.say(f"{title} …")
        path = self.places.logs / f"{log}.log"
        process = await asyncio.create_subprocess_exec(
            *guarded(command, signal.SIGTERM),
            env=self.places.environment(),
            cwd=BASE,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            lines = await self._follow(process.stdout, path, began) if process.stdout else []
            code = await process.wait()
        except asyncio.CancelledError:
            process.terminate()
            await process.wait()
            raise
        took = time.monotonic() - began
        if code == 0:
            self.say(f"{title}: done in {took:.1f} s")
            for line in lines if report else []:
                if not _PROGRESS.match(line):
                    self.say(f"  {line}")
            return True
        words = "\n".join(f"    {line}" for line in lines[-15:])
        problem = f"{title}: failed with code {code} after {took:.1f} s:\n{words}\n  Everything it said is in {path}"
        if must_work:
            raise StartFailed(problem)
        self.say(problem)
        return False

    async def _follow(self, output: asyncio.StreamReader, path: Path, began: float) -> list[str]:
        """Keep the output in `path`; every few seconds show the newest line, so that a long step is seen to live."""
        lines: list[str] = []
        shown = time.monotonic()
        with path.open("ab") as file:
            async for raw in output:
                file.write(raw)
                lines.append(raw.decode("utf-8", "replace").rstrip())
                del lines[:-_KEPT_LINES]
                if time.monotonic() - shown > _TICK_S and lines[-1]:
                    shown = time.monotonic()
                    self.say(f"  {shown - began:3.0f} s  {lines[-1][:150]}")
        return lines

    async def once(self, mark: str, title: str, command: list[str]) -> None:
        """Run a step that fills the database, unless it is done. A failure is said and tried again next time."""
        done = self.places.done / mark
        if done.exists():
            return
        if await self.run(title, command, log=mark, must_work=False):
            done.touch()

    def compile_messages(self) -> None:
        """Compile the translations whose source is newer. The compiled files are not kept in git."""
        for source in (path for package in _SOURCES for path in (BASE / package).rglob("locale/*/LC_MESSAGES/*.po")):
            compiled = source.with_suffix(".mo")
            if compiled.exists() and compiled.stat().st_mtime >= source.stat().st_mtime:
                continue
            result = subprocess.run(
                ["msgfmt", "--check-format", "-o", str(compiled), str(source)], capture_output=True, text=True
            )
            if result.returncode != 0:
                raise StartFailed(f"msgfmt refuses {source}:\n{result.stderr.strip()}")

    async def collect_static(self) -> None:
        """Copy the static files where the front serves them, when any of them changed since the last time."""
        stamp, mark = self._static_fingerprint(), self.places.done / "static"
        if mark.exists() and mark.read_text() == stamp and (self.places.static / "staticfiles.json").exists():
            return
        await self.run("Collecting static files", manage("collectstatic", "--noinput"), log="collectstatic")
        mark.write_text(stamp)

    def _static_fingerprint(self) -> str:
        """Names, sizes and times of our own static files, and what npm says it has installed."""
        digest = hashlib.sha256()
        installed = BASE / "node_modules" / ".package-lock.json"
        if installed.exists():
            digest.update(installed.read_bytes())
        digest.update((BASE / "geoportal" / "settings.py").read_bytes())
        for package in _SOURCES:
            for folder in sorted((BASE / package).rglob("static")):
                for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                    status = path.stat()
                    digest.update(f"{path.relative_to(BASE)} {status.st_size} {status.st_mtime_ns}\n".encode())
        return digest.hexdigest()
