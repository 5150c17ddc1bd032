"""The programs that offices have read the city's real data from a real server: GDAL, OWSLib, QGIS.

Counts, attributes, CRS and a picture are held against the source files, read and drawn without any of our code.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pyproj
import pytest
import rasterio
import requests
import shapely
from django.contrib.auth.models import Group
from numpy.typing import NDArray
from pytest_django import DjangoDbBlocker
from rasterio.features import rasterize
from rasterio.transform import from_bounds

from geoportal.accounts.tokens import create as new_token
from geoportal.models import User
from layers.importing.engine import FileToImport, import_file
from layers.importing.models import ImportRun
from layers.importing.options import ImportOptions
from layers.models import Access, Layer
from layers.rights import PROFESSIONALS
from tests.geodata import drop, forget_catalogue, make_layer
from tests.liveserver import served

pytestmark = pytest.mark.django_db
QGIS = Path("/usr/lib/python3/dist-packages/qgis")
WIDTH, HEIGHT = 400, 300
SOURCES = {
    "civici-reali": "derived/anncsu_cremona_civici_2025-12-02.gpkg",
    "comune-reale": "derived/cremona_comune_32632.gpkg",
    "comune-riservato": "derived/cremona_comune_32632.gpkg",
    "densita-reale": "derived/cremona_civici_density_50m_cog.tif",
}

NAME = "Città d'Òrgoglio № 1"
KINDS = {
    "nome": "string", "grande": "integer", "misura": "number", "aperto": "boolean", "nato": "date", "visto": "datetime",
}  # fmt: skip
OF_EVERY_KIND = """
ALTER TABLE {table} ALTER grande TYPE bigint;
INSERT INTO {table} (geom, nome, grande, misura, aperto, nato, visto)
SELECT ST_SetSRID(ST_MakePoint(580000 + n, 4999000), 32632), 'Città d''Òrgoglio № 1', 9007199254740993, 0.1, false,
       date '2024-02-29', timestamptz '2024-02-29 23:30:00+01'
FROM generate_series(1, 3) AS n
"""


@dataclass(frozen=True)
class Site:
    """A server over the real layers, and what the source files say."""

    root: str
    points: int
    outline: Any
    box: tuple[float, float, float, float]
    """Of the picture, EPSG:32632."""
    fields: set[str]
    token: str
    """Of somebody who may also see `comune-riservato`."""

    @property
    def ogc(self) -> str:
        return f"{self.root}/ogc"

    def drawn(self) -> NDArray[np.bool_]:
        """The municipality on the picture's pixels, by another program than the one under test."""
        place = from_bounds(*self.box, WIDTH, HEIGHT)
        found: NDArray[np.bool_] = rasterize([(self.outline, 1)], (HEIGHT, WIDTH), transform=place).astype(bool)
        return found


@pytest.fixture(scope="module")
def site(real_data: Path, django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Site]:
    with django_db_blocker.unblock():
        run = ImportRun.objects.create(source="lettori")
        for slug, name in SOURCES.items():
            for outcome in import_file(run, FileToImport(real_data / name, name), ImportOptions(slug=slug)):
                assert outcome.layer is not None, outcome
        Layer.objects.filter(slug="comune-riservato").update(access=Access.PROFESSIONAL)
        reader = User.objects.create_user("lettore")
        reader.groups.add(Group.objects.get_or_create(name=PROFESSIONALS)[0])
        make_layer("tipi", "POINT", 32632, KINDS, OF_EVERY_KIND)
        forget_catalogue()
        with served() as root:
            yield measured(root, real_data, new_token(reader, "QGIS", None)[1])
        reader.delete()
        drop(*Layer.objects.filter(slug__in=[*SOURCES, "tipi"], kind="vector"))
        Layer.objects.filter(slug__in=[*SOURCES, "tipi"]).delete()
        run.delete()
        forget_catalogue()


def measured(root: str, real_data: Path, token: str) -> Site:
    """What the files hold, read by pyogrio."""
    meta, _, points, _ = pyogrio.raw.read(real_data / SOURCES["civici-reali"])
    _, _, shapes, _ = pyogrio.raw.read(real_data / SOURCES["comune-reale"])
    outline = shapely.union_all(shapely.from_wkb(shapes))
    west, south, east, north = outline.bounds
    middle, half = ((west + east) / 2, (south + north) / 2), max((east - west) / 8, (north - south) / 6) * 3 * 1.1
    box = middle[0] - half * 4 / 3, middle[1] - half, middle[0] + half * 4 / 3, middle[1] + half
    return Site(root, len(points), outline, box, set(meta["fields"]), token)


def shares(picture: NDArray[np.uint8], site: Site) -> float:
    """How much of what is coloured and of what ought to be is the same."""
    coloured = (picture[:3] < 250).any(axis=0)
    if len(picture) == 4:
        coloured &= picture[3] > 0
    wanted = site.drawn()
    return float((coloured & wanted).sum() / (coloured | wanted).sum())


