"""Styles out and in again: QML (read by QGIS itself where it is installed), SLD, MapLibre JSON."""

import contextlib
import json
import random
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from layers.catalogue import LayerEntry
from layers.rights import EVERYTHING, PUBLIC
from layers.styles.exchange.note import note_for
from layers.styles.exchange.qgis_filters import read_filter
from layers.styles.exchange.qml import qml_document
from layers.styles.exchange.reading import read_style
from layers.styles.exchange.rules import Asked
from layers.styles.exchange.taken import StyleNotRead
from layers.styles.legend import legend
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
    document = {"version": 8, "metadata": note_for(layers, style), "sources": {}, "layers": layers}
    return json.dumps(document).encode()


POINT = Symbol(fill="#aa3377", fill_opacity=0.9, stroke="#220011", stroke_width=1.25, size=9.0, shape="diamond")
LABEL = Label("uso", size=13.0, colour="#102030", halo="#f0f0e0", min_zoom=14)
LINE = Symbol(fill="#882255", stroke="#882255", stroke_width=2.5, stroke_dash=(8.0, 3.0, 1.0, 3.0))
EVERY_KIND = {
    "single": ("POLYGON", StyleSpec(symbol=Symbol(hatch="backdiagonal"), label=LABEL, opacity=0.55, min_zoom=9)),
    "graduated": ("POLYGON", msgspec.structs.replace(GRADUATED, method="quantile", other_it="Altro", other_en="Rest")),
    "categorised": ("POLYGON", CATEGORISED),
    "line": ("LINESTRING", StyleSpec(symbol=LINE, max_zoom=17)),
    "shapes": ("POINT", StyleSpec(symbol=POINT, label=LABEL)),
    "proportional": (
        "POINT",
        StyleSpec(kind="proportional", field="quota", proportion=Proportion(value_to=80.0, size_to=33.0), symbol=POINT),
    ),
    "heatmap": (
        "POINT",
        StyleSpec(kind="heatmap", field="quota", heat=Heat(radius=31.0, ramp="viridis", value_to=7.0)),
    ),
    "cluster": ("POINT", StyleSpec(kind="cluster", cluster=Cluster(radius=44.0, max_zoom=13), symbol=POINT)),
}


@pytest.mark.parametrize("form", ["qml", "sld", "maplibre"])
def test_every_kind_that_goes_out_comes_back_equal(plot: SimpleNamespace, form: str) -> None:
    for kind, (geometry, style) in EVERY_KIND.items():
        layer = replace(entry("quadrati"), geometry_type=geometry)
        taken = read_style(written(layer, style, form), layer, EVERYTHING)
        assert (kind, taken.spec, taken.left_out) == (kind, style, [])


@pytest.mark.parametrize("form", ["qml", "sld", "maplibre"])
def test_a_file_that_another_hand_changed_is_read_as_it_is_now(plot: SimpleNamespace, form: str) -> None:
    changed = written(entry("quadrati"), GRADUATED, form)
    for ours, theirs in ((b"#112233", b"#654321"), (b"17,34,51", b"101,67,33")):
        # The note keeps what it said; what other programs draw says otherwise.
        note, told, rest = changed.rpartition(b'"layers"') if form == "maplibre" else changed.partition(b"?>\n<")
        changed = note + told + rest.replace(ours, theirs)
    found = read_style(changed, entry("quadrati"), EVERYTHING).spec
    assert found.classes[0].symbol.fill == "#654321"


@pytest.mark.parametrize("form", ["qml", "sld", "maplibre"])
@pytest.mark.parametrize("style", [GRADUATED, CATEGORISED], ids=["graduated", "categorised"])
def test_without_the_note_the_basics_come_back(plot: SimpleNamespace, form: str, style: StyleSpec) -> None:
    layer = entry("quadrati")
    back = read_style(without_note(written(layer, style, form)), layer, EVERYTHING).spec
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
        assert back.label.min_zoom == style.label.min_zoom
    if form != "maplibre":
        assert (back.min_zoom, back.max_zoom) == (style.min_zoom, style.max_zoom)


def without_note(body: bytes) -> bytes:
    """The file as another program would keep it."""
    if not body.startswith(b"{"):
        return re.sub(rb"<\?geoportale-stile .*\?>\n", b"", body)
    return json.dumps({name: part for name, part in json.loads(body).items() if name != "metadata"}).encode()


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
        (b'<qgis><renderer-v2 type="RuleRenderer"/></qgis>', "regole"),
        (b'<qgis><renderer-v2 type="invertedPolygonRenderer"/></qgis>', "invertedPolygonRenderer"),
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
    assert [one.label_it for one in for_legend(style).classes] == ["100", "25", "6,25"]
    crowded = StyleSpec(kind="proportional", field="n", proportion=Proportion(value_to=2_345_678.0, size_to=40))
    entries = legend(crowded, "POINT")
    assert [one.label_en for one in entries] == ["2,345,678", "586,000", "147,000", "No value"]
    # As large as on the map: half the size across is a quarter of the value.
    across = [2 * float(one.swatch.split(' r="')[1].split('"')[0]) for one in entries[:3]]
    assert across == pytest.approx([40, 20, 10], abs=0.1)
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


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("\"a\" = 'x'", Asked("a", values=("x",))),
        ("a = 3 OR a = 4.5", Asked("a", values=("3", "4.5"))),
        ("\"a b\" IN ('x', '', 'l''y')", Asked("a b", values=("x", None, "l'y"))),
        ("(a IS NULL) OR a = ''", Asked("a", values=(None,))),
        ("a BETWEEN -1 AND 1e3", Asked("a", minimum=-1, maximum=1000)),
        ("a > 1 and (a <= 5 and 4 >= a)", Asked("a", minimum=1, maximum=4)),
        ("a > 1 AND b < 2", None),
        ("a = 'x' AND a > 1", None),
        ("a != 1", None),
        ("NOT a = 1", None),
        ("$area > 3", None),
        ("a > 'x'", None),
        ("a = 1 a", None),
        ("lower(a) = 'x'", None),
        ("(" * 500 + "a = 1" + ")" * 500, None),
        ("", None),
    ],
)
def test_simple_filters_of_qgis_are_understood_and_no_others(text: str, asks: Asked | None) -> None:
    assert read_filter(text) == asks
