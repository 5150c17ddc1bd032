"""What of a remote's shape the layer stands on: its columns and the kind of its geometry; which changes it survives."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from layers.importing.columns import Column
from layers.sources.errors import SourceChanged

GEOMETRY = "#"
"""What the geometry is written as among the columns: no column has this name."""
_WIDER = {("integer", "number"), ("date", "datetime")}
"""A type and one that holds whatever it holds: filters, labels and classes by number go on meaning the same."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What sets two shapes apart, by name."""

    gone: dict[str, str]
    came: dict[str, str]
    retyped: dict[str, tuple[str, str]]
    """Types before and now that the layer does not survive."""


def shape_of(columns: list[Column], geometry_type: str) -> list[str]:
    """ "name type" of each column, the geometry last: as SourceState keeps it."""
    kind = geometry_type.removeprefix("MULTI")
    return [f"{column.name} {column.type}"[:200] for column in columns] + [f"{GEOMETRY} {kind or '–'}"]


def difference(before: list[str], now: list[str]) -> Difference:
    """Compare two shapes. One that was noted without its geometry is taken to have had that of now."""
    was, held = _named(before), _named(now)
    if GEOMETRY not in was and GEOMETRY in held:
        was[GEOMETRY] = held[GEOMETRY]
    return Difference(
        gone={name: kind for name, kind in was.items() if name not in held},
        came={name: kind for name, kind in held.items() if name not in was},
        retyped={
            name: (kind, held[name])
            for name, kind in was.items()
            if name in held and kind != held[name] and not _is_wider(kind, held[name])
        },
    )


def check_shape(before: list[str], now: list[str]) -> None:
    """Raise SourceChanged when what the layer shows is gone or means something else; new columns are welcome."""
    found = difference(before, now)
    if not before or not (found.gone or found.retyped):
        return
    said = []
    columns = {name: kinds for name, kinds in found.retyped.items() if name != GEOMETRY}
    if found.gone:
        said.append(_("mancano %(names)s") % {"names": ", ".join(f"{one} {kind}" for one, kind in found.gone.items())})
    if columns:
        texts = [f"{name} ({was} → {now})" for name, (was, now) in columns.items()]
        said.append(_("sono di altro tipo %(names)s") % {"names": ", ".join(texts)})
    if GEOMETRY in found.retyped:
        was_kind, kind = found.retyped[GEOMETRY]
        said.append(_("la geometria è %(now)s e non %(before)s") % {"now": kind, "before": was_kind})
    if found.came:
        said.append(_("nuovi: %(names)s") % {"names": ", ".join(found.came)})
    raise SourceChanged(
        _("La fonte ha cambiato forma: %(what)s. Il livello resta com'era finché un curatore non accetta.")
        % {"what": "; ".join(said)[:380]}
    )


def is_same(before: list[str], now: list[str]) -> bool:
    """Whether two shapes are one, in whatever order; one that was noted without its geometry says nothing of it."""
    was, held = _named(before), _named(now)
    return was == {name: kind for name, kind in held.items() if name != GEOMETRY or name in was}


def _is_wider(before: str, now: str) -> bool:
    return (before, now) in _WIDER or now == "GEOMETRY"


def _named(shape: list[str]) -> dict[str, str]:
    return dict(tuple(entry.split(" ", 1)) for entry in shape)  # type: ignore[misc]
