"""Values of a column put in classes: which limits, how many features in each, and the classes as a style has them.

The methods are those of mapclassify. With what it needs it takes seconds and 100 MB to load, which a process that only
serves maps does not pay; one in which somebody opens the editor loads it before classes are asked for.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
from django.utils import numberformat
from django.utils.translation import gettext as _
from numpy.typing import NDArray
from psycopg2 import sql

from geoportal.sql import queries
from layers.catalogue import FieldEntry, LayerEntry
from layers.columns import text_of
from layers.database import read_row, table_of
from layers.errors import LayersError
from layers.filters import column
from layers.models import Field
from layers.sources.gate import read
from layers.styles.geometry import drawn_as
from layers.styles.model import Class, Symbol
from layers.styles.palette import colours, darker

METHODS = ("quantile", "equal_interval", "natural_breaks", "pretty", "std_dev")
NUMBERS = (Field.Type.INTEGER.value, Field.Type.NUMBER.value)
SPREAD = 5001
"""Most values that are looked at: every one up to this many, above it as many even quantiles of all."""
JENKS_SPREAD = 400
"""For natural breaks, which take the square of it in steps."""
MAX_COUNT, MAX_CATEGORIES = 12, 30
PATIENCE = 5
"""How many times longer than a read of its source the classes of another office's layer may take."""
_WARM = threading.Event()


class NothingToClassify(LayersError):
    """A column whose values make no classes; the text says why."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How a column is to be put in classes."""

    field: str
    kind: str
    method: str = "quantile"
    count: int = 5
    palette: str = "ylorbr"
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Classified:
    """Classes, and how many features are in each and in none."""

    classes: tuple[Class, ...]
    counts: tuple[int, ...]
    others: int
    least: float | None = None
    greatest: float | None = None


def classified(layer: LayerEntry, field: FieldEntry, asked: Asked, symbol: Symbol) -> Classified:
    """Classes of a vector layer by one of its fields, each like `symbol` in a colour of the palette.

    Raises NothingToClassify and QueryTooSlow.
    """
    if asked.kind == "categorised":
        return _by_value(layer, asked, symbol)
    if asked.method not in METHODS:
        raise NothingToClassify(_("Metodo «%(method)s» sconosciuto.") % {"method": asked.method[:40]})
    if field.type not in NUMBERS:
        raise NothingToClassify(_("«%(name)s» non contiene numeri: usare le categorie.") % {"name": field.title_it})
    found, missing, least, greatest = _row("summary", layer, asked.field)
    if not found:
        raise NothingToClassify(_("«%(name)s» non contiene alcun valore.") % {"name": field.title_it})
    values = _spread(layer, asked.field, int(found))
    bounds = bounds_of(values, asked.method, asked.count)
    (counts,) = _row("counted", layer, asked.field, bounds=list(bounds))
    numbers = [int(counts.get(str(place), 0)) for place in range(len(bounds) + 1)]
    labels = range_labels([float(least), *bounds, float(greatest)], whole=field.type == Field.Type.INTEGER)
    classes = tuple(
        Class(
            tinted(symbol, colour, layer.geometry_type),
            label_it=labels[place][0],
            label_en=labels[place][1],
            minimum=bounds[place - 1] if place else None,
            maximum=bounds[place] if place < len(bounds) else None,
        )
        for place, colour in enumerate(colours(asked.palette, len(bounds) + 1, reverse=asked.reverse))
    )
    return Classified(classes, tuple(numbers), int(missing), float(least), float(greatest))


def extremes(layer: LayerEntry, field: str) -> tuple[float, float] | None:
    """Least and greatest number of a column; None when it holds none."""
    found, _missing, least, greatest = _row("summary", layer, field)
    return (float(least), float(greatest)) if found else None


def bounds_of(values: NDArray[np.float64], method: str, count: int) -> tuple[float, ...]:
    """Limits between classes, rising, inside the values: `count` - 1 of them, or fewer when the values have no more.

    A value equal to a limit belongs to the class above. `values` are sorted. Raises NothingToClassify.
    """
    if values[0] == values[-1]:
        raise NothingToClassify(
            _("Tutti i valori sono uguali (%(value)g): non c'è nulla da dividere.") % {"value": values[0]}
        )
    count = min(max(count, 2), MAX_COUNT, len(np.unique(values)))
    if method == "natural_breaks":
        sample = values[np.linspace(0, len(values) - 1, min(len(values), JENKS_SPREAD)).round().astype(int)]
        upper = [_gap(values, sample, limit) for limit in _mapclassify(sample, method, count)]
    elif method == "quantile":
        upper = [_gap(values, values, limit) for limit in _mapclassify(values, method, count)]
    else:
        upper = [float(f"{limit:.12g}") for limit in _mapclassify(values, method, count)]
    return tuple(value for value in sorted(set(upper)) if values[0] < value <= values[-1])


