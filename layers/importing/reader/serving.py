"""What a reader answers, one request after the other, about the one file it was started for."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any, cast

from django.utils import translation
from django.utils.translation import gettext as _

from layers.importing.beside import parts_of
from layers.importing.contents import contents_of, openers_of
from layers.importing.detect import DRIVERS, HELPER_DRIVERS, RASTER_DRIVERS, detect
from layers.importing.errors import ImportRefused
from layers.importing.filtering import FilteredSource
from layers.importing.geometry import NeedsMulti
from layers.importing.opening import Opener
from layers.importing.reader import gdal_drivers, landlock, wire
from layers.importing.reading import Reading
from layers.importing.sources import VectorSource


def preload() -> None:
    """Load what every reader needs but GDAL, whose drivers each chooses for itself."""
    import pyarrow.parquet  # noqa: F401
    import pyproj  # noqa: F401
    import shapely  # noqa: F401


def serve(link: socket.socket, language: str, drivers: dict[str, list[str]], missing: list[str]) -> None:
    """Answer until the other side closes the socket."""
    translation.activate(language)
    desk = Desk(drivers, missing)
    while True:
        try:
            request = wire.receive_json(link)
        except wire.ReaderGone:
            return
        _answer(link, desk, request)


def _answer(link: socket.socket, desk: Desk, request: dict[str, Any]) -> None:
    command = request.pop("command")
    try:
        if command == "rows":
            for data, rows in desk.reading(request["layer"]).rows():
                wire.send_data(link, data, rows)
            wire.send_json(link, {"answer": desk.reading(request["layer"]).done()})
            return
        answer = getattr(desk, f"on_{command}")(**request)
    except NeedsMulti:
        wire.send_json(link, {"needs": desk.reading(request["layer"]).target})
    except ImportRefused as error:
        wire.send_json(link, {"refused": str(error)})
    except MemoryError:
        wire.send_json(link, {"refused": _("Leggerlo chiede più memoria di quella ammessa.")})
    else:
        wire.send_json(link, {"answer": answer})


class Desk:
    """The file and what is known of it so far."""

    def __init__(self, drivers: dict[str, list[str]], missing: list[str]) -> None:
        self._drivers = drivers
        self._missing = missing
        self._openers: list[Opener] = []
        self._readings: dict[int, Reading] = {}

    def reading(self, layer: int) -> Reading:
        """A layer that was inspected before."""
        return self._readings[layer]

    def on_open(self, path: str, stem: str, folder: str) -> dict[str, Any]:
        """Recognise the file, choose the drivers, list its layers."""
        self._path, self._folder = Path(path), Path(folder)
        self._parts = parts_of(self._path)
        if not landlock.confine([*_needed(self._path), *self._parts], [self._folder]):
            self._missing.append("file access")
        os.environ["CPL_TMPDIR"] = folder
        self._kind = kind = detect(self._path)
        found = contents_of(self._path, kind, stem, self._folder)
        kinds = dict.fromkeys(one.kind for one in found.members)
        drivers = [name for one in kinds for name in (*DRIVERS.get(one, ()), *HELPER_DRIVERS.get(one, ()))]
        gdal_drivers.keep_only(drivers, self._drivers)
        if found.raster:
            self._kind, self._path = found.raster.kind, found.raster.path
            if found.raster.is_copy:
                self._parts = parts_of(self._path)
        else:
            self._openers = openers_of(found, self._folder)
        return {
            "format": kind.value,
            "is_raster": found.raster is not None,
            "notes": found.notes,
            "layers": [
                {
                    "name": one.layer,
                    "title": one.title,
                    "may_be_table": one.open_table is not None,
                    "is_extra": one.is_extra,
                }
                for one in self._openers
            ],
            "not_isolated": self._missing,
        }

    def on_inspect(
        self,
        layer: int,
        srid: int | None,
        encoding: str,
        known_srids: list[int],
        swap: bool = False,
        where: dict[str, str] | None = None,
        is_table: bool = False,
    ) -> dict[str, Any]:
        """Look at one layer, as far as its rows can be written afterwards."""
        opener = self._openers[layer]
        source = opener.open_table(encoding) if is_table and opener.open_table else opener.open(srid, encoding)
        if is_table and not source.is_table:
            raise ImportRefused(_("Senza posizione si importano solo CSV, fogli di calcolo e tabelle senza geometria."))
        if where:
            source = cast(VectorSource, FilteredSource(source, where))
        self._readings[layer] = Reading(source, frozenset(known_srids), swap=swap)
        return self._readings[layer].facts()

    def on_review(
        self,
        layer: int,
        srid: int | None,
        encoding: str,
        known_srids: list[int],
        swap: bool = False,
        where: dict[str, str] | None = None,
        is_table: bool = False,
    ) -> dict[str, Any]:
        """Look at one layer as a person wants to see it before it goes in."""
        from layers.importing.review import review

        self.on_inspect(layer, srid, encoding, known_srids, swap, where, is_table)
        return review(self._readings[layer])

    def on_raster_review(self, srid: int | None) -> dict[str, Any]:
        """What the raster says of itself."""
        from layers.importing import raster

        return raster.review(self._path, RASTER_DRIVERS[self._kind], self._parts, self._folder, srid)

    def on_raster(self, srid: int | None) -> dict[str, Any]:
        """Write the raster as a COG into the folder."""
        from layers.importing import raster

        target = self._folder / wire.RASTER_MADE
        return raster.convert(self._path, RASTER_DRIVERS[self._kind], self._parts, target, srid)


def _needed(path: Path) -> list[Path]:
    """What may be read of the disk: the file, and the other parts of a shapefile."""
    if path.suffix.lower() != ".shp":
        return [path]
    stem = path.stem.lower()
    return [part for part in path.parent.iterdir() if part.name.lower().split(".")[0] == stem.split(".")[0]]
