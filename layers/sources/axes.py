"""Whether data lies where its source says: servers mix up the order of axes, or answer in a CRS that nobody asked for.

WFS 1.1 and 2.0 write EPSG:4326 with latitude first where it is named by a `urn:`, GeoJSON never does, and servers get
both wrong. So what was fetched is held against what is known of its place: where the layer was before, and the extent
that the source declares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from django.utils.translation import gettext as _

from layers.importing.crs import Bounds
from layers.importing.described import Described
from layers.importing.errors import ImportRefused
from layers.importing.options import ImportOptions
from layers.sources.errors import SourceErred

ITALY: Bounds = (6.0, 35.0, 19.0, 48.0)
LEEWAY = 0.02
"""Degrees by which data may lie beside a declared extent: extents are rounded, and grow later than the data."""

Look = Callable[[ImportOptions], Described]


def placed(
    look: Look, options: ImportOptions, before: Bounds | None, declared: Bounds | None, native: int | None
) -> tuple[ImportOptions, Described]:
    """The way of reading in which the data lies where it should, and what it then is.

    Tried in turn: as the file says, with its axes the other way round, both in the server's own CRS (`native`), which
    some answer in whatever they are asked for. Raises SourceErred when none fits.
    """
    try:
        found = look(options)
    except ImportRefused:
        # The numbers suggest no system; the server has one.
        if not native or options.srid:
            raise
        options = replace(options, srid=native)
        found = look(options)
    declared = _sane(declared)
    known = [box for box in (before, declared) if box is not None]
    if not found.geometry_type or (found.degrees is None and found.turned is None):
        return options, found
    if not known:
        if not _meet(found.degrees, ITALY) and _meet(found.turned, ITALY):
            return _read(look, replace(options, swap=not options.swap))
        return options, found
    if any(_meet(found.degrees, box) for box in known) or _is_declared_turned(found, known):
        return options, found
    for other, facts in _others(look, options, found, native):
        if any(_meet(facts.degrees, box) for box in known):
            return other, facts
    if declared is None:
        # Data may move: only where it was before speaks against it.
        return options, found
    raise SourceErred(
        _(
            "I dati stanno in %(found)s mentre la fonte dichiara %(declared)s (ovest, sud, est, nord), e così con gli "
            "assi scambiati: scrivere nella fonte il codice EPSG in cui dà i dati, o che gli assi sono scambiati."
        )
        % {"found": _text(found.degrees), "declared": _text(declared)}
    )


def _others(
    look: Look, options: ImportOptions, found: Described, native: int | None
) -> Iterator[tuple[ImportOptions, Described]]:
    if found.turned is not None:
        yield _read(look, replace(options, swap=not options.swap))
    if native and native not in (options.srid, found.srid):
        for swap in (options.swap, not options.swap):
            yield _read(look, replace(options, srid=native, swap=swap))


def _read(look: Look, options: ImportOptions) -> tuple[ImportOptions, Described]:
    return options, look(options)


def _is_declared_turned(found: Described, known: list[Bounds]) -> bool:
    """Whether it is the declared extent whose axes are mixed up, the data being in Italy as it is."""
    return (
        _meet(found.degrees, ITALY)
        and not _meet(found.turned, ITALY)
        and any(_meet(found.turned, box) for box in known)
    )


def _sane(box: Bounds | None) -> Bounds | None:
    """An extent that says something; servers declare empty and reversed ones for what they do not know."""
    return box if box is not None and box[0] <= box[2] and box[1] <= box[3] else None


def _meet(one: Bounds | None, other: Bounds) -> bool:
    if one is None:
        return False
    return (
        one[0] <= other[2] + LEEWAY and other[0] <= one[2] + LEEWAY
        and one[1] <= other[3] + LEEWAY and other[1] <= one[3] + LEEWAY
    )  # fmt: skip


def _text(box: Bounds | None) -> str:
    return ", ".join(f"{number:.4f}" for number in box) if box else "–"
