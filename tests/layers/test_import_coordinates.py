"""Tables as offices write them: where the coordinates stand, how their numbers are written, what is none."""

import math
from pathlib import Path

import numpy as np
import pytest
import shapely
from pyproj import Transformer

from layers.importing.coordinate_columns import find_coordinates
from layers.importing.coordinate_texts import is_geometry_text, number_of, pair_of
from layers.importing.errors import ImportRefused
from layers.importing.tabular import CsvSource

EAST, NORTH = Transformer.from_crs(4326, 32632, always_xy=True).transform(10.02, 45.13)


def read(tmp_path: Path, text: str | bytes, name: str = "dati.csv") -> CsvSource:
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return CsvSource(tmp_path / name, name="dati")


def first(source: CsvSource) -> tuple[float, float]:
    with source.batches() as batches:
        point = shapely.centroid(shapely.from_wkb(next(iter(batches)).wkb[0].as_py()))
    return point.x, point.y


def values(source: CsvSource, column: str) -> list[object]:
    with source.batches() as batches:
        return list(next(iter(batches)).attributes.column(column).to_pylist())


@pytest.mark.parametrize(
    ("lat", "lon"),
    [
        ("latitudine", "longitudine"), ("Lat.", "Long."), ("Latitudine N", "Longitudine E"), ("Y_lat", "X_lon"),
        ("latitude_deg", "longitude_deg"), ("wgs84_latitudine", "wgs84_longitudine"), ("geo_lat", "geo_lng"),
        ("y", "x"), ("y_wgs84", "x_wgs84"),
    ],
)  # fmt: skip
def test_names_of_degrees(tmp_path: Path, lat: str, lon: str) -> None:
    source = read(tmp_path, f"nome;{lat};{lon}\nCittà;45,13;10,02\n")
    assert (first(source), source.crs.srid) == ((10.02, 45.13), 4326)


@pytest.mark.parametrize(
    ("east", "north"),
    [
        ("E", "N"), ("UTM E", "UTM N"), ("Coord. Est", "Coord. Nord"), ("Est (m)", "Nord (m)"), ("GB_E", "GB_N"),
        ("Est (RDN2008)", "Nord (RDN2008)"),
        ("EST_32632", "NORD_32632"), ("x_centroid", "y_centroid"), ("POINT_X", "POINT_Y"), ("E_UTM32", "N_UTM32"),
    ],
)  # fmt: skip
def test_names_of_metres(tmp_path: Path, east: str, north: str) -> None:
    source = read(tmp_path, f"nome;{east};{north}\nCittà;{EAST:.3f};{NORTH:.3f}\n")
    assert first(source) == pytest.approx((EAST, NORTH), abs=0.001)
    assert source.crs.srid == 32632


def test_the_code_in_the_names_is_the_system(tmp_path: Path) -> None:
    assert read(tmp_path, "X_25832;Y_25832\n580209,5;4997897,9\n").crs.name == "EPSG:25832"


def test_columns_called_e_and_n_that_hold_no_numbers_are_none(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="Nessuna colonna di coordinate"):
        read(tmp_path, "n;e\nuno;sì\ndue;no\n")


def test_the_columns_that_have_numbers_are_taken(tmp_path: Path) -> None:
    source = read(tmp_path, f"lat;lon;x;y\n;;{EAST};{NORTH}\n")
    assert first(source) == pytest.approx((EAST, NORTH))


@pytest.mark.parametrize(("x", "y"), [("45.13", "10.02"), (str(NORTH), str(EAST))])
def test_east_and_north_the_wrong_way_round(tmp_path: Path, x: str, y: str) -> None:
    source = read(tmp_path, f"x;y\n{x};{y}\n")
    assert first(source) == pytest.approx((10.02, 45.13) if x == "45.13" else (EAST, NORTH))
    assert any("scambiate" in note for note in source.notes)


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("45.13", 45.13), ("45,13", 45.13), ("4.998.123,50", 4998123.5), ("4,998,123.50", 4998123.5),
        ("4.998.123", 4998123.0), ("580 209,59", 580209.59), ("580'209.59", 580209.59), ("45.13°", 45.13),
        ("45.13 N", 45.13), ("10,02 W", -10.02), ("45°07'48.000\"N", 45.13), ("45° 7' 48'' N", 45.13),
        ("N 45°7′48″", 45.13), ("45° 7.8' N", 45.13), ("45 07 48", 45.13), ("'45.13'", 45.13), ("-0°30'", -0.5),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(cell: str, number: float) -> None:
    assert number_of(cell) == pytest.approx(number, abs=1e-9)


@pytest.mark.parametrize("cell", ["", "n.d.", "NULL", "1.2.3,4,5", "12.34.5", "45°99x", "via Roma 3", "--5"])
def test_what_is_no_number(cell: str) -> None:
    assert math.isnan(number_of(cell))


