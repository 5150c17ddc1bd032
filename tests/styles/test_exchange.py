"""Styles out and in again: QML (read by QGIS itself where it is installed), SLD, MapLibre JSON."""

import contextlib
import json
import os
import random
import subprocess
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from django.test import Client

from layers.catalogue import LayerEntry
from layers.rights import EVERYTHING, PUBLIC
from layers.styles.exchange.qml import qml_document
from layers.styles.exchange.reading import read_style
from layers.styles.exchange.taken import StyleNotRead
from layers.styles.maplibre import Target, compile_layers
from layers.styles.model import Class, Cluster, Heat, Label, Proportion, StyleSpec, Symbol
from layers.styles.offered import NamedStyle
from layers.styles.reduced import STEPS, classed, for_legend, losses
from layers.styles.sld import sld_document
from tests.drawing.conftest import entry

CLASSES = (
    Class(Symbol(fill="#112233", fill_opacity=0.8, stroke="#000000", stroke_width=1.5), maximum=1.5, label_it="basso"),
    Class(Symbol(fill="#445566", fill_opacity=0.8, stroke="#000000", stroke_width=1.5, hatch="vertical"), minimum=1.5),
)
GRADUATED = StyleSpec(
    kind="graduated", field="quota", classes=CLASSES, label=Label("uso", halo="#ffffaa", min_zoom=13), min_zoom=10,
    max_zoom=18,
)  # fmt: skip
CATEGORISED = StyleSpec(
    kind="categorised", field="uso",
    classes=(
        Class(Symbol(fill="#ff0000", fill_opacity=1.0), value="d'Orto & <c>"),
        Class(Symbol(fill="#00ff00", fill_opacity=1.0)),
    ),
    symbol=Symbol(fill="#888888", fill_opacity=0.5, stroke_dash=(4.0, 2.0)),
)  # fmt: skip


def written(layer: LayerEntry, style: StyleSpec, form: str) -> bytes:
    if form == "qml":
        return qml_document(layer, style, "it")
    if form == "sld":
        return sld_document(layer, NamedStyle("prova", "Prova", "Try", style), "it", "1.1.0")
    layers = compile_layers(style, layer.geometry_type, Target(layer.slug, layer.slug))
    return json.dumps({"version": 8, "sources": {}, "layers": layers}).encode()


@pytest.mark.parametrize("form", ["qml", "sld", "maplibre"])
@pytest.mark.parametrize("style", [GRADUATED, CATEGORISED], ids=["graduated", "categorised"])
def test_what_goes_out_comes_back(plot: SimpleNamespace, form: str, style: StyleSpec) -> None:
    layer = entry("quadrati")
    back = read_style(written(layer, style, form), layer, EVERYTHING).spec
    assert (back.kind, back.field, len(back.classes)) == (style.kind, style.field, len(style.classes))
    for ours, theirs in zip(style.classes, back.classes, strict=True):
        assert (theirs.value or None, theirs.minimum, theirs.maximum) == (ours.value, ours.minimum, ours.maximum)
        assert theirs.symbol.stroke == ours.symbol.stroke
        assert theirs.symbol.stroke_width == pytest.approx(ours.symbol.stroke_width)
        if form != "maplibre" or not ours.symbol.hatch:
            assert theirs.symbol.fill == ours.symbol.fill
            assert theirs.symbol.fill_opacity == pytest.approx(ours.symbol.fill_opacity, abs=0.01)
        if form != "maplibre":
            assert theirs.symbol.hatch == ours.symbol.hatch
            assert not ours.label_it or theirs.label_it == ours.label_it
    if style.label is not None:
        assert back.label is not None
        assert (back.label.field, back.label.halo) == (style.label.field, style.label.halo)
    if form != "maplibre":
        assert (back.min_zoom, back.max_zoom) == (style.min_zoom, style.max_zoom)


