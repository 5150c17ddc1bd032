"""What the data of offices is really like: encodings, broken rows, mixed shapes, other systems, the same file again."""

import math
import shutil
import struct
import zipfile
from pathlib import Path

import numpy as np
import pyogrio.raw
import pytest
import rasterio
import shapely
from django.conf import settings
from django.db import connection
from pyproj import Transformer
from rasterio.transform import from_origin

from layers.importing.folder import import_folder
from layers.importing.models import ImportRun
from layers.importing.options import ImportOptions
from layers.importing.report import as_json
from layers.models import Layer
from tests.layers.conftest import Importer
from tests.layers.test_import_formats import only, rows, write


def shapefile(folder: Path, *, encoding: str, cpg: str | None, crs: str = "EPSG:32632", geometries=None) -> Path:
    """A zipped shapefile whose DBF is in `encoding`; `cpg` names its code-page file (None: it has none)."""
    parts = folder / "parti"
    parts.mkdir()
    options = {"geometry_type": "Point", "encoding": encoding}
    points = geometries if geometries is not None else shapely.points([(580000, 4998000), (580100, 4998100)])
    write(parts / "vie.shp", "ESRI Shapefile", crs=crs, geometries=np.asarray(points), **options)
    (parts / "vie.cpg").unlink(missing_ok=True)
    if cpg:
        truth = cpg != "lies"
        (parts / (cpg if truth else "vie.cpg")).write_text("1252" if (encoding == "CP1252") is truth else "UTF-8")
    if encoding == "CP1252" and cpg is None:
        raw = bytearray((parts / "vie.dbf").read_bytes())
        raw[29] = 0  # no language byte either
        (parts / "vie.dbf").write_bytes(raw)
    path = folder / "vie_shp.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for part in parts.iterdir():
            archive.write(part, f"cartella/{part.name}")
    return path


@pytest.mark.parametrize(
    ("encoding", "cpg", "found"),
    [
        ("UTF-8", "lies", "utf-8"),
        ("CP1252", "lies", "cp1252"),
        ("CP1252", "vie.cpg", "cp1252"),
        ("CP1252", "vie.CPG", "cp1252"),
        ("CP1252", None, "cp1252"),
        ("UTF-8", "vie.CPG", "utf-8"),
        ("UTF-8", None, "utf-8"),
    ],
)
def test_accents_of_a_dbf_come_through_and_the_report_says_how(tmp_path, import_path, encoding, cpg, found) -> None:
    (outcome,) = import_path(shapefile(tmp_path, encoding=encoding, cpg=cpg))
    assert outcome.layer is not None, outcome.reason
    assert (outcome.encoding, bool(outcome.encoding_how)) == (found, True)
    assert rows(outcome.layer, "nome_via") == [("Città",), ("Libertà",)]


def test_monte_mario_is_moved_to_the_storage_system(tmp_path: Path, import_path: Importer) -> None:
    place = Transformer.from_crs(4326, 3003, always_xy=True).transform(10.0252, 45.1337)
    points = shapely.points([place, place])
    (outcome,) = import_path(shapefile(tmp_path, encoding="UTF-8", cpg=None, crs="EPSG:3003", geometries=points))
    assert (outcome.crs_found, outcome.storage_srid) == ("EPSG:3003", 32632)
    assert outcome.layer is not None
    ((x, y), _second) = rows(outcome.layer, "ST_X(geom), ST_Y(geom)")
    assert (x, y) == pytest.approx((580613.3, 4998314.1), abs=5)


def test_kml_with_its_height(tmp_path: Path, import_path: Importer) -> None:
    path = tmp_path / "luoghi.kml"
    path.write_text(
        '<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>luoghi</name><Placemark>'
        "<name>Torrazzo</name><Point><coordinates>10.0252,45.1337,112</coordinates></Point></Placemark></Document></kml>"
    )
    layer = only(import_path(path))
    assert (layer.geometry_type, layer.has_z, layer.srid) == ("POINT", True, 32632)
    assert rows(layer, "name, round(ST_Z(geom))") == [("Torrazzo", 112)]


def test_mixed_and_broken_shapes_are_promoted_repaired_and_counted(tmp_path: Path, import_path: Importer) -> None:
    bow = shapely.from_wkt("POLYGON((0 0, 10 10, 10 0, 0 10, 0 0))")
    square = shapely.box(0, 0, 10, 10)
    double = shapely.MultiPolygon([shapely.box(20, 0, 30, 10), shapely.box(40, 0, 50, 10)])
    shapes = shapely.transform(np.array([square, bow, double, None]), lambda xy: np.add(xy, [580000, 4998000]))
    path = tmp_path / "aree.gpkg"
    pyogrio.raw.write(
        str(path),
        shapely.to_wkb(shapes),
        [np.arange(4)],
        ["n"],
        geometry_type="Unknown",
        crs="EPSG:32632",
        driver="GPKG",
    )
    (outcome,) = import_path(path)
    assert (outcome.features, outcome.null_geometries, outcome.repaired) == (4, 1, 1)
    assert outcome.repairs == [[2, "repaired"]]
    assert outcome.layer is not None
    assert outcome.layer.geometry_type == "MULTIPOLYGON"
    assert rows(outcome.layer, "ST_IsValid(geom), round(ST_Area(geom))") == [
        (True, 100), (True, 50), (True, 200), (None, None),
    ]  # fmt: skip


