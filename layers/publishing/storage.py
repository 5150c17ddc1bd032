"""Putting uploaded files aside: names of our own, parts of one shapefile together, old ones thrown away."""

from __future__ import annotations

import re
import shutil
import time
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings
from django.utils.translation import gettext as _

from layers.importing.errors import ImportRefused

_SHAPE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg", ".qpj", ".sbn", ".sbx", ".shp.xml")
_BESIDE = {
    ".tif": (".tfw", ".tifw", ".wld", ".prj", ".aux.xml", ".tif.aux.xml", ".ovr", ".tif.ovr", ".tif.msk", ".tif.xml"),
    ".tiff": (".tfw", ".tiffw", ".wld", ".prj", ".aux.xml", ".tiff.aux.xml", ".tiff.ovr", ".tiff.msk", ".tiff.xml"),
    ".asc": (".prj", ".wld", ".aux.xml", ".asc.aux.xml", ".asc.xml"),
    ".gml": (".xsd", ".gfs"),
}
"""What may come along with a file, by the file's extension: kept with it, not a thing to import by itself."""
_KEPT_S = 7 * 86_400
MOST_FILES = 60


class Incoming(Protocol):
    """An uploaded file, as Django hands it over."""

    @property
    def name(self) -> str | None: ...
    @property
    def size(self) -> int | None: ...
    def chunks(self) -> Iterable[bytes]: ...


def put_aside(folder: Path, files: Sequence[Incoming]) -> list[dict[str, Any]]:
    """Write files under `folder`, one sub-folder for each thing to import; what the upload remembers of them.

    Loose parts of one shapefile (same name but for the extension, in any case) count as one. Raises ImportRefused.
    """
    if not files:
        raise ImportRefused(_("Non è stato scelto alcun file."))
    if len(files) > MOST_FILES:
        raise ImportRefused(_("Sono troppi file insieme: il massimo è %(most)s.") % {"most": MOST_FILES})
    kept = []
    for number, (name, parts) in enumerate(_groups(files)):
        place = folder / f"{number:03d}"
        place.mkdir(parents=True)
        main = place / parts[0][0]
        for file_name, file in parts:
            path = place / file_name
            with path.open("xb") as out:
                for chunk in file.chunks():
                    out.write(chunk)
            if file_name.endswith(".shp"):
                main = path
        size = sum(path.stat().st_size for path in place.iterdir())
        kept.append({"name": name, "path": main.relative_to(folder).as_posix(), "bytes": size})
    return kept


def _groups(files: Sequence[Incoming]) -> Iterator[tuple[str, list[tuple[str, Incoming]]]]:
    """Things to import: the name for people, and the files under safe names."""
    along = _along(files)
    shapes = {_stem(file) for file in files if (file.name or "").lower().endswith(".shp")}
    parts: dict[str, list[tuple[str, Incoming]]] = {}
    for file in files:
        name = file.name or "senza-nome"
        stem = _stem(file)
        if stem in shapes and _part(name):
            # GDAL looks for the parts under the same name, in lower case here.
            parts.setdefault(stem, []).append((f"{safe_file_name(stem)}{_part(name)}", file))
        elif id(file) not in along:
            yield name[:200], [(safe_file_name(name), file), *_beside(name, files, along)]
    for stem, found in parts.items():
        names = [name for name, _file in found]
        if len(set(names)) != len(names):
            raise ImportRefused(_("Ci sono due parti uguali dello shapefile %(name)s.") % {"name": stem[:80]})
        if f"{safe_file_name(stem)}.dbf" not in names and f"{safe_file_name(stem)}.shx" not in names:
            raise ImportRefused(
                _("Lo shapefile %(name)s è senza le altre parti: caricare insieme .shp, .shx, .dbf, .prj e .cpg.")
                % {"name": stem[:80]}
            )
        yield f"{stem}.shp"[:200], found


def _along(files: Sequence[Incoming]) -> dict[int, tuple[str, str]]:
    """By the identity of each file that belongs to another: that one's name in lower case, and its own ending."""
    found: dict[int, tuple[str, str]] = {}
    for main in files:
        stem, dot, suffix = (main.name or "").lower().rpartition(".")
        for ending in _BESIDE.get(dot + suffix, ()):
            found |= {id(file): ((main.name or "").lower(), ending) for file in files if _lower(file) == stem + ending}
    return found


def _beside(name: str, files: Sequence[Incoming], along: dict[int, tuple[str, str]]) -> Iterator[tuple[str, Incoming]]:
    """The files that belong to this one, under the safe name that goes with its own."""
    stem = safe_file_name(name).rpartition(".")[0]
    for file in files:
        main, ending = along.get(id(file), ("", ""))
        if main == name.lower():
            yield stem + ending, file


def _lower(file: Incoming) -> str:
    return (file.name or "").lower()


def _part(name: str) -> str:
    return next((part for part in sorted(_SHAPE_PARTS, key=len, reverse=True) if name.lower().endswith(part)), "")


def _stem(file: Incoming) -> str:
    name = file.name or ""
    return name[: len(name) - len(_part(name))].lower() if _part(name) else name


def safe_file_name(name: str) -> str:
    """A plain name on disk, extension kept: "Città (1).SHP" → "citta-1.shp"."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem, dot, suffix = plain.rpartition(".")
    second = ".csv" if suffix == "gz" and stem.endswith(".csv") else ""
    stem = stem.removesuffix(second) if dot else plain
    words = re.sub(r"[^a-z0-9_]+", "-", stem).strip("-")[:80] or "file"
    ending = re.sub(r"[^a-z0-9]", "", suffix)[:10] if dot else ""
    return f"{words}{second}.{ending}" if ending else words


def throw_away_old() -> None:
    """Remove what nobody took further for a week."""
    root = Path(settings.VAR_DIR) / "uploads"
    for folder in root.iterdir() if root.is_dir() else ():
        if folder.is_dir() and time.time() - folder.stat().st_mtime > _KEPT_S:
            shutil.rmtree(folder, ignore_errors=True)
