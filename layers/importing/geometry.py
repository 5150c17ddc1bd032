"""Shapes made storable, a batch at a time: repaired, promoted, transformed, and every such change counted.

Input and output are WKB; nothing here loops over features in Python except over those that need repair.
"""

from __future__ import annotations

import binascii
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from django.utils.translation import gettext as _
from pyproj import Transformer

from layers.importing.errors import ImportRefused

_NAMES = {1: "POINT", 2: "LINESTRING", 3: "POLYGON", 4: "MULTIPOINT", 5: "MULTILINESTRING", 6: "MULTIPOLYGON"}
MULTI_OF = {"POINT": "MULTIPOINT", "LINESTRING": "MULTILINESTRING", "POLYGON": "MULTIPOLYGON"}
_LINEAR_OF = {8: 2, 9: 2, 10: 3, 11: 5, 12: 6}
"""CircularString, CompoundCurve, CurvePolygon, MultiCurve, MultiSurface, and what they become."""
_OTHER_NAMES = {
    7: "GEOMETRYCOLLECTION", 8: "CIRCULARSTRING", 9: "COMPOUNDCURVE", 10: "CURVEPOLYGON", 11: "MULTICURVE",
    12: "MULTISURFACE", 15: "POLYHEDRALSURFACE", 16: "TIN", 17: "TRIANGLE",
}  # fmt: skip
_CURVES = frozenset(_LINEAR_OF)
_AREAL = ("POLYGON", "MULTIPOLYGON")


LISTED_MOST = 20_000
"""Repairs that are told one by one; past it only their number."""


class NeedsMulti(Exception):
    """Repairing made a multi geometry where single ones were planned: load again with the multi type."""


@dataclass(slots=True)
class Shapes:
    """What the WKB headers of a layer say: counts by type, dimensions."""

    types: Counter[int] = field(default_factory=Counter)
    has_z: bool = False
    has_m: bool = False
    nulls: int = 0

    @property
    def curves(self) -> int:
        """Features with arcs or curved surfaces."""
        return sum(count for code, count in self.types.items() if code in _CURVES)

    def names(self) -> dict[str, int]:
        """Features of each type, by its name."""
        return {_NAMES.get(code, _OTHER_NAMES.get(code, str(code))): count for code, count in self.types.items()}

    @property
    def has_curves(self) -> bool:
        return bool(self.curves)

    def add(self, wkb: pa.Array) -> None:
        """Look at the type word of each WKB, both ISO and EWKB, without decoding any."""
        self.nulls += wkb.null_count
        codes = _type_words(wkb)
        flags = codes & 0xF0000000
        plain = codes & 0x0FFFFFFF
        thousands = plain // 1000
        self.has_z |= bool(np.any(flags & 0x80000000) or np.any((thousands == 1) | (thousands == 3)))
        self.has_m |= bool(np.any(flags & 0x40000000) or np.any(thousands >= 2))
        values, counts = np.unique(plain % 1000, return_counts=True)
        for value, count in zip(values.tolist(), counts.tolist(), strict=True):
            self.types[int(value)] += int(count)

    def target(self) -> str:
        """The PostGIS type that holds them all. Raises ImportRefused where there is nothing to hold."""
        if not self.types:
            raise ImportRefused(_("Nessun elemento ha una geometria."))
        names = {_NAMES.get(_LINEAR_OF.get(code, code), "GEOMETRY") for code in self.types}
        if len(names) == 1:
            return names.pop()
        multi = {MULTI_OF.get(name, name) for name in names}
        return multi.pop() if len(multi) == 1 else "GEOMETRY"