def run(*command: str, folder: Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=folder)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@pytest.mark.parametrize("driver", ["OAPIF", "WFS"])
def test_gdal_reads_every_house_number(site: Site, tmp_path: Path, driver: str) -> None:
    source = f"OAPIF:{site.ogc}/" if driver == "OAPIF" else f"WFS:{site.ogc}/wfs"
    layer = "civici-reali" if driver == "OAPIF" else "cr:civici-reali"
    target = tmp_path / "read.gpkg"
    run("ogr2ogr", "-f", "GPKG", str(target), source, layer, "-nln", "civici", folder=tmp_path)
    meta, _, points, _ = pyogrio.raw.read(target, layer="civici")
    assert len(points) == site.points
    assert {name.lower() for name in site.fields} <= {str(name).lower() for name in meta["fields"]}
    assert "4326" in str(meta["crs"]) if driver == "OAPIF" else "32632" in str(meta["crs"])


def test_gdal_draws_the_municipality_by_wms_and_wmts(site: Site, tmp_path: Path) -> None:
    west, south, east, north = map(str, site.box)
    wms = f"WMS:{site.ogc}/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS=comune-reale&STYLES=&CRS=EPSG:32632"
    wms += f"&BBOX={west},{south},{east},{north}&FORMAT=image/png&TRANSPARENT=TRUE"
    wmts = f"WMTS:{site.ogc}/wmts/1.0.0/WMTSCapabilities.xml,layer=comune-reale,tilematrixset=UTM32WGS84Quad"
    place = ("-projwin", west, north, east, south)
    for name, source, options in (("wms", wms, ()), ("wmts", wmts, place)):
        target = tmp_path / f"{name}.tif"
        size = ("-outsize", str(WIDTH), str(HEIGHT))
        run("gdal_translate", "-q", *size, *options, source, str(target), folder=tmp_path)
        with rasterio.open(target) as picture:
            assert picture.crs.to_epsg() == 32632
            assert shares(picture.read(), site) > 0.97, name


def test_gdal_draws_the_municipality_by_ogc_api_maps(site: Site, tmp_path: Path) -> None:
    drawn, target = tmp_path / "map.png", tmp_path / "map.tif"
    source = f"OGCAPI:{site.ogc}/collections/comune-reale"
    run("gdal_translate", "-q", "-oo", "API=MAP", "-outsize", "800", "0", source, str(drawn), folder=tmp_path)
    box = [str(number) for number in site.box]
    place = ("-t_srs", "EPSG:32632", "-te", *box, "-ts", str(WIDTH), str(HEIGHT))
    run("gdalwarp", "-q", *place, str(drawn), str(target), folder=tmp_path)
    with rasterio.open(target) as picture:
        assert shares(picture.read(), site) > 0.97


@pytest.mark.parametrize("srid", [4258, 6706, 3003, 6707])
def test_gdal_finds_a_place_whatever_axis_comes_first(site: Site, tmp_path: Path, srid: int) -> None:
    asked = "service=WFS&version=2.0.0&request=GetFeature&typenames=cr:civici-reali&resourceid=civici-reali.1"
    answer = requests.get(f"{site.ogc}/wfs?{asked}&srsName=urn:ogc:def:crs:EPSG::{srid}", timeout=30)
    (tmp_path / "one.gml").write_bytes(answer.content)
    run("ogr2ogr", "-f", "GPKG", "one.gpkg", "one.gml", folder=tmp_path)
    meta, _, shapes, _ = pyogrio.raw.read(tmp_path / "one.gpkg")
    found = shapely.from_wkb(shapes[0])
    item = requests.get(f"{site.ogc}/collections/civici-reali/items/1", timeout=30).json()
    wanted = pyproj.Transformer.from_crs("OGC:CRS84", f"EPSG:{srid}", always_xy=True).transform(
        *item["geometry"]["coordinates"][:2]
    )
    assert str(srid) in str(meta["crs"])
    assert (found.x, found.y) == pytest.approx(wanted, abs=0.02 if abs(wanted[0]) > 180 else 2e-7)


@pytest.mark.parametrize("driver", ["OAPIF", "WFS"])
def test_gdal_reads_values_of_every_type(site: Site, tmp_path: Path, driver: str) -> None:
    source = (f"OAPIF:{site.ogc}/", "tipi") if driver == "OAPIF" else (f"WFS:{site.ogc}/wfs", "cr:tipi")
    run("ogr2ogr", "-f", "GPKG", "types.gpkg", *source, "-nln", "tipi", folder=tmp_path)
    meta, _, _, columns = pyogrio.raw.read(tmp_path / "types.gpkg", layer="tipi", datetime_as_string=True)
    found = {str(name): column[0] for name, column in zip(meta["fields"], columns, strict=True)}
    assert len(columns[0]) == 3
    assert (found["nome"], found["grande"], found["misura"]) == (NAME, 2**53 + 1, 0.1)
    assert bool(found["aperto"]) is False and str(found["nato"]).replace("/", "-")[:10] == "2024-02-29"
    assert str(found["visto"]).replace("/", "-")[:16].replace(" ", "T") == "2024-02-29T22:30"


