"""Which columns of a table are its coordinates, by the names Italian and English offices give them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from django.utils.translation import gettext as _

from layers.importing.crs import Bounds, FoundCrs, declared
from layers.importing.errors import ImportRefused

_LATITUDE = (
    "lat",
    "latitude",
    "latitudine",
    "latwgs84",
    "wgs84lat",
    "coordlat",
    "geolat",
    "latitud",
    "ycoordwgs84",
    "stoplat",
)
_LONGITUDE = (
    "lon", "lng", "long", "longitude", "longitudine", "lonwgs84", "longwgs84", "wgs84lon", "coordlon", "coordlong",
    "geolon", "geolong", "geolng", "xcoordwgs84", "stoplon",
)  # fmt: skip
_X = ("x", "coordx", "xcoord", "coordxcomune", "coordinatax", "est", "easting", "xutm", "utmx", "gbx", "xgb", "pointx")
_Y = (
    "y",
    "coordy",
    "ycoord",
    "coordycomune",
    "coordinatay",
    "nord",
    "northing",
    "yutm",
    "utmy",
    "gby",
    "ygb",
    "pointy",
)
_WKT = ("wkt", "geom", "geometry", "thegeom", "geometria", "shape", "geomwkt", "wktgeom")
_WKT_START = re.compile(r"^\s*(SRID=\d+;)?\s*(MULTI)?(POINT|LINESTRING|POLYGON|GEOMETRYCOLLECTION)", re.IGNORECASE)


def find_coordinates(header: list[str], sample: list[list[str]]) -> Coordinates:
    """The coordinate columns of a table. Raises ImportRefused naming the columns there are."""
    names = [_plain(name) for name in header]
    for lons, lats, degrees in ((_LONGITUDE, _LATITUDE, True), (_X, _Y, False)):
        x, y = _first(names, lons), _first(names, lats)
        if x is not None and y is not None:
            return PointColumns(x, y, degrees, (header[x], header[y]))
    wkt = _first(names, _WKT)
    if wkt is not None and any(_WKT_START.match(row[wkt]) for row in sample):
        return WktColumn(wkt, header[wkt])
    raise ImportRefused(
        _("Nessuna colonna di coordinate (latitudine/longitudine, x/y o WKT). Colonne: %(names)s.")
        % {"names": ", ".join(header)[:300]}
    )


def _plain(name: str) -> str:
    text = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]", "", text)


def _first(names: list[str], wanted: tuple[str, ...]) -> int | None:
    return next((names.index(name) for name in wanted if name in names), None)


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
    _swapped: bool = field(default=False, init=False)
    _missing: int = field(default=0, init=False)
    _zero: int = field(default=0, init=False)

    def geometries(self, rows: list[list[str]]) -> np.ndarray[Any, Any]:
        x, y = self._numbers(rows)
        geometries: np.ndarray[Any, Any] = np.asarray(shapely.points(x, y), dtype=object)
        geometries[~(np.isfinite(x) & np.isfinite(y))] = None
        return geometries

    def _numbers(self, rows: list[list[str]]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        x = np.array([_number(row[self.x]) for row in rows])
        y = np.array([_number(row[self.y]) for row in rows])
        # 0,0 is what programs write where they know nothing (a national plague, see the address archive).
        nowhere = (x == 0) & (y == 0)
        x[nowhere] = y[nowhere] = np.nan
        if self.degrees and self._swapped:
            x, y = y, x
        if self.degrees and self._in_degrees:
            wild = (np.abs(x) > 180) | (np.abs(y) > 90)
            x[wild] = y[wild] = np.nan
        return x, y

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
        if self.degrees and in_range.mean() >= 0.5:
            self._settle_degrees(x, y, in_range)
            return
        self.bounds = (float(x.min()), float(y.min()), float(x.max()), float(y.max()))

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
        self.crs = declared("EPSG:4326", _("colonne di latitudine e longitudine"))


@dataclass(slots=True)
class WktColumn(Coordinates):
    """One column of well-known text."""

    column: int
    title: str

    def geometries(self, rows: list[list[str]]) -> np.ndarray[Any, Any]:
        texts = np.array([re.sub(r"^\s*SRID=\d+;", "", row[self.column]).strip() or None for row in rows], dtype=object)
        geometries: np.ndarray[Any, Any] = shapely.from_wkt(texts, on_invalid="ignore")
        return geometries

    def settle(self) -> None:
        self.notes.append(_("geometria dalla colonna WKT %(title)s") % {"title": self.title})


@dataclass(slots=True)
class NoPlaces(Coordinates):
    """A table whose rows are taken without places."""

    def geometries(self, rows: list[list[str]]) -> np.ndarray[Any, Any]:
        return np.full(len(rows), None, dtype=object)


def _number(cell: str) -> float:
    text = cell.strip()
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return float(text.replace(",", ".", 1)) if text.count(",") == 1 and "." not in text else float("nan")
    except ValueError:
        return float("nan")