def test_repair_that_makes_two_of_one_still_fits(tmp_path: Path, import_path: Importer) -> None:
    bow = shapely.from_wkt("POLYGON((580000 0, 580010 10, 580010 0, 580000 10, 580000 0))")
    layer = only(import_path(write(tmp_path / "fiocchi.fgb", "FlatGeobuf", geometries=np.array([bow, bow]))))
    assert layer.geometry_type == "MULTIPOLYGON"


def test_a_csv_as_offices_write_it(tmp_path: Path, import_path: Importer) -> None:
    path = tmp_path / "impianti.csv"
    text = (
        "Elenco impianti al 1 gennaio\n"
        "Codice;Località;Latitudine;Longitudine;Prezzo;Foglio;Data\n"
        "1;Libertà;45,1337;10,0252;1,25;0001;2026-01-02\n"
        "2;rotta;45,1;10,0\n"
        "3;senza posto;;;2;0002;\n"
        "4;zero;0;0;3,5;0003;2026-01-03\n"
    )
    path.write_bytes(text.encode("cp1252"))
    (outcome,) = import_path(path)
    assert (outcome.result, outcome.features, outcome.rejected_rows, outcome.encoding) == ("partly", 3, 1, "cp1252")
    assert any("riga 4: 4 colonne invece di 7" in note for note in outcome.notes)
    assert outcome.layer is not None
    types = {field.name: field.type for field in outcome.layer.fields.all()}
    assert (types["codice"], types["prezzo"], types["foglio"], types["data"]) == ("integer", "number", "string", "date")
    assert rows(outcome.layer, "localita, prezzo, foglio, geom IS NULL") == [
        ("Libertà", 1.25, "0001", False),
        ("senza posto", 2.0, "0002", True),
        ("zero", 3.5, "0003", True),
    ]


@pytest.mark.parametrize(
    ("header", "row", "srid"),
    [
        ("x,y,n", "1580642,4998333,1", 3003),
        ("X;Y;n", "580613,2;4998314,1;1", 32632),
        ("est|nord|n", "2351662|5092075|1", 3004),
        ("lat,lon,n", "10.02,45.13,1", 4326),
        ("n;wkt", "1;POINT (10.02 45.13)", 4326),
    ],
)
def test_coordinates_are_understood_by_name_and_size(tmp_path, import_path, header, row, srid) -> None:
    path = tmp_path / "punti.csv"
    path.write_text(f"{header}\n{row}\n")
    (outcome,) = import_path(path)
    assert outcome.crs_found == f"EPSG:{srid}", outcome.reason
    assert outcome.layer is not None
    assert outcome.layer.bbox is not None
    assert 9.5 < outcome.layer.bbox[0] < 13.5


def test_names_are_made_safe_and_unique(tmp_path: Path, import_path: Importer) -> None:
    path = tmp_path / "nomi.csv"
    long = "x" * 80
    path.write_text(f"lat,lon,Unità (m²),unita m2,{long}1,{long}2,1a\n45,10,a,b,c,d,e\n")
    fields = [(f.name, f.source_name) for f in only(import_path(path)).fields.all()]
    names = [name for name, _source in fields]
    assert names[:4] == ["lat", "lon", "unita_m2", "unita_m2_2"]
    assert len(set(names)) == 7
    assert all(len(name) <= 63 for name in names)
    assert fields[2][1] == "Unità (m²)"
    assert names[6] == "c_1a"


def test_the_same_file_again_replaces_the_data_and_keeps_what_people_wrote(tmp_path, import_path) -> None:
    path = write(tmp_path / "edifici.gpkg", "GPKG")
    layer = only(import_path(path))
    layers = Layer.objects.count()
    layer.title_it, layer.access = "Edifici storici", "internal"
    layer.save()
    layer.fields.filter(name="piani").update(title_it="Numero di piani")
    version = layer.data_version
    path.unlink()
    write(path, "GPKG", geometries=np.array([shapely.box(580000, 4998000, 580010, 4998010)]))
    again = only(import_path(path))
    assert (again.pk, again.slug, again.title_it, again.access) == (layer.pk, "edifici", "Edifici storici", "internal")
    assert (again.feature_count, again.data_version) == (1, version + 1)
    assert again.fields.get(name="piani").title_it == "Numero di piani"
    assert Layer.objects.count() == layers


def test_another_file_of_the_same_name_gets_another_slug(tmp_path: Path, import_path: Importer) -> None:
    (tmp_path / "altro").mkdir()
    assert only(import_path(write(tmp_path / "edifici.gpkg", "GPKG"))).slug == "edifici"
    assert only(import_path(write(tmp_path / "altro" / "edifici.gpkg", "GPKG"))).slug == "edifici-2"


