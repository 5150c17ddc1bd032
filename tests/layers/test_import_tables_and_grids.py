"""Spreadsheets, grids, vector tiles and lines of GeoJSON: what offices and scripts bring beside the GIS formats."""

import gzip
import json
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import pyogrio.raw
import pytest
import rasterio
import shapely
from django.conf import settings
from django.test import Client

from layers.importing.options import Mode
from tests.geodata import forget_catalogue
from tests.layers.conftest import Importer
from tests.layers.test_import_formats import only, rows, write

TITLE: list[object] = ["Elenco delle fontane", "", "", ""]
HEADER: list[object] = ["Nome", "Codice", "Latitudine", "Longitudine"]
FOUNTAINS: list[list[object]] = [["Città", "0007", 45.13, 10.02], ["Libertà", "0008", 45.14, 10.03]]
OPEN_XML = "http://schemas.openxmlformats.org"
RELATIONS = f'xmlns="{OPEN_XML}/package/2006/relationships"'
MAIN = f'xmlns="{OPEN_XML}/spreadsheetml/2006/main"'
OFFICE = f"{OPEN_XML}/officeDocument/2006/relationships"
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def cells(table: list[list[object]]) -> str:
    found = []
    for row in table:
        found.append("<row>" + "".join(cell(value) for value in row) + "</row>")
    return "".join(found)


def cell(value: object) -> str:
    if isinstance(value, float):
        return f"<c><v>{value}</v></c>"
    return f'<c t="inlineStr"><is><t>{escape(str(value))}</t></is></c>' if value != "" else "<c/>"


def xlsx(path: Path, sheets: dict[str, list[list[object]]]) -> Path:
    """A workbook as Office Open XML, by hand: writers do not make title rows."""
    numbered = list(enumerate(sheets, 1))
    kinds = [f'<Override PartName="/xl/worksheets/s{n}.xml" ContentType="{KIND}.worksheet+xml"/>' for n, _ in numbered]
    kinds.append(f'<Override PartName="/xl/workbook.xml" ContentType="{KIND}.sheet.main+xml"/>')
    listed = [f'<sheet name="{escape(name)}" sheetId="{n}" r:id="r{n}"/>' for n, name in numbered]
    links = [f'<Relationship Id="r{n}" Type="{OFFICE}/worksheet" Target="worksheets/s{n}.xml"/>' for n, _ in numbered]
    start = f'<Relationship Id="r" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{OPEN_XML}/package/2006/content-types">{"".join(kinds)}</Types>',
        "_rels/.rels": f"<Relationships {RELATIONS}>{start}</Relationships>",
        "xl/workbook.xml": f'<workbook {MAIN} xmlns:r="{OFFICE}"><sheets>{"".join(listed)}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f"<Relationships {RELATIONS}>{''.join(links)}</Relationships>",
    }
    for n, name in numbered:
        rows = cells(sheets[name])
        parts[f"xl/worksheets/s{n}.xml"] = f"<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in parts.items():
            book.writestr(name, text)
    return path


def test_a_sheet_with_a_title_and_coordinates(tmp_path: Path, import_path: Importer) -> None:
    (outcome,) = import_path(xlsx(tmp_path / "a.xlsx", {"Fontane": [TITLE, HEADER, *FOUNTAINS]}))
    layer = only([outcome])
    assert (layer.feature_count, layer.geometry_type, layer.srid) == (2, "POINT", 32632)
    assert rows(layer, "nome, codice, latitudine") == [("Città", "0007", 45.13), ("Libertà", "0008", 45.14)]
    assert "1 righe di titolo prima dell'intestazione" in outcome.notes


def test_an_opendocument_sheet(tmp_path: Path, import_path: Importer) -> None:
    columns = [np.array(column) for column in zip(*FOUNTAINS, strict=True)]
    pyogrio.raw.write(str(tmp_path / "a.ods"), None, columns, HEADER, driver="ODS", layer="Fontane")
    layer = only(import_path(tmp_path / "a.ods"))
    assert rows(layer, "nome, codice, longitudine") == [("Città", "0007", 10.02), ("Libertà", "0008", 10.03)]


def test_the_sheets_with_places_become_layers(tmp_path: Path, import_path: Importer) -> None:
    shapes: list[list[object]] = [["nome", "WKT"], ["campo", "POLYGON((10 45, 10.1 45, 10.1 45.1, 10 45))"]]
    notes: list[list[object]] = [["chi", "che"], ["a", "b"]]
    found = import_path(xlsx(tmp_path / "b.xlsx", {"Fontane": [HEADER, *FOUNTAINS], "Note": notes, "Aree": shapes}))
    assert [(one.source_layer, one.geometry_type) for one in found] == [("Fontane", "POINT"), ("Aree", "POLYGON")]


def test_a_workbook_that_is_none_or_grows_beyond_measure(tmp_path: Path, import_path: Importer) -> None:
    broken = xlsx(tmp_path / "d.xlsx", {"Fontane": [HEADER, *FOUNTAINS]})
    broken.write_bytes(broken.read_bytes().replace(b"xl/worksheets/s1.xml", b"xl/worksheets/s9.xml"))
    assert "rovinato" in import_path(broken)[0].reason
    with zipfile.ZipFile(tmp_path / "e.xlsx", "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/workbook.xml", " " * 40_000_000)
    assert "bomba" in import_path(tmp_path / "e.xlsx")[0].reason