READ = """
import json, sys
from qgis.core import QgsApplication, QgsVectorLayer
QgsApplication.setPrefixPath("/usr", True)
app = QgsApplication([], False)
app.initQgis()
found = {}
for path in sys.argv[1:]:
    kind = "Point" if "punto" in path else "Polygon"
    layer = QgsVectorLayer(kind + "?crs=EPSG:32632&field=uso:string&field=quota:double", "a", "memory")
    message, worked = layer.loadNamedStyle(path)
    renderer = layer.renderer()
    one = {"worked": worked, "message": message, "type": renderer.type(), "labels": layer.labelsEnabled()}
    if renderer.type() == "graduatedSymbol":
        one["classes"] = [
            [r.lowerValue(), r.upperValue(), r.symbol().color().name(), r.label()] for r in renderer.ranges()]
    if renderer.type() == "categorizedSymbol":
        one["classes"] = [[c.value(), c.symbol().color().name()] for c in renderer.categories()]
    found[path.rsplit("/", 1)[-1]] = one
print(json.dumps(found, default=str))
"""


def test_qgis_reads_every_kind_of_qml(client: Client, plot: SimpleNamespace, tmp_path: Path) -> None:
    if not Path("/usr/lib/python3/dist-packages/qgis").is_dir():
        pytest.skip("QGIS is not installed: apt-get install python3-qgis")
    point = StyleSpec(kind="heatmap", heat=Heat(radius=30))
    group = StyleSpec(kind="cluster", cluster=Cluster(radius=40))
    files = {
        "graduato.qml": qml_document(entry("quadrati"), GRADUATED, "it"),
        "categorie.qml": client.get("/ogc/collections/quadrati/styles/uso?f=qml").content,
        "punto-densita.qml": qml_document(entry("punto"), point, "it"),
        "punto-gruppi.qml": qml_document(entry("punto"), group, "it"),
    }
    for name, body in files.items():
        (tmp_path / name).write_bytes(body)
    environment = {"QT_QPA_PLATFORM": "offscreen", "HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    paths = [str(tmp_path / name) for name in files]
    result = subprocess.run(
        ["/usr/bin/python3", "-c", READ, *paths], capture_output=True, text=True, env=environment, timeout=120
    )
    assert result.stdout, result.stderr
    found = json.loads(result.stdout.strip().splitlines()[-1])
    assert all(one["worked"] for one in found.values()), found
    assert [one["type"] for one in found.values()] == [
        "graduatedSymbol", "categorizedSymbol", "heatmapRenderer", "pointCluster",
    ]  # fmt: skip
    graduated = found["graduato.qml"]
    assert graduated["labels"] and [row[2] for row in graduated["classes"]] == ["#112233", "#445566"]
    assert graduated["classes"][0][1] == 1.5 and graduated["classes"][0][3] == "basso"
    assert [row[0] for row in found["categorie.qml"]["classes"]] == ["casa", 'd\'Orto "!bbox!" è', ""]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"ciao", "QML, SLD o JSON"),
        (b"{", "MapLibre"),
        (b'{"layers": 3}', "elenco"),
        (b'{"layers": [{"type": "background"}]}', "fill, line o circle"),
        (b"<qgis/>", "renderer-v2"),
        (b"<StyledLayerDescriptor/>", "simbolo"),
        (b'<!DOCTYPE q [<!ENTITY x SYSTEM "file:///etc/passwd">]><qgis>&x;</qgis>', "QML"),
        (b'<qgis><renderer-v2 type="RuleRenderer"/></qgis>', "RuleRenderer"),
    ],
)
def test_a_file_that_is_no_style_says_what_is_wrong(plot: SimpleNamespace, content: bytes, says: str) -> None:
    with pytest.raises(StyleNotRead, match=says):
        read_style(content, entry("quadrati"), EVERYTHING)


@pytest.mark.parametrize("form", ["qml", "sld", "maplibre"])
def test_a_damaged_style_is_read_or_refused_and_nothing_else(plot: SimpleNamespace, form: str) -> None:
    layer, dice = entry("quadrati"), random.Random(7)
    whole = written(layer, GRADUATED, form)
    for _round in range(150):
        body = bytearray(whole)
        for _cut in range(dice.randint(1, 4)):
            place = dice.randrange(len(body))
            piece = dice.choice([b"", b"[", b"null", b'"x"', b"1e999", b"-", b"<a/>", b"\\u0000", b"&#233;", b"NaN"])
            body[place : place + dice.randint(0, 12)] = piece
        with contextlib.suppress(StyleNotRead):
            read_style(bytes(body), layer, EVERYTHING)


