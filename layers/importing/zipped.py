"""What an archive holds that can be read: shapefiles and geodatabases with their parts, and whole files of any kind.

Each comes out under a name of our own into a folder of its own. Archives inside an archive are not opened, but for the
formats that are archives themselves (workbooks, KMZ), which have their own limits. Runs in a reading process.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from django.utils.translation import gettext as _

from layers.importing import archives
from layers.importing.beside import RASTER_SUFFIXES, WORLD_SUFFIXES
from layers.importing.detect import ARCHIVES, DATA_SUFFIXES, MAYBE_DATA, FileKind, detect, suffix_of
from layers.importing.errors import ImportRefused
from layers.importing.stems import stem_of

_NAMED = frozenset(
    {
        ".zip", ".rar", ".7z", ".gz", ".tar", ".dwg", ".dgn", ".mdb", ".accdb", ".tab", ".mif", ".e00", ".cxf",
        ".sqlite", ".db", ".mbtiles", ".ecw", ".sid", ".jp2", ".img", ".bil", ".nc", ".las", ".laz", ".dbf",
        ".ifc", ".shx",
    }
)  # fmt: skip
"""Data of a kind that is not read: left out, but not without a word."""
_MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Member:
    """One thing to read, out of its archive (or the file itself, where there is none)."""

    path: Path
    kind: FileKind
    stem: str
    """Its name for people, without extension."""
    title: str = ""
    """What its layers' titles begin with."""
    place: str = ""
    """The folders it lay in, with `/` at the end."""
    is_copy: bool = False
    """Whether it lies in a folder of the reader's own, where GDAL may write beside it."""


def taken_apart(archive: Path, folder: Path) -> tuple[list[Member], list[str]]:
    """The readable things of an archive, extracted under `folder`, and words on the rest. Raises ImportRefused."""
    names = archives.names_of(archive)
    found = list(_shapefiles(archive, names, folder))
    if any(name.lower().endswith(".gdbtable") for name in names):
        inside = archives.extract_geodatabase(archive, _made(folder / "gdb"))
        found += [
            Member(path, FileKind.FILE_GEODATABASE, place.rpartition("/")[2].removesuffix(".gdb"), is_copy=True)
            for place, path in inside.items()
        ]
    whole, notes = _whole_files(archive, _candidates(names), folder)
    found += whole
    if not found:
        raise ImportRefused(notes[0] if len(notes) == 1 else nothing_in(names))
    return _told_apart(found), [*notes, *_left(names)]


def nothing_in(names: Iterable[str]) -> str:
    """What to say of an archive that holds nothing to read."""
    shown = ", ".join(sorted(names)[:5])[:300]
    text = _("Lo zip non contiene alcun file di dati che si legga (contiene: %(names)s).") % {"names": shown}
    if any(name.lower().endswith((".zip", ".7z", ".rar")) for name in names):
        text += " " + _("Gli archivi dentro un archivio non si aprono: caricarli da soli.")
    return text


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _shapefiles(archive: Path, names: list[str], folder: Path) -> Iterator[Member]:
    if any(name.lower().endswith(".shp") for name in names):
        for name, path in archives.extract_shapefiles(archive, _made(folder / "shp")):
            place, slash, stem = name.replace("\\", "/").rpartition("/")
            yield Member(path, FileKind.SHAPEFILE, stem, place=place + slash, is_copy=True)


def _candidates(names: list[str]) -> list[str]:
    """The members that may be data by themselves; texts and XML, mostly about the data, only where nothing else is."""
    found = [name for name in names if suffix_of(Path(name)) in DATA_SUFFIXES]
    if found or any(name.lower().endswith((".shp", ".gdbtable")) for name in names):
        return found
    return [name for name in names if suffix_of(Path(name)) in MAYBE_DATA]


def _whole_files(archive: Path, wanted: list[str], folder: Path) -> tuple[list[Member], list[str]]:
    targets: dict[str, Path] = {}
    by_place = {name.lower(): name for name in archives.names_of(archive)}
    for number, name in enumerate(wanted):
        suffix = suffix_of(Path(name))
        # GDAL calls the layer of some formats by the file.
        plain = re.sub(r"[^\w-]+", "_", stem_of(Path(name.replace("\\", "/"))))[:50] or "file"
        targets[name] = _made(folder / f"f{number}") / f"{plain}{suffix}"
        if suffix in RASTER_SUFFIXES:
            base = name[: -len(suffix)].lower()
            for ending in (*WORLD_SUFFIXES, ".prj"):
                if base + ending in by_place:
                    targets[by_place[base + ending]] = targets[name].with_suffix(ending)
    archives.extract_as(archive, targets)
    found, notes = [], []
    for name in wanted:
        place, slash, base = name.replace("\\", "/").rpartition("/")
        try:
            kind = detect(targets[name])
            if kind in ARCHIVES:
                raise ImportRefused(_("è un archivio dentro l'archivio: caricarlo da solo."))
        except ImportRefused as error:
            notes.append(_("%(name)s non si legge: %(reason)s") % {"name": base[:80], "reason": error})
            continue
        found.append(Member(targets[name], kind, stem_of(Path(base)), place=place + slash, is_copy=True))
    return found, notes


def _told_apart(members: list[Member]) -> list[Member]:
    """Members whose names differ: with their folders, or a number, where they do not."""
    taken: set[str] = set()
    result = []
    for member in members:
        twins = [other for other in members if other.stem.lower() == member.stem.lower()]
        base = (member.place.split("/")[-2] + " " + member.stem) if len(twins) > 1 and member.place else member.stem
        name, number = base, 2
        while name.lower() in taken:
            name, number = f"{base} {number}", number + 1
        taken.add(name.lower())
        result.append(replace(member, stem=name))
    return result


def _left(names: list[str]) -> list[str]:
    """The members of a kind that is not read, but for the parts of a shapefile."""
    shapes = {name.lower()[:-4] for name in names if name.lower().endswith(".shp")}
    left = [
        name.rpartition("/")[2]
        for name in names
        if Path(name).suffix.lower() in _NAMED and name.lower().rpartition(".")[0] not in shapes
    ]
    if not left:
        return []
    shown = ", ".join(left[:_MOST_NAMED])[:300] + ("…" if len(left) > _MOST_NAMED else "")
    return [_("nello zip, non letti: %(names)s") % {"names": shown}]