def _gap(values: NDArray[np.float64], sample: NDArray[np.float64], limit: float) -> float:
    """The value that opens the class above a limit, which is of the sample and belongs to the class below.

    Between it and the next value of the sample there may be values that were not looked at: the widest gap divides.
    """
    after = int(np.searchsorted(sample, limit, side="right"))
    if after >= len(sample):
        return float("inf")
    low = int(np.searchsorted(values, limit, side="right")) - 1
    high = int(np.searchsorted(values, sample[after], side="left"))
    low = max(low, 0)
    return float(values[low + 1 + int(np.argmax(np.diff(values[low : high + 1])))])


def warm() -> threading.Thread | None:
    """Load mapclassify on a thread of its own; None when that was done before."""
    if _WARM.is_set():
        return None
    _WARM.set()
    thread = threading.Thread(target=_load, name="mapclassify", daemon=True)
    thread.start()
    return thread


def _load() -> None:
    import mapclassify  # noqa: F401


def _mapclassify(values: NDArray[np.float64], method: str, count: int) -> list[float]:
    """Upper limits of the classes, the last one left out."""
    with warnings.catch_warnings():
        # Fewer different values than classes, and that Numba is not there: both are handled here.
        warnings.simplefilter("ignore")
        import mapclassify

        makers: dict[str, Callable[[], Any]] = {
            "natural_breaks": lambda: mapclassify.FisherJenks(values, k=min(count, len(np.unique(values)))),
            "equal_interval": lambda: mapclassify.EqualInterval(values, k=count),
            "pretty": lambda: mapclassify.PrettyBreaks(values, k=count),
            "std_dev": lambda: mapclassify.StdMean(values),
            "quantile": lambda: mapclassify.Quantiles(values, k=count),
        }
        made = makers[method]()
    return [float(value) for value in made.bins[:-1]]


def range_labels(edges: Sequence[float], *, whole: bool = False) -> list[tuple[str, str]]:
    """Texts of the ranges between edges, Italian and English, with as many digits as tell the edges apart.

    Whole numbers end one below the next range, since a range does not hold its upper edge; the last one does.
    """
    spans = [high - low for low, high in pairwise(edges) if high > low]
    exact = whole or all(float(edge).is_integer() for edge in edges)
    digits = 0 if exact else min(6, max(0, int(np.ceil(-np.log10(min(spans)))) + 1)) if spans else 2
    texts = []
    for place, (low, high) in enumerate(pairwise(edges)):
        top = high - 1 if whole and place < len(edges) - 2 else high
        italian, english = [], []
        for value in (low, top) if top > low else (low,):
            italian.append(numberformat.format(round(value, digits), ",", digits, 3, ".", force_grouping=True))
            english.append(numberformat.format(round(value, digits), ".", digits, 3, ",", force_grouping=True))
        texts.append((" – ".join(italian), " – ".join(english)))
    return texts


def tinted(symbol: Symbol, colour: str, geometry_type: str) -> Symbol:
    """The symbol in a colour: of the line where it is a line, else of the inside, with a darker rim."""
    if drawn_as(geometry_type) == ("line",):
        return msgspec.structs.replace(symbol, stroke=colour, fill=colour)
    rim = darker(colour, 0.55)
    return msgspec.structs.replace(symbol, fill=colour, stroke=rim)


def _by_value(layer: LayerEntry, asked: Asked, symbol: Symbol) -> Classified:
    found, total = _row("frequent", layer, asked.field, most=MAX_CATEGORIES)
    if not found:
        raise NothingToClassify(_("Il livello è vuoto."))
    shades = colours(asked.palette, len(found), reverse=asked.reverse)
    classes = tuple(
        Class(tinted(symbol, shade, layer.geometry_type), value=text)
        for (text, _count), shade in zip(found, shades, strict=True)
    )
    counts = tuple(int(count) for _text, count in found)
    return Classified(classes, counts, int(total) - sum(counts))


def _spread(layer: LayerEntry, field: str, found: int) -> NDArray[np.float64]:
    steps = min(found, SPREAD)
    # The middle of each step names every value once when all are taken; the ends are always there.
    shares = [0.0, *((place + 0.5) / steps for place in range(1, steps - 1)), 1.0] if steps > 1 else [0.5]
    (values,) = _row("spread", layer, field, shares=shares)
    return np.array(values, dtype=np.float64)


def _row(name: str, layer: LayerEntry, field: str, **params: Any) -> tuple[Any, ...]:
    statement = sql.SQL(queries("layers", "classify")[name]).format(
        number=sql.SQL("{}::float8").format(column(field)), text=text_of(layer, field), table=table_of(layer)
    )
    return read(layer, lambda: read_row(statement, params), patience=PATIENCE)
