"""Taking files out of an archive that may be hostile: our own flat names, sizes counted while extracting, no links."""

from __future__ import annotations

import gzip
import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from django.utils.translation import gettext as _

from layers.importing.errors import ImportRefused
from layers.importing.options import LIMITS, Limits

_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"
_RATIO_FROM_BYTES = 10 * 1024**2
_END_WITHIN, _ENTRY_BYTES = 65_557, 1024
"""Where the end of an archive's list stands, and what one entry of it may take (a name, and room for more)."""
_GEODATABASE_PART = re.compile(r"^(a[0-9a-f]{8}\.[a-z0-9_]{1,20}(\.[a-z0-9_]{1,20})?|gdb|timestamps)$")
SHAPE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")


def is_shadow(name: str) -> bool:
    """A member that a Mac adds for each file, with its icon and colours."""
    return name.startswith("__MACOSX/") or name.rsplit("/", 1)[-1].startswith("._")


def check_entries(archive: Path, limits: Limits = LIMITS) -> None:
    """Refuse an archive of too many entries before anything reads their list. Raises ImportRefused."""
    with archive.open("rb") as stream:
        stream.seek(max(0, archive.stat().st_size - _END_WITHIN))
        tail = stream.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 20:
        return
    count, list_bytes = struct.unpack_from("<HI", tail, at + 10)
    if count > limits.archive_entries or list_bytes > limits.archive_entries * _ENTRY_BYTES:
        raise ImportRefused(_too_many(count, limits))


def _too_many(count: int, limits: Limits) -> str:
    return _("Lo zip ha %(count)s file; il massimo è %(most)s.") % {"count": count, "most": limits.archive_entries}


def extract_shapefiles(archive: Path, target: Path, limits: Limits = LIMITS) -> list[tuple[str, Path]]:
    """Put every shapefile of a zip into `target` as 0.shp, 1.shp … with their parts; (own path, path) of each.

    Part names are compared without case, as Windows writes them (`X.SHP`, `x.CPG`). Raises ImportRefused.
    """
    with _opened(archive, limits) as source:
        files = (info for info in source.infolist() if not info.is_dir() and not is_shadow(info.filename))
        members = {info.filename: info for info in files}
        shapes = sorted(name for name in members if name.lower().endswith(".shp"))
        budget = _Budget(limits)
        found = []
        for number, shape in enumerate(shapes):
            stem = shape[:-4].lower()
            for name, info in members.items():
                part = name.lower()
                if part[:-4] == stem and part[-4:] in SHAPE_PARTS:
                    _extract(source, info, target / f"{number}{part[-4:]}", budget)
            if not (target / f"{number}.dbf").exists() and not (target / f"{number}.shx").exists():
                raise ImportRefused(_("Lo shapefile %(name)s nello zip non ha né .dbf né .shx.") % {"name": shape[:80]})
            found.append((shape[:-4], target / f"{number}.shp"))
    return found


def extract_one(archive: Path, base_names: Iterable[str], target: Path, limits: Limits = LIMITS) -> list[Path]:
    """Put the members with these base names into `target` (a name asked for is a safe name). Raises ImportRefused."""
    wanted = set(base_names)
    with _opened(archive, limits) as source:
        budget = _Budget(limits)
        found = []
        for info in source.infolist():
            base = info.filename.rsplit("/", 1)[-1].lower()
            if base in wanted and not info.is_dir() and target / base not in found:
                _extract(source, info, target / base, budget)
                found.append(target / base)
    return found


def extract_as(archive: Path, targets: dict[str, Path], limits: Limits = LIMITS) -> None:
    """Put members, by their whole names, where they are to be. Raises ImportRefused."""
    with _opened(archive, limits) as source:
        budget = _Budget(limits)
        for info in source.infolist():
            if info.filename in targets:
                _extract(source, info, targets[info.filename], budget)


def names_of(archive: Path, limits: Limits = LIMITS) -> list[str]:
    """The members' names, without folders and what a Mac adds. Raises ImportRefused."""
    with _opened(archive, limits) as source:
        return [info.filename for info in source.infolist() if not info.is_dir() and not is_shadow(info.filename)]


