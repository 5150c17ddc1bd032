"""The sample devices: access points at the named places of Cremona's public Wi-Fi, and totems that are examples.

Places, coordinates (WGS84) and how well each is known come from public sources: press articles of 2013 name the sites,
the coordinates are from public time tables and maps, checked by distances, or approximate. Sites whose position is not
known are left out. No public source tells of an interactive totem installed outdoors: all totems are examples.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

SOURCED, CHECKED, APPROXIMATE = "sourced", "distance-checked", "approximate"
OPERATOR = "Gestore di esempio"
_M_PER_DEGREE = 111_320.0
_APART_M = 35.0
"""The second and third access point of a place stand this far from the first, so that each mark can be seen."""


@dataclass(frozen=True, slots=True)
class Place:
    """A named place: position, how well it is known, and what stands there in the sample."""

    name: str
    lat: float
    lon: float
    quality: str
    area: str
    access_points: int
    is_outdoor: bool = True
    has_totem: bool = False


@dataclass(frozen=True, slots=True)
class SampleDevice:
    """One device of the sample, ready for the inventory."""

    devid: str
    kind: str
    name: str
    place: Place
    lat: float
    lon: float
    quality: str
    cabinet: str
    feeder: str
    notes: str


PLACES = (
    Place("Piazza del Comune", 45.1334, 10.0246, SOURCED, "Centro", 3, has_totem=True),
    Place("Stazione FS", 45.14304, 10.01795, SOURCED, "Stazione", 3, has_totem=True),
    Place("Stadio Zini", 45.1403, 10.0347, SOURCED, "Nord-est", 3, has_totem=True),
    Place("Palazzo Comunale, Sala Consiliare", 45.1336, 10.0244, CHECKED, "Centro", 1, is_outdoor=False),
    Place("Piazza Marconi, Museo del Violino", 45.1310, 10.0247, CHECKED, "Centro", 2, has_totem=True),
    Place("Giardini di Piazza Roma", 45.1354, 10.0234, CHECKED, "Centro", 3, has_totem=True),
    Place(
        "Museo Civico Ala Ponzone e Biblioteca Statale",
        45.1384,
        10.0278,
        CHECKED,
        "Nord-est",
        2,
        is_outdoor=False,
        has_totem=True,
    ),
    Place("Palazzo Cittanova", 45.1385, 10.0176, CHECKED, "Stazione", 1, is_outdoor=False),
    Place("Corso Vittorio Emanuele II, Teatro Ponchielli", 45.1325, 10.0189, CHECKED, "Centro", 1),
    Place("Piazza Stradivari, SpazioComune", 45.1333, 10.0234, APPROXIMATE, "Centro", 3, has_totem=True),
    Place("Piazza della Pace", 45.1341, 10.0238, APPROXIMATE, "Centro", 1),
    Place("Largo Boccaccino", 45.1341, 10.0262, APPROXIMATE, "Centro", 1),
    Place("Piazza della Libertà", 45.1392, 10.0320, APPROXIMATE, "Nord-est", 2, has_totem=True),
    Place("Autostazione, ex Tramvie", 45.1418, 10.0203, APPROXIMATE, "Stazione", 2, has_totem=True),
    Place("Informagiovani, via Palestro", 45.1380, 10.0206, APPROXIMATE, "Stazione", 1),
    Place("Via Palestro, corso Garibaldi, corso Campi", 45.1362, 10.0215, APPROXIMATE, "Centro", 2),
    Place("Corso Campi, angolo Anguissola", 45.1351, 10.0221, APPROXIMATE, "Centro", 1, has_totem=True),
    Place("Corso Matteotti, Santa Barbara", 45.1377, 10.0288, APPROXIMATE, "Nord-est", 1),
    Place("Foro Boario", 45.1388, 10.0390, APPROXIMATE, "Nord-est", 1, has_totem=True),
    Place("Tribunale", 45.1352, 10.0286, APPROXIMATE, "Nord-est", 1, is_outdoor=False),
    Place("Parco al Po", 45.1265, 10.0000, APPROXIMATE, "Po", 2, has_totem=True),
    Place("Piazzale Atleti Azzurri d'Italia", 45.1275, 10.0085, APPROXIMATE, "Po", 2),
    Place("Parco Tognazzi", 45.1290, 10.0065, APPROXIMATE, "Po", 1),
)


def sample_devices() -> Iterator[SampleDevice]:
    """40 access points and 12 totems, always the same."""
    for number, place in enumerate(PLACES):
        for index in range(place.access_points):
            yield _access_point(number, place, index)
        if place.has_totem:
            yield _totem(number, place)


def _access_point(number: int, place: Place, index: int) -> SampleDevice:
    lat, lon = _moved(place, index)
    name = place.name if place.access_points == 1 else f"{place.name} {index + 1}"
    return SampleDevice(
        devid=f"ap-{_slug(place.name)}-{index + 1}",
        kind="ap",
        name=name,
        place=place,
        lat=lat,
        lon=lon,
        quality=place.quality if index == 0 else APPROXIMATE,
        cabinet=_cabinet(number, place),
        feeder=_feeder(number, place),
        notes="Dati di esempio. Luogo della rete Wi-Fi pubblica; numero e posizione degli apparati non sono reali.",
    )


def _totem(number: int, place: Place) -> SampleDevice:
    lat, lon = _moved(place, 5)
    return SampleDevice(
        devid=f"totem-{_slug(place.name)}",
        kind="totem",
        name=f"Totem di esempio, {place.name}",
        place=place,
        lat=lat,
        lon=lon,
        quality=APPROXIMATE,
        cabinet=_cabinet(number, place),
        feeder=_feeder(number, place),
        notes="Esempio: nessuna fonte pubblica descrive un totem interattivo in questo luogo.",
    )


def _moved(place: Place, index: int) -> tuple[float, float]:
    """The place itself for the first device, a point beside it for each further one."""
    if index == 0:
        return place.lat, place.lon
    angle = math.radians(75.0 * index)
    lat = place.lat + _APART_M * math.sin(angle) / _M_PER_DEGREE
    lon = place.lon + _APART_M * math.cos(angle) / (_M_PER_DEGREE * math.cos(math.radians(place.lat)))
    return round(lat, 6), round(lon, 6)


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.split(",")[0].replace("'", "-")).encode("ascii", "ignore").decode()
    return re.sub("[^a-z0-9]+", "-", plain.lower())[:24].strip("-")


def _cabinet(number: int, place: Place) -> str:
    """Places of one area share a cabinet by threes, as neighbours in the list are neighbours in town."""
    same = [one for one in PLACES[: number + 1] if one.area == place.area]
    return f"Armadio {place.area} {(len(same) - 1) // 3 + 1}"


def _feeder(number: int, place: Place) -> str:
    """Two cabinets of an area hang on one power line."""
    same = [one for one in PLACES[: number + 1] if one.area == place.area]
    return f"Linea {place.area} {(len(same) - 1) // 6 + 1}"
