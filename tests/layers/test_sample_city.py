"""The sample city is whole, plausible in numbers, the same for the same seed, and loaded once."""

from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import pytest
import shapely
from django.db import connection

from layers.catalogue import _load
from layers.models import Layer
from layers.sample.descriptions import DESCRIPTIONS
from layers.sample.files import write_city
from layers.sample.load import load_sample_city
from layers.sample.plan import EXTENT
from layers.styles.model import parse


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("city")
    write_city(folder)
    return folder


def shapes(city: Path, name: str) -> np.ndarray[Any, Any]:
    _meta, _fids, wkb, _fields = pyogrio.raw.read(str(city / f"{name}.gpkg"))
    return np.asarray(shapely.from_wkb(wkb))


def test_it_has_the_size_of_a_city_inside_the_municipality(city: Path) -> None:
    assert 18_000 < len(shapes(city, "edifici")) < 28_000
    assert 35_000 < len(shapes(city, "particelle_catastali")) < 45_000
    (outline,) = shapes(city, "confine_comunale")
    west, south, east, north = outline.bounds
    assert west >= EXTENT[0] - 1
    assert south >= EXTENT[1] - 1
    assert east <= EXTENT[2] + 1
    assert north <= EXTENT[3] + 1


def test_parcels_do_not_overlap_and_buildings_stand_on_one(city: Path) -> None:
    parcels, buildings = shapes(city, "particelle_catastali"), shapes(city, "edifici")
    assert shapely.is_valid(parcels).all()
    tree = shapely.STRtree(parcels)
    first, second = tree.query(parcels, predicate="overlaps")
    shared = shapely.area(shapely.intersection(parcels[first], parcels[second]))
    assert shared.max(initial=0) < 0.5
    building, parcel = tree.query(buildings, predicate="intersects")
    inside = np.zeros(len(buildings))
    np.maximum.at(inside, building, shapely.area(shapely.intersection(buildings[building], parcels[parcel])))
    assert (inside / shapely.area(buildings)).min() > 0.98


def test_buildings_do_not_overlap_each_other(city: Path) -> None:
    buildings = shapes(city, "edifici")
    tree = shapely.STRtree(buildings)
    first, second = tree.query(buildings, predicate="overlaps")
    assert shapely.area(shapely.intersection(buildings[first], buildings[second])).max(initial=0) < 0.5


def test_a_house_number_is_met_once_in_its_street(city: Path) -> None:
    meta, _fids, _wkb, fields = pyogrio.raw.read(str(city / "numeri_civici.gpkg"), columns=["codice_strada", "civico"])
    pairs = set(zip(*(fields[list(meta["fields"]).index(name)] for name in ("codice_strada", "civico")), strict=True))
    assert len(pairs) == len(fields[0])


@pytest.mark.django_db(transaction=True)
def test_the_same_seed_makes_the_same_city_loaded_described_and_not_loaded_twice(city: Path, tmp_path: Path) -> None:
    load_sample_city(tmp_path, lambda _text: None)
    for name in ("edifici", "numeri_civici"):
        assert (shapely.to_wkb(shapes(city, name)) == shapely.to_wkb(shapes(tmp_path, name))).all()
    slugs = {description.slug for description in DESCRIPTIONS}
    layers = {slug: layer for slug, layer in _load().layers.items() if slug in slugs}
    assert set(layers) == slugs
    known = Layer.objects.count()
    for layer in layers.values():
        assert layer.is_sample
        assert "esempio" in layer.attribution
        assert layer.theme
        assert all(field.title_en for field in layer.fields)
        columns = {field.name for field in layer.fields}
        for style in layer.styles:
            spec = parse(style.spec)
            assert not spec.field or spec.field in columns
    assert load_sample_city(tmp_path, lambda _text: None) == []
    assert Layer.objects.count() == known
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM geodata.edifici WHERE NOT ST_IsValid(geom) OR geom_3857 IS NULL")
        assert cursor.fetchone() == (0,)