def extract_geodatabase(archive: Path, target: Path, limits: Limits = LIMITS) -> dict[str, Path]:
    """Put each `*.gdb` folder of a zip into `target` as 0.gdb, 1.gdb …, by their own names. Raises ImportRefused."""
    with _opened(archive, limits) as source:
        budget = _Budget(limits)
        found: dict[str, Path] = {}
        for info in source.infolist():
            parent, _slash, base = info.filename.replace("\\", "/").lower().rpartition("/")
            if info.is_dir() or not _GEODATABASE_PART.match(base):
                continue
            if parent not in found:
                found[parent] = target / f"{len(found)}.gdb"
                found[parent].mkdir()
            _extract(source, info, found[parent] / base, budget)
    return found


def unpacked(path: Path, limits: Limits = LIMITS) -> IO[bytes]:
    """The bytes of a text that may be packed with gzip, counted while reading. Raises ImportRefused, also later."""
    with path.open("rb") as stream:
        is_packed = stream.read(2) == _GZIP
    return io.BufferedReader(_Counted(path, limits)) if is_packed else path.open("rb")


class _Counted(io.RawIOBase):
    """A gzip file that may not grow more than an archive's member."""

    def __init__(self, path: Path, limits: Limits) -> None:
        super().__init__()
        self._stream = gzip.GzipFile(path)
        self._left = limits.archive_bytes
        self._most = max(_RATIO_FROM_BYTES, limits.archive_ratio * path.stat().st_size)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            count = self._stream.readinto(buffer)
        except (OSError, EOFError, zlib.error) as error:
            raise ImportRefused(_("Il file gzip è rovinato: %(error)s") % {"error": error}) from error
        self._left, self._most = self._left - count, self._most - count
        if self._left < 0:
            raise ImportRefused(_("Il file estratto supera la dimensione massima ammessa."))
        if self._most < 0:
            raise ImportRefused(_("Il file gzip si espande oltre misura (bomba di compressione): non viene letto."))
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Budget:
    """Bytes still allowed over all members."""

    def __init__(self, limits: Limits) -> None:
        self.left = limits.archive_bytes
        self.ratio = limits.archive_ratio

    def take(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise ImportRefused(_("Lo zip estratto supera la dimensione massima ammessa: non viene letto."))


def _opened(archive: Path, limits: Limits) -> zipfile.ZipFile:
    try:
        source = zipfile.ZipFile(archive)
    except (zipfile.BadZipFile, OSError) as error:
        raise ImportRefused(_("Lo zip è rovinato: %(error)s") % {"error": error}) from error
    entries = source.infolist()
    problem = ""
    if len(entries) > limits.archive_entries:
        problem = _too_many(len(entries), limits)
    for info in entries:
        parts = info.filename.replace("\\", "/").split("/")
        if info.filename.startswith(("/", "\\")) or ".." in parts or ":" in parts[0]:
            problem = _("Lo zip contiene un percorso che esce dalla sua cartella (%(name)s): non viene letto.")
            problem %= {"name": info.filename[:80]}
        if stat.S_ISLNK(info.external_attr >> 16):
            problem = _("Lo zip contiene un collegamento (%(name)s): non viene letto.") % {"name": info.filename[:80]}
        if info.flag_bits & 0x1:
            problem = _("Lo zip è protetto da password.")
    if problem:
        source.close()
        raise ImportRefused(problem)
    return source


def _extract(source: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, budget: _Budget) -> None:
    written = 0
    try:
        with source.open(info) as stream, target.open("xb") as out:
            while chunk := stream.read(_CHUNK):
                written += len(chunk)
                budget.take(len(chunk))
                if written > _RATIO_FROM_BYTES and written > budget.ratio * max(1, info.compress_size):
                    raise ImportRefused(_("Lo zip si espande oltre misura (bomba di compressione): non viene letto."))
                out.write(chunk)
    except FileExistsError:
        raise ImportRefused(_("Lo zip contiene due volte %(name)s.") % {"name": info.filename[:80]}) from None
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise ImportRefused(_("Lo zip è rovinato: %(error)s") % {"error": error}) from error
