"""Coordinates out of the columns of a table, and what their numbers say of the system they are in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from django.utils.translation import gettext as _

from layers.importing.coordinate_texts import number_of, pair_of, shapes_of
from layers.importing.crs import Bounds, FoundCrs, declared, metres_guess
from layers.importing.errors import ImportRefused


@dataclass(slots=True)
class Coordinates:
    """Base: the extent seen so far and what was found out."""

    crs: FoundCrs | None = field(default=None, init=False)
    bounds: Bounds | None = field(default=None, init=False)
    notes: list[str] = field(default_factory=list, init=False)

    def see(self, rows: list[list[str]]) -> None:
        """Take rows into account (first pass)."""
        geometries = self.geometries(rows)
        box = shapely.total_bounds(geometries)
        if np.all(np.isfinite(box)):
            old = self.bounds
            self.bounds = (
                float(min(box[0], old[0]) if old else box[0]),
                float(min(box[1], old[1]) if old else box[1]),
                float(max(box[2], old[2]) if old else box[2]),
                float(max(box[3], old[3]) if old else box[3]),
            )

    def settle(self) -> None:
        """Decide what the first pass left open."""

    def geometries(self, rows: list[list[str]]) -> np.ndarray[Any, Any]:
        """One geometry or None for each row."""
        raise NotImplementedError

    def wkb(self, rows: list[list[str]]) -> pa.Array:
        """One WKB or null for each row."""
        return pa.array(shapely.to_wkb(self.geometries(rows)), type=pa.binary(), from_pandas=True)


@dataclass(slots=True)
class PointColumns(Coordinates):
    """Two columns with x and y (or longitude and latitude)."""

    x: int
    y: int
    degrees: bool
    titles: tuple[str, str]
    srid_in_name: int | None = None
    """EPSG code that both names carry (`X_3003`, `Y_3003`)."""
    _swapped: bool = field(default=False, init=False)
    _missing: int = field(default=0, init=False)

    def geometries(self, rows: list[list[str]]) -> np.ndarray[Any, Any]:
        x, y = self._numbers(rows)
        geometries: np.ndarray[Any, Any] = np.asarray(shapely.points(x, y), dtype=object)
        geometries[~(np.isfinite(x) & np.isfinite(y))] = None
        return geometries

    def _numbers(self, rows: list[list[str]]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        x, y = self._read(rows)
        # 0,0 is what programs write where they know nothing (a national plague, see the address archive).
        nowhere = (x == 0) & (y == 0)
        x[nowhere] = y[nowhere] = np.nan
        if self._swapped:
            x, y = y, x
        if self.degrees and self._in_degrees:
            wild = (np.abs(x) > 180) | (np.abs(y) > 90)
            x[wild] = y[wild] = np.nan
        return x, y

    def _read(self, rows: list[list[str]]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        return np.array([number_of(row[self.x]) for row in rows]), np.array([number_of(row[self.y]) for row in rows])

    @property
    def _in_degrees(self) -> bool:
        # Before the first pass is over nothing is known; afterwards: most values decide, one typing error does not.
        return self.crs is not None

    def see(self, rows: list[list[str]]) -> None:
        x, y = self._numbers(rows)
        usable = np.isfinite(x) & np.isfinite(y)
        self._missing += int(np.count_nonzero(~usable))
        self._xs.append(x[usable])
        self._ys.append(y[usable])

    _xs: list[np.ndarray[Any, Any]] = field(default_factory=list, init=False)
    _ys: list[np.ndarray[Any, Any]] = field(default_factory=list, init=False)

    def settle(self) -> None:
        x, y = np.concatenate(self._xs or [np.zeros(0)]), np.concatenate(self._ys or [np.zeros(0)])
        self._xs, self._ys = [], []
        self.notes.append(_("coordinate dalle colonne %(x)s e %(y)s") % {"x": self.titles[0], "y": self.titles[1]})
        if self._missing:
            self.notes.append(_("%(count)s righe senza coordinate, tenute senza geometria") % {"count": self._missing})
        if not len(x):
            raise ImportRefused(_("Nessuna riga ha coordinate."))
        in_range = (np.abs(x) <= 180) & (np.abs(y) <= 90)
        if in_range.all() or (self.degrees and in_range.mean() >= 0.5):
            self._settle_degrees(x, y, in_range)
        else:
            self._settle_metres(x, y)

    def _settle_metres(self, x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> None:
        self.degrees = False
        self.bounds = west, south, east, north = (float(x.min()), float(y.min()), float(x.max()), float(y.max()))
        turned: Bounds = (south, west, north, east)
        if metres_guess(self.bounds) is None and metres_guess(turned) is not None:
            self._swapped, self.bounds = True, turned
            if self.x != self.y:
                self.notes.append(_("est e nord scambiate nel file: rimesse in ordine"))
        if self.srid_in_name:
            try:
                self.crs = declared(f"EPSG:{self.srid_in_name}", _("codice nel nome delle colonne"))
            except ImportRefused:
                self.crs = None

    def _settle_degrees(self, x: np.ndarray[Any, Any], y: np.ndarray[Any, Any], in_range: Any) -> None:
        italy = ((x > 6) & (x < 19) & (y > 35) & (y < 48)).mean()
        turned = ((y > 6) & (y < 19) & (x > 35) & (x < 48)).mean()
        if turned > 0.9 and italy < 0.1:
            self._swapped = True
            x, y = y, x
            self.notes.append(_("latitudine e longitudine scambiate nel file: rimesse in ordine"))
        wild = int(np.count_nonzero(~in_range))
        if wild:
            self.notes.append(_("%(count)s righe con coordinate impossibili, tenute senza geometria") % {"count": wild})
        x, y = x[in_range], y[in_range]
        self.bounds = (float(x.min()), float(y.min()), float(x.max()), float(y.max()))
        if self.degrees:
            self.crs = declared("EPSG:4326", _("colonne di latitudine e longitudine"))


@dataclass(slots=True)
class PairColumn(PointColumns):
    """One column with both numbers; the first is the latitude unless the numbers say otherwise."""

    def _read(self, rows: list[list[str]]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        nothing = (float("nan"), float("nan"))
        pairs = np.array([pair_of(row[self.x]) or nothing for row in rows]).reshape(-1, 2)
        return pairs[:, 1].copy(), pairs[:, 0].copy()


@dataclass(slots=True)
class GeometryTexts(Coordinates):
    """One column of shapes: WKT or EWKT, hexadecimal WKB or EWKB, geometries of GeoJSON."""

    column: int
    title: str
    _srids: set[int] = field(default_factory=set, init=False)
    _unreadable: int = field(default=0, init=False)

    def geometries(self, rows: list[list[str]]) -> np.ndarray[Any, Any]:
        shapes, srids, unreadable = shapes_of([row[self.column] for row in rows])
        if self.crs is None:
            self._srids |= srids
            self._unreadable += int(np.count_nonzero(unreadable))
        return shapes

    def settle(self) -> None:
        self.notes.append(_("geometria dalla colonna %(title)s") % {"title": self.title})
        if self._unreadable:
            self.notes.append(
                _("%(count)s geometrie non leggibili, righe tenute senza geometria") % {"count": self._unreadable}
            )
        if len(self._srids) > 1:
            raise ImportRefused(
                _("La colonna %(title)s ha righe di sistemi diversi (SRID %(srids)s): dividerle in più file.")
                % {"title": self.title, "srids": ", ".join(map(str, sorted(self._srids)[:10]))}
            )
        if self._srids:
            self.crs = declared(f"EPSG:{self._srids.pop()}", _("SRID scritto nella geometria"))


@dataclass(slots=True)
class NoPlaces(Coordinates):
    """A table whose rows are taken without places."""

    def geometries(self, rows: list[list[str]]) -> np.ndarray[Any, Any]:
        return np.full(len(rows), None, dtype=object)