def test_owslib_reads_the_older_services(site: Site) -> None:
    from owslib.wfs import WebFeatureService
    from owslib.wms import WebMapService
    from owslib.wmts import WebMapTileService

    wfs = WebFeatureService(f"{site.ogc}/wfs", version="2.0.0")
    body = wfs.getfeature(typename=["cr:civici-reali"], outputFormat="application/json", maxfeatures=3).read()
    assert json.loads(body)["numberMatched"] == site.points
    assert set(wfs.get_schema("cr:civici-reali")["properties"]) >= {name.lower() for name in site.fields}
    wms = WebMapService(f"{site.ogc}/wms", version="1.3.0")
    answer = wms.getmap(
        layers=["comune-reale"], srs="EPSG:32632", bbox=site.box, size=(WIDTH, HEIGHT), format="image/png",
        transparent=True,
    )  # fmt: skip
    with rasterio.MemoryFile(answer.read()) as memory, memory.open() as picture:
        assert shares(picture.read(), site) > 0.97
    for address in (f"{site.ogc}/wmts/1.0.0/WMTSCapabilities.xml", f"{site.ogc}/wmts"):
        wmts = WebMapTileService(address)
        assert "UTM32WGS84Quad" in wmts.contents["comune-reale"].tilematrixsetlinks


def test_owslib_reads_the_ogc_apis(site: Site) -> None:
    from owslib.ogcapi.coverages import Coverages
    from owslib.ogcapi.edr import EnvironmentalDataRetrieval
    from owslib.ogcapi.features import Features
    from owslib.ogcapi.processes import Processes
    from owslib.ogcapi.records import Records

    features = Features(f"{site.ogc}/")
    assert {"civici-reali", "comune-reale"} <= set(features.feature_collections())
    page = features.collection_items("civici-reali", limit=5)
    assert page["numberMatched"] == site.points and len(page["features"]) == 5
    assert features.collection_queryables("civici-reali")["properties"]
    records = Records(f"{site.ogc}/")
    found = records.collection_items("metadata", q="comune-reale")
    assert "comune-reale" in [one["id"] for one in records.collection_items("metadata", limit=100)["features"]], found
    coverages = Coverages(f"{site.ogc}/")
    assert "densita-reale" in coverages.coverages()
    body = coverages.coverage("densita-reale").read()
    with rasterio.MemoryFile(body) as memory, memory.open() as values:
        assert values.crs.to_epsg() == 32632 and values.read(1).any()
    measures = EnvironmentalDataRetrieval(f"{site.ogc}/")
    assert "punti-accesso-wifi" in measures.data()
    area = "POLYGON((10 45,10.1 45,10.1 45.2,10 45.2,10 45))"
    asked = {"coords": area, "parameter_names": ["clients_24"], "datetime_": "2026-03-01T00:00:00Z/.."}
    found = measures.query_data("punti-accesso-wifi", "area", **asked)
    assert found in ({}, None) or found["type"] in {"Coverage", "CoverageCollection"}
    processes = Processes(f"{site.ogc}/")
    assert "buffer" in [one["id"] for one in processes.processes()]


def test_qgis_reads_features_and_draws_maps(site: Site, tmp_path: Path) -> None:
    if not QGIS.is_dir():
        pytest.skip("QGIS is not installed: apt-get install python3-qgis")
    environment = {"QT_QPA_PLATFORM": "offscreen", "HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    script = Path(__file__).with_name("qgis_reader.py")
    command = ["/usr/bin/python3", str(script), site.ogc, str(tmp_path), *map(str, site.box), site.token]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600, cwd=tmp_path)
    assert done.stdout, done.stderr
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["oapif"]["valid"] and found["wfs"]["valid"], found
    assert found["oapif"]["count"] == site.points and found["wfs"]["count"] == 1, found
    assert found["wfs"]["crs"] == "EPSG:32632" and found["oapif"]["crs"] in {"EPSG:4326", "OGC:CRS84"}, found
    assert {name.lower() for name in site.fields} <= {name.lower() for name in found["oapif"]["fields"]}
    assert found["guarded"] == {"valid": True, "count": 1, "open": False}, found
    place = found["places"].pop("EPSG:32632")
    for crs, at in found["places"].items():
        wanted = pyproj.Transformer.from_crs("EPSG:32632", crs, always_xy=True).transform(*place)
        assert at == pytest.approx(wanted, abs=0.02 if abs(wanted[0]) > 180 else 2e-7), crs
    for name in ("wms", "wmts", "tiles"):
        assert found[name]["valid"] and not found[name]["errors"], found
        with rasterio.open(tmp_path / f"{name}.png") as picture:
            assert shares(picture.read(), site) > 0.97, name