def test_a_folder_is_imported_once_and_names_every_file(tmp_path: Path, db: None) -> None:
    write(tmp_path / "edifici.gpkg", "GPKG")
    (tmp_path / "rotto.json").write_text("{}")
    (tmp_path / "LEGGIMI.md").write_text("x")

    def run() -> dict[str, str]:
        made = ImportRun.objects.create(source="x")
        found = import_folder(made, tmp_path, ImportOptions())
        return {outcome.file: outcome.result for outcomes in found for outcome in outcomes}

    assert run() == {"edifici.gpkg": "imported", "rotto.json": "refused"}
    assert run() == {"edifici.gpkg": "unchanged", "rotto.json": "refused"}
    (tmp_path / "edifici.gpkg").unlink()
    write(tmp_path / "edifici.gpkg", "GPKG", geometries=np.array([shapely.box(580000, 4998000, 580010, 4998010)]))
    assert run() == {"edifici.gpkg": "imported", "rotto.json": "refused"}


def test_a_raster_becomes_a_cog_that_keeps_nodata_and_palette(tmp_path: Path, import_path: Importer) -> None:
    path = tmp_path / "classi.tif"
    values = np.tile(np.arange(5, dtype=np.uint8), (600, 120))
    profile = {"driver": "GTiff", "width": 600, "height": 600, "count": 1, "dtype": "uint8", "nodata": 0}
    with rasterio.open(path, "w", crs="EPSG:32632", transform=from_origin(580000, 4999000, 2, 2), **profile) as made:
        made.write(values, 1)
        made.write_colormap(1, {1: (255, 0, 0, 255), 2: (0, 255, 0, 255)})
    (outcome,) = import_path(path)
    layer = outcome.layer
    assert layer is not None, outcome.reason
    band = layer.raster_info["bands"][0]
    assert (band["min"], band["max"], band["colormap"]["1"]) == (1, 4, [255, 0, 0, 255])
    with rasterio.open(settings.RASTER_DIR / layer.raster_path) as cog:
        assert (cog.nodata, cog.profile["tiled"], bool(cog.overviews(1))) == (0, True, True)
        assert (cog.read(1) == values).all()
    first = layer.raster_path
    (again,) = import_path(shutil.copy(path, path.with_suffix(".TIF")), slug="classi")
    assert again.layer is not None
    assert again.layer.pk == layer.pk
    assert again.layer.raster_path == first  # the same picture again is no change: its file is named by what it holds


def test_curves_become_broken_lines_and_are_counted(tmp_path: Path, import_path: Importer) -> None:
    arc = b"\x01\x08\x00\x00\x00\x03\x00\x00\x00" + struct.pack(
        "<6d", 580000, 4998000, 580010, 4998010, 580020, 4998000
    )
    line = shapely.to_wkb(shapely.LineString([(580000, 4998000), (580020, 4998000)]))
    path = tmp_path / "assi.gpkg"
    pyogrio.raw.write(
        path, np.array([line, arc], dtype=object), [np.array(["dritta", "arco"], dtype=object)], ["nome"],
        geometry_type="Unknown", crs="EPSG:32632", driver="GPKG", layer="assi",
    )  # fmt: skip
    (outcome,) = import_path(path)
    assert (outcome.result, outcome.geometry_type, outcome.features) == ("imported", "LINESTRING", 2)
    assert any("1 archi" in note for note in outcome.notes)
    with connection.cursor() as cursor:
        cursor.execute("SELECT ST_Length(geom), ST_NPoints(geom) FROM geodata.assi WHERE nome = 'arco'")
        length, points = cursor.fetchone()
    assert length == pytest.approx(math.pi * 10, rel=1e-3)
    assert points > 20


def test_every_rejected_row_is_named(tmp_path: Path, import_path: Importer) -> None:
    rows = [f"{n};45,1;10,0" if n % 2 else f"{n};45,1" for n in range(60)]
    path = tmp_path / "righe.csv"
    path.write_text("\n".join(["n;lat;lon", *rows]))
    (outcome,) = import_path(path)
    assert (outcome.result, outcome.rejected_rows) == ("partly", 30)
    assert as_json([outcome])[0]["rejected_lines"] == list(range(2, 62, 2))


def test_two_folders_with_the_same_names_keep_their_own_layers(tmp_path: Path, db: None) -> None:
    found = []
    for name, size in (("a", 10), ("b", 20)):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "edifici.gpkg", "GPKG", geometries=np.array([shapely.box(0, 0, size, size)]))
        run = ImportRun.objects.create(source=name)
        found += [layer for layers in import_folder(run, tmp_path / name, ImportOptions()) for layer in layers]
    assert [outcome.layer.slug for outcome in found if outcome.layer] == ["edifici", "edifici-2"]


@pytest.mark.parametrize(("slug", "words"), [("Città Vecchia", "citta-vecchia"), ("preso", "non è libero")])
def test_a_name_that_cannot_be_had_is_refused_not_changed(tmp_path, import_path, slug: str, words: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE geodata.preso ()")
    (outcome,) = import_path(write(tmp_path / "edifici.gpkg", "GPKG"), slug=slug)
    assert outcome.result == "refused"
    assert words in outcome.reason