@pytest.mark.parametrize(
    "cell", ["45.13,10.02", "45.13, 10.02", "45,13 10,02", "(45.13, 10.02)", "45,13;10,02", "45.13 / 10.02"]
)
def test_two_numbers_in_one_cell(cell: str) -> None:
    assert pair_of(cell) == (45.13, 10.02)


@pytest.mark.parametrize(
    ("cell", "pair"),
    [("45.13 -10.02", (45.13, -10.02)), ("45.13 - 10.02", (45.13, 10.02)), ("45,13-10,02", (45.13, 10.02))],
)
def test_a_minus_between_two_numbers_is_a_sign_or_parts_them(cell: str, pair: tuple[float, float]) -> None:
    assert pair_of(cell) == pair


def test_cells_and_names_made_to_be_read_for_hours() -> None:
    spaces = " " * 50_000
    assert math.isnan(number_of(f"1{spaces}x"))
    assert pair_of(f"1{spaces}x") is None
    assert not is_geometry_text(f"{spaces}x")
    digits = "32632" * 100
    with pytest.raises(ImportRefused, match="Nessuna colonna di coordinate"):
        find_coordinates([f"lat{digits}q", f"lon{digits}q"], [["45.13", "10.02"]])


@pytest.mark.parametrize(
    "text",
    [
        'nome,geo_point_2d\nCittà,"45.13, 10.02"\n',
        "nome;coord\nCittà;45,13 10,02\nB;45,14 10,03\nC;45,15 10,04\n",
        "nome;posizione\nCittà;10.02 45.13\n",
    ],
)
def test_one_column_with_both(tmp_path: Path, text: str) -> None:
    assert first(read(tmp_path, text)) == (10.02, 45.13)


POINT = shapely.Point(EAST, NORTH)


@pytest.mark.parametrize(
    ("cell", "srid"),
    [
        (POINT.wkt, 32632), (f"SRID=25832;{POINT.wkt}", 25832), (shapely.to_wkb(POINT, hex=True), 32632),
        ("\\x" + shapely.to_wkb(POINT, hex=True), 32632), (shapely.to_geojson(POINT), 32632),
        (shapely.to_wkb(shapely.set_srid(POINT, 7791), hex=True, include_srid=True), 7791),
    ],
)  # fmt: skip
@pytest.mark.parametrize("title", ["geom", "dove sta"])
def test_shapes_in_a_column(tmp_path: Path, cell: str, srid: int, title: str) -> None:
    source = read(tmp_path, f"nome\t{title}\nCittà\t{cell}\n")
    assert source.crs.srid == srid
    assert first(source) == pytest.approx((EAST, NORTH))


def test_shapes_of_two_systems_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="sistemi diversi"):
        read(tmp_path, "a\tgeom\n1\tSRID=3003;POINT(1 2)\n2\tSRID=3004;POINT(1 2)\n")


def test_a_shape_that_cannot_be_read_is_counted(tmp_path: Path) -> None:
    source = read(tmp_path, "a;wkt\n1;POINT (10 45)\n2;POINT(\n3;\n")
    assert "1 geometrie non leggibili, righe tenute senza geometria" in source.notes


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("Elenco impianti;;\nAggiornato;;\nnome;lat;lon\nCittà;45.13;10.02\n", 1),
        ("nome;lat;lon\nCittà;45.13;10.02;\nB;45.14;10.03;\n", 2),
        ("nome;lat;lon;note\nCittà;45.13;10.02;x\nB;45.14;10.03\nC;45.14;10.03\n", 3),
        ("nome lat  lon\nCittà  45.13 10.02\n", 1),
    ],
)
def test_layouts(tmp_path: Path, text: str, rows: int) -> None:
    source = read(tmp_path, text, "dati.txt")
    assert (first(source), source.expected, source.rejected.count) == ((10.02, 45.13), rows, 0)


@pytest.mark.parametrize(
    ("cells", "read_as"),
    [
        (["1.234,50", "12,75"], [1234.5, 12.75]),
        (["69.589", "1.234"], ["69.589", "1.234"]),
        (["123456789012345678901234", "1"], ["123456789012345678901234", "1"]),
        (["12345678901234567,5", "1,5"], ["12345678901234567,5", "1,5"]),
    ],
)
def test_numbers_of_a_column_keep_every_digit(tmp_path: Path, cells: list[str], read_as: list[object]) -> None:
    source = read(tmp_path, "valore;lat;lon\n" + "".join(f"{cell};45.13;10.02\n" for cell in cells))
    assert values(source, "valore") == read_as


def test_nothing_under_the_header(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="non ci sono righe"):
        read(tmp_path, "nome;lat;lon\n")


def test_impossible_numbers_make_no_points(tmp_path: Path) -> None:
    source = read(tmp_path, f"x;y\n1e999;nan\n{EAST};{NORTH}\n")
    assert np.isfinite(source.bounds or (math.nan,)).all()
