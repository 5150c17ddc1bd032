"""Which columns of a table are its coordinates, by the names Italian and English offices give them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from layers.importing.coordinate_texts import is_geometry_text, number_of, pair_of
from layers.importing.coordinates import Coordinates, GeometryTexts, PairColumn, PointColumns
from layers.importing.errors import ImportRefused

_AROUND = (
    r"(?:coordinat[aei]|coord|wgs(?:84)?|etrf?s?(?:89|2000)?|rdn(?:2008)?|epsg|utm(?:3[23]n?)?|gps|gauss|boaga|gb|geo|gradi|degrees?|deg|"
    r"dd|decimal[ei]?|dec|metri|stop|point|punto|centroid[eo]?|centro|center|comune|pos|\d{4,5}|m)"
)
"""What stands around the word that matters: systems, units, what is placed."""
_PAIRS = (
    (r"long?itud(?:ine|e)?|longit|long|lont|lng|lon", r"latitud(?:ine|e)?|latit|lat", "xeo", "yn", True),
    (r"easting|east|est|x", r"northing|north|nord|y", "", "", False),
    (r"e", r"n", "", "", False),
)
"""East word, north word, letters that may stand beside them (`Latitudine N`, `x_lon`), whether they mean degrees."""
_SHAPES = ("wkt", "geom", "geometry", "thegeom", "geometria", "shape", "geomwkt", "wktgeom")
_PAIR_NAMES = re.compile(
    r"^(geo)?(coordinat[aei]|coords?|posizione|position|latlon|latlong|latlng|lonlat|location|punto|point|gps|"
    r"localizzazione|point2d|ubicazione)\w{0,8}$"
)
_MOSTLY = 0.8
_LONGEST = 48
"""Letters of a name that may be a coordinate's, such as "coordinatalatitudinegradidecimaliwgs84epsg4326".

A name of a hundred digits can be parted into codes of four and five in more ways than there is time to try.
"""


def find_coordinates(header: list[str], sample: list[list[str]]) -> Coordinates:
    """The coordinate columns of a table. Raises ImportRefused naming the columns there are."""
    names = [_plain(name) for name in header]
    pairs = list(_point_columns(header, names))
    filled = next((pair for pair in pairs if _has_numbers(pair, sample)), None)
    found = (
        filled
        or _shape_column(header, names, sample)
        or _pair_column(header, names, sample)
        or next((pair for pair in pairs if len(_plain(pair.titles[0])) > 1 or pair.titles[0].lower() == "x"), None)
    )
    if found is None:
        raise ImportRefused(
            _("Nessuna colonna di coordinate (latitudine/longitudine, x/y o WKT). Colonne: %(names)s.")
            % {"names": ", ".join(header)[:300]}
        )
    return found


def _plain(name: str) -> str:
    text = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]", "", text)


@dataclass(frozen=True, slots=True)
class _Candidate:
    place: int
    rest: str
    """What stands around the word, without its order: the same for both columns of a pair."""


def _point_columns(header: list[str], names: list[str]) -> Iterator[PointColumns]:
    """Pairs of columns by their names, the likeliest first."""
    for east, north, beside_east, beside_north, degrees in _PAIRS:
        xs, ys = _candidates(names, east, beside_east), _candidates(names, north, beside_north)
        both = [(x, y) for x in xs for y in ys]
        for x, y in sorted(both, key=lambda pair: (pair[0].rest != pair[1].rest, len(pair[0].rest + pair[1].rest))):
            # RDN2008, ETRF2000, WGS1984: a year is no code.
            code = re.search(r"(?!19|20)\d{4,5}|(?:19|20)\d{3}", x.rest) if x.rest == y.rest else None
            yield PointColumns(
                x.place,
                y.place,
                degrees,
                (header[x.place], header[y.place]),
                srid_in_name=int(code.group()) if code and not degrees else None,
            )


def _candidates(names: list[str], word: str, beside: str) -> list[_Candidate]:
    around = rf"(?:{_AROUND}|[{beside}])" if beside else _AROUND
    pattern = re.compile(rf"^({around}*)(?:{word})({around}*)$")
    found = ((place, pattern.match(name)) for place, name in enumerate(names) if len(name) <= _LONGEST)
    return [_Candidate(place, "".join(sorted(match.groups()))) for place, match in found if match]


def _has_numbers(pair: PointColumns, sample: list[list[str]]) -> bool:
    numbers = sum(
        number_of(row[pair.x]) == number_of(row[pair.x]) and number_of(row[pair.y]) == number_of(row[pair.y])
        for row in sample
    )
    return numbers > 0 and (numbers >= len(sample) / 2 or len(_plain(pair.titles[0])) > 1)


def _shape_column(header: list[str], names: list[str], sample: list[list[str]]) -> GeometryTexts | None:
    known = [place for name in _SHAPES for place, found in enumerate(names) if found == name]
    for place in [*known, *range(len(header))]:
        share = _share(sample, place, is_geometry_text)
        if share >= _MOSTLY or (share and place in known):
            return GeometryTexts(place, header[place])
    return None


def _pair_column(header: list[str], names: list[str], sample: list[list[str]]) -> PairColumn | None:
    for place, name in enumerate(names):
        if _PAIR_NAMES.match(name) and _share(sample, place, lambda cell: pair_of(cell) is not None) >= _MOSTLY:
            return PairColumn(place, place, True, (header[place], header[place]))
    return None


def _share(sample: list[list[str]], place: int, fits: Callable[[str], bool]) -> float:
    cells = [row[place] for row in sample if row[place].strip()]
    return sum(map(fits, cells)) / len(cells) if cells else 0.0
