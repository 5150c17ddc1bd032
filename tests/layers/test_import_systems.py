"""Systems as the programs of offices describe them: which they are, how sure that is, and the way into the store."""

import pytest
from pyproj import CRS, Transformer

from layers.importing.crs import Bounds, StoragePlan, checked, chosen, declared, storage_plan

_HAYFORD = 'SPHEROID["International_1924",6378388.0,297.0]'
_GRS = 'SPHEROID["GRS_1980",6378137.0,298.257222101]'
_CREMONA: Bounds = (1_577_000, 4_993_000, 1_585_000, 5_001_000)
"""In Monte Mario / Italy zone 1."""


def prj(
    datum: str,
    spheroid: str = _HAYFORD,
    *,
    east: float = 1_500_000.0,
    meridian: float = 9.0,
    prime: str = '"Greenwich",0.0',
    shift: str = "",
    projection: str = "Transverse_Mercator",
) -> str:
    """A .prj as ESRI's programs, AutoCAD and QGIS write it."""
    return (
        f'PROJCS["Carta",GEOGCS["Geo",DATUM["{datum}",{spheroid}{shift}],PRIMEM[{prime}],'
        f'UNIT["Degree",0.0174532925199433]],PROJECTION["{projection}"],PARAMETER["False_Easting",{east}],'
        f'PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",{meridian}],PARAMETER["Scale_Factor",0.9996],'
        'PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]'
    )


def way(text: str, bounds: Bounds = _CREMONA) -> StoragePlan:
    return storage_plan(declared(text, "dal file"), bounds, frozenset())


@pytest.mark.parametrize(
    ("text", "srid", "is_guess"),
    [
        (prj("D_Monte_Mario"), 3003, False),
        (prj("D_Monte_Mario", prime='"Rome",12.45233333333333', meridian=-3.45233333333333), 3003, False),
        ("EPSG:26591", 3003, False),
        (prj("D_User_Defined", projection="Gauss_Kruger"), 3003, True),
        (prj("D_Unknown", shift=",TOWGS84[0,0,0,0,0,0,0]"), 3003, True),
        ("+proj=tmerc +lat_0=0 +lon_0=9 +k=0.9996 +x_0=1500000 +y_0=0 +ellps=intl +units=m", 3003, True),
        (prj("unknown", east=2_520_000.0, meridian=15.0), 3004, True),
        (prj("unknown", east=500_000.0), 23032, True),
        (prj("D_ETRF2000", _GRS, east=500_000.0), 25832, False),
    ],
)
def test_a_described_system_is_known_by_its_numbers(text: str, srid: int, is_guess: bool) -> None:
    found = declared(text, "dal file")
    assert (found.srid, found.is_guess) == (srid, is_guess)
    plan = storage_plan(found, _CREMONA if srid in (3003, 3004) else None, frozenset())
    here = (1_580_000.0, 4_998_000.0) if srid == 3003 else (580_000.0, 4_998_000.0)
    if srid in (3003, 23032):
        truth = Transformer.from_crs(srid, 32632, always_xy=True).transform(*here)
        assert plan.transformer is not None
        assert plan.transformer.transform(*here) == pytest.approx(truth, abs=5.0)
        assert "accuratezza" in plan.note


def test_the_shift_that_a_file_brings_is_taken() -> None:
    plan = way(prj("Roma_1940", shift=",TOWGS84[-104.1,-49.1,-9.9,0.971,-2.917,0.714,-11.68]"))
    truth = Transformer.from_crs(3003, 32632, always_xy=True).transform(1_580_000, 4_998_000)
    assert plan.transformer is not None
    assert plan.transformer.transform(1_580_000, 4_998_000) == pytest.approx(truth, abs=5.0)
    assert not plan.is_ballpark


def test_a_datum_from_which_no_way_is_known_is_told() -> None:
    local = prj("D_Genova", 'SPHEROID["Bessel_1841",6377397.155,299.1528128]', east=0.0, meridian=10.02)
    found = declared(local, "dal file")
    plan = storage_plan(found, (1_000, 4_990_000, 2_000, 4_991_000), frozenset())
    assert found.srid is None
    assert plan.is_ballpark
    assert "centinaio di metri" in plan.note


def test_the_best_way_for_the_place_is_named_with_its_accuracy() -> None:
    assert "Monte Mario to WGS 84 (4)" in way("EPSG:3003").note
    assert "accuratezza 4 m" in way("EPSG:3003").note


def test_degrees_under_the_name_of_a_projection() -> None:
    found = checked(declared("EPSG:32632", "dal file"), (9.9, 45.1, 10.1, 45.2))
    assert (found.srid, found.is_guess) == (4326, True)
    assert "gradi" in found.how
    assert checked(declared("EPSG:32632", "dal file"), (10, 20, 30, 5_000_000)).srid == 32632


def test_a_retired_code_that_somebody_chooses() -> None:
    assert chosen(26592).crs == CRS.from_epsg(3004)