@pytest.mark.parametrize(
    "content",
    [
        b'{"layers": [{"type": "fill", "paint": ["fill-color"]}]}',
        b'{"layers": [{"type": "fill", "paint": {"fill-color": ' + b"[" * 99_999 + b"]" * 99_999 + b"}}]}",
        b'{"layers": [{"type": "fill", "paint": {"fill-color": ["step", ["get", "quota"], "#111", 1e999, "#222"]}}]}',
        b"<StyledLayerDescriptor><Rule><Filter>" + b"<And>" * 3000 + b"</And>" * 3000
        + b"</Filter><LineSymbolizer/></Rule></StyledLayerDescriptor>",
    ],
)  # fmt: skip
def test_nesting_and_numbers_without_end_are_refused(plot: SimpleNamespace, content: bytes) -> None:
    with pytest.raises(StyleNotRead):
        read_style(content, entry("quadrati"), EVERYTHING)


def test_a_style_by_a_hidden_or_missing_column_is_refused(plot: SimpleNamespace) -> None:
    layer = entry("quadrati")
    body = written(layer, msgspec.structs.replace(CATEGORISED, field="segreto"), "sld")
    assert read_style(body, layer, EVERYTHING).spec.field == "segreto"
    with pytest.raises(StyleNotRead, match="segreto"):
        read_style(body, layer, PUBLIC)


def test_a_foreign_style_with_match_and_step_is_read(plot: SimpleNamespace) -> None:
    fill = ["match", ["get", "USO"], ["casa", "villa"], "rgba(255, 0, 0, 0.5)", "scuola", "#0f0", "#808080"]
    document = {"version": 8, "layers": [{"id": "a", "type": "fill", "paint": {"fill-color": fill}}]}
    found = read_style(json.dumps(document).encode(), entry("quadrati"), EVERYTHING).spec
    assert [(one.value, one.symbol.fill) for one in found.classes] == [
        ("casa", "#ff0000"), ("villa", "#ff0000"), ("scuola", "#00ff00"),
    ]  # fmt: skip
    assert found.field == "uso" and found.symbol.fill == "#808080"
    paint = {"fill-color": ["step", ["get", "quota"], "#111111", 10, "#222222", 20, "#333333"]}
    document = {"version": 8, "layers": [{"id": "a", "type": "fill", "paint": paint}]}
    found = read_style(json.dumps(document).encode(), entry("quadrati"), EVERYTHING).spec
    assert [(one.minimum, one.maximum) for one in found.classes] == [(None, 10), (10, 20), (20, None)]


def test_point_styles_become_steps_for_who_knows_classes_alone() -> None:
    style = StyleSpec(
        kind="proportional", field="quota", proportion=Proportion(value_to=100.0, size_from=4, size_to=40)
    )
    stepped = classed(style)
    assert stepped.kind == "graduated" and len(stepped.classes) == STEPS
    sizes = [one.symbol.size for one in stepped.classes]
    assert sizes == sorted(sizes) and 4 < sizes[0] < 6 and 38 < sizes[-1] < 40
    # A quarter of the value is half the size across: areas compare.
    half = next(
        one for one in stepped.classes if one.minimum is not None and one.maximum and one.minimum <= 25 < one.maximum
    )
    assert half.symbol.size == pytest.approx(20, abs=1.5)
    assert [one.label_it for one in for_legend(style).classes] == ["100", "25", "6.25"]
    assert {loss.target for loss in losses(style, "POINT", 10)} == {"mapnik", "sld", "qml"}
    crowd = StyleSpec(kind="cluster", cluster=Cluster())
    assert "maplibre" in {loss.target for loss in losses(crowd, "POINT", 100_000)}


