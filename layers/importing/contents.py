"""What one file brings: itself, or the things its archive holds, and the source layers of them all.

Runs in a reading process.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from django.utils.translation import gettext as _

from layers.importing.detect import ARCHIVES, MAYBE_DATA, RASTER_DRIVERS, FileKind
from layers.importing.errors import ImportRefused
from layers.importing.opening import Opener, as_table, openers
from layers.importing.zipped import Member, nothing_in, taken_apart


@dataclass(slots=True)
class Contents:
    """What there is to read."""

    members: list[Member]
    notes: list[str] = field(default_factory=list)
    """What is left out, and why."""

    @property
    def raster(self) -> Member | None:
        """The raster, where the file is one or brings nothing else."""
        return self.members[0] if self.members[0].kind in RASTER_DRIVERS else None


def contents_of(path: Path, kind: FileKind, stem: str, folder: Path) -> Contents:
    """The file itself, or what its archive holds, taken apart into `folder`. Raises ImportRefused."""
    if kind not in ARCHIVES or kind is FileKind.GTFS:
        return Contents([Member(path, kind, stem)])
    members, notes = taken_apart(path, folder)
    rasters = [one for one in members if one.kind in RASTER_DRIVERS]
    if len(rasters) == len(members) > 1:
        text = _("Lo zip contiene %(count)s raster: caricarli uno per uno, ciascuno con il suo .tfw o .prj.")
        raise ImportRefused(text % {"count": len(rasters)})
    if rasters and len(members) > 1:
        names = ", ".join(one.stem for one in rasters)[:300]
        notes.append(_("raster nello zip, da caricare da soli: %(names)s") % {"names": names})
        members = [one for one in members if one not in rasters]
    return Contents([_titled(one, stem, len(members) == 1) for one in members], notes)


def _titled(member: Member, stem: str, is_only: bool) -> Member:
    """Of a shapefile or geodatabase people know the archive's name; another file has its own."""
    if member.kind not in (FileKind.SHAPEFILE, FileKind.FILE_GEODATABASE):
        return member
    return replace(member, title=stem if is_only else f"{stem} {member.stem}")


def openers_of(found: Contents, folder: Path) -> list[Opener]:
    """The source layers of all members, with names that differ. Raises ImportRefused when none can be read."""
    result: list[Opener] = []
    for number, member in enumerate(found.members):
        place = folder / f"m{number}"
        place.mkdir()
        try:
            more = list(openers(member, place, found.notes))
            _check_text(member, more)
            result += more if len(found.members) == 1 else map(_settled, more)
        except ImportRefused as error:
            if len(found.members) == 1:
                raise
            found.notes.append(_("%(name)s non si legge: %(reason)s") % {"name": member.stem[:80], "reason": error})
    if not result:
        raise ImportRefused("; ".join(found.notes)[:500])
    if all(one.is_extra for one in result):
        result = [replace(one, is_extra=False) for one in result]
    return _told_apart(result)


def _check_text(member: Member, found: list[Opener]) -> None:
    """A text about the data is no table, where an archive holds nothing else."""
    if member.is_copy and member.path.suffix.lower() in MAYBE_DATA:
        try:
            for one in found:
                if one.open_table is not None:
                    one.open_table("")
        except ImportRefused as error:
            raise ImportRefused(nothing_in([member.path.name])) from error


def _settled(one: Opener) -> Opener:
    """A table in which no places are found is one, beside files that have places. Raises ImportRefused for no table."""
    if one.open_table is None or one.is_extra:
        return one
    try:
        one.open(None, "")
    except ImportRefused:
        one.open_table("")
        return replace(one, open=partial(as_table, one.open_table), open_table=None, is_extra=True)
    return one


def _told_apart(found: list[Opener]) -> list[Opener]:
    """Openers whose names differ; where they do not, the second is called by its title, or gets a number."""
    taken: set[str] = set()
    result = []
    for one in found:
        name, number = one.layer, 2
        if name in taken:
            base = name = one.title
            while name in taken:
                name, number = f"{base} {number}", number + 1
        taken.add(name)
        result.append(replace(one, layer=name))
    return result