def _type_words(wkb: pa.Array) -> np.ndarray[Any, np.dtype[np.uint32]]:
    solid = wkb.drop_null() if wkb.null_count else wkb
    if len(solid) == 0:
        return np.zeros(0, dtype=np.uint32)
    data, offsets = _buffers(solid)
    starts = offsets[:-1]
    little = data[starts] == 1
    words = np.stack([data[starts + 1 + place] for place in range(4)]).astype(np.uint32)
    as_little = words[0] | words[1] << 8 | words[2] << 16 | words[3] << 24
    as_big = words[3] | words[2] << 8 | words[1] << 16 | words[0] << 24
    result: np.ndarray[Any, np.dtype[np.uint32]] = np.where(little, as_little, as_big).astype(np.uint32)
    return result


def _buffers(array: pa.Array) -> tuple[np.ndarray[Any, np.dtype[np.uint8]], np.ndarray[Any, Any]]:
    """Bytes and offsets of a binary array, slices respected."""
    wide = pa.types.is_large_binary(array.type)
    _validity, offsets, data = array.buffers()
    kind = np.int64 if wide else np.int32
    all_offsets = np.frombuffer(offsets, dtype=kind)[array.offset : array.offset + len(array) + 1]
    return np.frombuffer(data or b"", dtype=np.uint8), all_offsets.astype(np.int64)


@dataclass(slots=True)
class GeometryCounts:
    """What was done to the shapes of a layer."""

    nulls: int = 0
    empty: int = 0
    repaired: int = 0
    closed: int = 0
    promoted: int = 0
    unusable: int = 0
    rows: int = 0
    """How many have gone by."""
    listed: list[tuple[int, str]] = field(default_factory=list)
    """Place in the file (1: the first feature) and what was done: `repaired`, `closed` or `unusable`."""

    def tell(self, places: np.ndarray[Any, Any], what: str) -> None:
        """Note what was done to features of the batch under way, as far as the list goes."""
        room = LISTED_MOST - len(self.listed)
        self.listed += [(self.rows + int(place) + 1, what) for place in places[: max(0, room)]]