GRID = "ncols 3\nnrows 2\nxllcorner 580000\nyllcorner 4998000\ncellsize 10\nNODATA_value -9999\n1 2 3\n4 -9999 6.5\n"


def test_an_ascii_grid_gets_its_system_from_its_numbers(tmp_path: Path, import_path: Importer) -> None:
    (tmp_path / "quote.asc").write_text(GRID)
    (outcome,) = import_path(tmp_path / "quote.asc")
    layer = outcome.layer
    assert layer is not None, outcome.reason
    assert (outcome.format, layer.srid, layer.raster_info["nodata"]) == ("ASCII Grid", 32632, -9999)
    assert "supposto" in outcome.crs_how
    with rasterio.open(Path(settings.RASTER_DIR) / layer.raster_path) as made:
        assert made.read(1, masked=True).tolist() == [[1.0, 2.0, 3.0], [4.0, None, 6.5]]
        assert made.bounds == (580000, 4998000, 580030, 4998020)


def tile(folder: Path) -> bytes:
    """One vector tile with two points, made by GDAL: 14/8651/5894."""
    points = shapely.points([[10.092, 45.1], [10.093, 45.101]])
    pyogrio.raw.write(
        folder / "tiles", shapely.to_wkb(points), [], [], geometry_type="Point", crs="EPSG:4326", driver="MVT",
        layer="fontane", MINZOOM=14, MAXZOOM=14, FORMAT="DIRECTORY",
    )  # fmt: skip
    (found,) = (folder / "tiles").rglob("*.pbf")
    z, x, y = found.relative_to(folder / "tiles").with_suffix("").parts
    (folder / "name").write_text(f"{z}-{x}-{y}")
    return found.read_bytes()


def test_a_vector_tile_is_where_its_name_says(tmp_path: Path, import_path: Importer) -> None:
    data = tile(tmp_path)
    plain = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    name = (tmp_path / "name").read_text()
    for content in (plain, gzip.compress(plain)):
        path = tmp_path / f"{name}.mvt"
        path.write_bytes(content)
        layer = only(import_path(path))
        assert layer.feature_count == 2
        assert layer.bbox is not None
        assert layer.bbox[:2] == pytest.approx([10.092, 45.1], abs=1e-4)
    (tmp_path / "tessera.mvt").write_bytes(plain)
    assert "zoom, colonna e riga" in import_path(tmp_path / "tessera.mvt")[0].reason


def test_lines_of_geojson_under_any_name(tmp_path: Path, import_path: Importer) -> None:
    lines = [
        json.dumps({"type": "Feature", "properties": {"n": n}, "geometry": {"type": "Point", "coordinates": [10, 45]}})
        for n in range(3)
    ]
    (tmp_path / "righe.json").write_text("\n".join(lines) + "\n")
    (outcome,) = import_path(tmp_path / "righe.json")
    assert (outcome.format, outcome.features) == ("GeoJSONSeq", 3)


def test_topojson_without_a_system(tmp_path: Path, import_path: Importer) -> None:
    area = {"type": "Polygon", "arcs": [[0]], "properties": {"nome": "Città"}}
    topology = {
        "type": "Topology",
        "objects": {"aree": {"type": "GeometryCollection", "geometries": [area]}},
        "arcs": [[[10, 45], [10.1, 45], [10.1, 45.1], [10, 45]]],
    }  # fmt: skip
    (tmp_path / "aree.topo.json").write_text(json.dumps(topology))
    (outcome,) = import_path(tmp_path / "aree.topo.json")
    assert (outcome.format, outcome.crs_found, rows(only([outcome]), "nome")) == ("TopoJSON", "EPSG:4326", [("Città",)])


def test_every_layer_of_a_geopackage(tmp_path: Path, import_path: Importer) -> None:
    path = write(tmp_path / "comune.gpkg", "GPKG", layer="edifici")
    write(path, "GPKG", layer="strade", append=False)
    assert [one.source_layer for one in import_path(path)] == ["edifici", "strade"]


def test_a_table_without_places_goes_in_when_asked(tmp_path: Path, import_path: Importer, client: Client) -> None:
    (tmp_path / "codici.csv").write_bytes("codice;nome\n01;Città\n02;Libertà\n".encode("cp1252"))
    assert "Nessuna colonna di coordinate" in import_path(tmp_path / "codici.csv")[0].reason
    layer = only(import_path(tmp_path / "codici.csv", is_table=True, access="public"))
    assert (layer.geometry_field, layer.geometry_type, layer.srid, layer.feature_count) == ("", "", None, 2)
    forget_catalogue()
    page = client.get("/ogc/collections/codici/items", {"f": "json", "filter": "codice = '02'"}).json()
    assert [(one["geometry"], one["properties"]["nome"]) for one in page["features"]] == [(None, "Libertà")]
    for door in ("/", "/mappe/stile.json", "/ogc/collections/codici?f=json"):
        assert client.get(door).status_code == 200
    again = b"codice;nome\n01;Piazza\n03;Ponte\n"
    (tmp_path / "codici.csv").write_bytes(again)
    (outcome,) = import_path(tmp_path / "codici.csv", is_table=True, mode=Mode.SYNCHRONISE, key=("codice",))
    assert outcome.result == "imported", outcome.reason
    assert [outcome.changes[name] for name in ("added", "changed", "removed")] == [1, 1, 1]
    assert "solo CSV, fogli" in import_path(write(tmp_path / "a.gpkg", "GPKG"), is_table=True)[0].reason