@pytest.mark.parametrize("kind", ["proportional", "heatmap", "cluster"])
def test_point_styles_compile_for_the_browser(kind: str, tmp_path: Path) -> None:
    style = StyleSpec(
        kind=kind, field="quota", proportion=Proportion(value_to=9.0), heat=Heat(), cluster=Cluster(),  # type: ignore[arg-type]
    )  # fmt: skip
    layers = compile_layers(style, "POINT", Target("a", "a"))
    types = {"proportional": ["circle"], "heatmap": ["heatmap"], "cluster": ["circle", "circle", "symbol"]}
    assert [one["type"] for one in layers] == types[kind]
    # On areas there is no such thing: they are drawn plainly.
    assert compile_layers(style, "POLYGON", Target("a", "a"))[0]["type"] == "fill"


WRITE = """
import sys
from qgis.core import *
from qgis.PyQt.QtGui import QColor
app = QgsApplication([], False); app.initQgis()
layer = QgsVectorLayer("Polygon?crs=EPSG:32632&field=uso:string&field=quota:double", "a", "memory")
rows = []
for n in range(80):
    row = QgsFeature(layer.fields()); row.setAttributes([f"uso {n % 40}", n / 3])
    row.setGeometry(QgsGeometry.fromWkt(f"POLYGON(({n} 0,{n + 1} 0,{n + 1} 1,{n} 0))")); rows.append(row)
layer.dataProvider().addFeatures(rows)
def save(name):
    layer.saveNamedStyle(f"{sys.argv[1]}/{name}.qml"); layer.saveSldStyle(f"{sys.argv[1]}/{name}.sld")
fill = lambda n: QgsFillSymbol.createSimple({"color": f"{n * 6},{n},90,255", "outline_width": "0.4"})
kinds = [QgsRendererCategory(f"uso {n}", fill(n), f"Uso numero {n}") for n in range(40)]
layer.setRenderer(QgsCategorizedSymbolRenderer("uso", kinds)); save("categorie")
graduated = QgsGraduatedSymbolRenderer("quota"); graduated.setSourceSymbol(fill(1))
graduated.setClassificationMethod(QgsClassificationQuantile())
graduated.setSourceColorRamp(QgsGradientColorRamp(QColor("#ffffcc"), QColor("#bd0026")))
graduated.updateClasses(layer, 5); layer.setRenderer(graduated); save("graduato")
hatch = QgsLinePatternFillSymbolLayer(); hatch.setLineAngle(90)
symbol = fill(2); symbol.appendSymbolLayer(hatch)
layer.setRenderer(QgsSingleSymbolRenderer(symbol)); save("tratteggio")
"""


@pytest.mark.parametrize("form", ["qml", "sld"])
def test_what_qgis_writes_is_read(plot: SimpleNamespace, form: str, from_qgis: Path) -> None:
    read = {
        name: read_style((from_qgis / f"{name}.{form}").read_bytes(), entry("quadrati"), EVERYTHING).spec
        for name in ("categorie", "graduato", "tratteggio")
    }
    kinds = read["categorie"]
    assert (kinds.kind, kinds.field, len(kinds.classes)) == ("categorised", "uso", 40)
    assert (kinds.classes[7].value, kinds.classes[7].symbol.fill) == ("uso 7", "#2a075a")
    assert kinds.classes[7].label_it == "Uso numero 7"
    steps = read["graduato"]
    assert (steps.kind, steps.field, len(steps.classes)) == ("graduated", "quota", 5)
    assert [steps.classes[n].symbol.fill for n in (0, 4)] == ["#ffffcc", "#bd0026"]
    assert steps.classes[1].minimum == steps.classes[0].maximum == pytest.approx(5.2667, abs=1e-3)
    if form == "qml":
        assert (read["tratteggio"].symbol.hatch, read["tratteggio"].symbol.fill) == ("vertical", "#0c025a")


@pytest.fixture(scope="module")
def from_qgis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Style files as QGIS itself saves them."""
    if not Path("/usr/lib/python3/dist-packages/qgis").is_dir():
        pytest.skip("QGIS is not installed: apt-get install python3-qgis")
    folder = tmp_path_factory.mktemp("qgis")
    environment = {"QT_QPA_PLATFORM": "offscreen", "HOME": str(folder), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        ["/usr/bin/python3", "-c", WRITE, str(folder)], capture_output=True, text=True, env=environment, timeout=120
    )
    assert (folder / "tratteggio.sld").exists(), done.stderr
    return folder