@dataclass(slots=True)
class GeometryPlan:
    """How to make each shape of a layer storable."""

    target: str
    has_z: bool
    drop_m: bool
    transformer: Transformer | None
    swap: bool = False
    """Northing comes before easting."""
    counts: GeometryCounts = field(default_factory=GeometryCounts)

    def hex_wkb(self, wkb: pa.Array) -> pa.Array:
        """Hexadecimal WKB (or null) for each row, ready for a geometry column of the target type."""
        if self._passes_as_it_is():
            self.counts.nulls += wkb.null_count
            self.counts.rows += len(wkb)
            return _hex(wkb)
        touched = self._touched
        geometries = self._decode(wkb)
        self._repair(geometries)
        self._promote(geometries)
        if self._keeps_coordinates and self._touched == touched:
            self.counts.nulls += wkb.null_count
            self.counts.rows += len(wkb)
            return _hex(wkb)
        if self.transformer is not None:
            self._transform(geometries, self.transformer)
        self.counts.nulls += int(np.count_nonzero(shapely.is_missing(geometries)))
        self.counts.rows += len(geometries)
        encoded = shapely.to_wkb(geometries, output_dimension=3 if self.has_z else 2, flavor="iso")
        return _hex(pa.array(encoded, type=pa.large_binary(), from_pandas=True))

    @property
    def _keeps_coordinates(self) -> bool:
        """Whether valid shapes go from the file to the table as bytes."""
        return self.transformer is None and not (self.drop_m or self.has_z or self.swap)

    @property
    def _touched(self) -> int:
        counts = self.counts
        return counts.closed + counts.unusable + counts.repaired + counts.promoted

    def _passes_as_it_is(self) -> bool:
        # A point is always valid, and nothing makes it a multiple one.
        return self.target == "POINT" and self._keeps_coordinates

    def _decode(self, wkb: pa.Array) -> np.ndarray[Any, Any]:
        raw = np.asarray(wkb.to_pylist(), dtype=object)
        geometries: np.ndarray[Any, Any] = shapely.from_wkb(raw, on_invalid="ignore")
        broken = shapely.is_missing(geometries) & np.asarray(wkb.is_valid())
        if broken.any():
            fixed = shapely.from_wkb(raw[broken], on_invalid="fix")
            geometries[broken] = fixed
            gone = shapely.is_missing(fixed)
            lost = int(np.count_nonzero(gone))
            self.counts.tell(np.flatnonzero(broken)[gone], "unusable")
            self.counts.tell(np.flatnonzero(broken)[~gone], "closed")
            self.counts.unusable += lost
            self.counts.closed += len(fixed) - lost
        if self.drop_m:
            geometries = shapely.force_3d(geometries) if self.has_z else shapely.force_2d(geometries)
        elif self.has_z:
            geometries = shapely.force_3d(geometries)
        if self.swap:
            geometries = shapely.transform(
                geometries, lambda points: points[:, [1, 0, *range(2, points.shape[1])]], include_z=self.has_z
            )
        self.counts.empty += int(np.count_nonzero(shapely.is_empty(geometries)))
        return geometries

    def _repair(self, geometries: np.ndarray[Any, Any]) -> None:
        if self.target in ("POINT", "MULTIPOINT"):
            return
        invalid = ~shapely.is_valid(geometries) & ~shapely.is_missing(geometries)
        if not invalid.any():
            return
        # The algorithm behind ST_MakeValid(…, 'method=structure keepcollapsed=false'): areas stay areas.
        mended = shapely.make_valid(geometries[invalid], method="structure", keep_collapsed=False)
        hopeless = shapely.is_empty(mended) | ~shapely.is_valid(mended)
        mended[hopeless] = None
        self.counts.tell(np.flatnonzero(invalid)[hopeless], "unusable")
        self.counts.tell(np.flatnonzero(invalid)[~hopeless], "repaired")
        geometries[invalid] = mended
        self.counts.unusable += int(np.count_nonzero(hopeless))
        self.counts.repaired += int(np.count_nonzero(~hopeless))

    def _promote(self, geometries: np.ndarray[Any, Any]) -> None:
        kinds = shapely.get_type_id(geometries)
        if self.target in ("LINESTRING", "POLYGON"):
            if np.any(kinds > 3):
                raise NeedsMulti
            return
        for single, multi, make in (
            (0, "MULTIPOINT", shapely.multipoints),
            (1, "MULTILINESTRING", shapely.multilinestrings),
            (3, "MULTIPOLYGON", shapely.multipolygons),
        ):
            if self.target == multi and (alone := kinds == single).any():
                parts = geometries[alone]
                geometries[alone] = make(parts, indices=np.arange(len(parts)))
                self.counts.promoted += int(np.count_nonzero(alone))

    def _transform(self, geometries: np.ndarray[Any, Any], transformer: Transformer) -> None:
        coordinates, owners = shapely.get_coordinates(geometries, include_z=self.has_z, return_index=True)
        x, y = transformer.transform(coordinates[:, 0], coordinates[:, 1])
        lost = np.unique(owners[~(np.isfinite(x) & np.isfinite(y))])
        coordinates[:, 0], coordinates[:, 1] = (
            np.nan_to_num(x, posinf=0, neginf=0),
            np.nan_to_num(y, posinf=0, neginf=0),
        )
        shapely.set_coordinates(geometries, coordinates)
        geometries[lost] = None
        self.counts.tell(lost, "unusable")
        self.counts.unusable += len(lost)


def _hex(wkb: pa.Array) -> pa.Array:
    """The hexadecimal text of each value: one pass over the bytes of the whole batch."""
    if isinstance(wkb, pa.ChunkedArray):
        wkb = wkb.combine_chunks()
    data, offsets = _buffers(wkb)
    first, last = int(offsets[0]), int(offsets[-1])
    text = binascii.hexlify(data[first:last])
    moved = ((offsets - first) * 2).astype(np.int64)
    validity = pc.is_valid(wkb).buffers()[1] if wkb.null_count else None
    return pa.Array.from_buffers(
        pa.large_string(), len(wkb), [validity, pa.py_buffer(moved.tobytes()), pa.py_buffer(text)], wkb.null_count
    )
