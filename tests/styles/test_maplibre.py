"""The thematic model compiled to MapLibre layers and to a legend."""

import json
import subprocess
from pathlib import Path

import pytest

from layers.styles.defaults import default_style
from layers.styles.geometry import drawn_as
from layers.styles.legend import legend
from layers.styles.maplibre import Target, compile_layers
from layers.styles.model import Class, Label, StyleSpec, Symbol
from layers.styles.palette import MUTED, contrast

TARGET = Target(source="scuole", source_layer="scuole", min_zoom=3, max_zoom=20)
ROOT = Path(__file__).resolve().parents[2]

CATEGORISED = StyleSpec(
    kind="categorised",
    field="zona",
    classes=(
        Class(symbol=Symbol(fill="#111111"), value="A1", label_it="Antica", label_en="Old"),
        Class(symbol=Symbol(fill="#222222", hatch="diagonal"), value=2.0),
        Class(symbol=Symbol(fill="#333333", stroke_dash=(4, 2), stroke_width=2), value=None),
    ),
    label=Label(field="zona"),
)
GRADUATED = StyleSpec(
    kind="graduated",
    field="abitanti",
    classes=(
        Class(symbol=Symbol(size=4), minimum=0, maximum=10),
        Class(symbol=Symbol(size=8, shape="triangle"), minimum=10, maximum=20),
    ),
)


@pytest.mark.parametrize(
    ("geometry_type", "kinds"),
    [
        ("POINT", ("point",)),
        ("MULTIPOINTZ", ("point",)),
        ("MULTILINESTRING", ("line",)),
        ("MULTICURVE", ("line",)),
        ("MULTISURFACE", ("polygon",)),
        ("POLYGONZM", ("polygon",)),
        ("GEOMETRY", ("polygon", "line", "point")),
        ("", ()),
    ],
)
def test_geometry_types_are_drawn_as(geometry_type: str, kinds: tuple[str, ...]) -> None:
    assert drawn_as(geometry_type) == kinds


@pytest.mark.parametrize("style", [CATEGORISED, GRADUATED, default_style("scuole", "GEOMETRY")])
@pytest.mark.parametrize("geometry_type", ["POINT", "MULTILINESTRING", "MULTIPOLYGON", "GEOMETRY"])
def test_every_compiled_style_is_valid_for_maplibre(style: StyleSpec, geometry_type: str) -> None:
    layers = compile_layers(style, geometry_type, TARGET)
    document = {
        "version": 8,
        "sources": {"scuole": {"type": "vector", "tiles": ["http://127.0.0.1/{z}/{y}/{x}"]}},
        "layers": layers,
    }
    script = (
        "import {validateStyleMin as check} from '@maplibre/maplibre-gl-style-spec';"
        "let text='';for await (const part of process.stdin) text+=part;"
        "console.log(JSON.stringify(check(JSON.parse(text)).map((error) => error.message)))"
    )
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script],
        input=json.dumps(document),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert json.loads(done.stdout) == []
    assert {layer["id"] for layer in layers} and all(layer["minzoom"] >= 3 for layer in layers)


def test_dashes_and_hatches_get_layers_of_their_own_and_no_class_is_drawn_twice() -> None:
    by_id = {layer["id"]: layer for layer in compile_layers(CATEGORISED, "POLYGON", TARGET)}
    plain, dashed = by_id["scuole|polygon-stroke0"], by_id["scuole|polygon-stroke1"]
    assert dashed["paint"]["line-dasharray"] == [2.0, 1.0]
    assert dashed["filter"] == ["any", ["==", ["to-string", ["get", "zona"]], ""]]
    assert ["==", ["to-string", ["get", "zona"]], "2"] in plain["filter"]
    assert by_id["scuole|polygon-hatch1"]["filter"] == ["any", ["==", ["to-string", ["get", "zona"]], "2"]]


def test_only_the_last_class_of_a_graduated_style_is_closed_and_no_value_fits_none() -> None:
    (layer,) = compile_layers(GRADUATED, "POINT", TARGET)
    _, first, _, second, _, _ = layer["layout"]["icon-image"]
    assert first[1] == second[1] == ["!=", ["to-string", ["get", "abitanti"]], ""]
    assert first[-1][0] == "<" and second[-1][0] == "<="


def test_the_legend_has_the_classes_in_order_in_both_languages() -> None:
    entries = legend(CATEGORISED, "MULTIPOLYGON")
    assert [entry.label_it for entry in entries] == ["Antica", "2.0", "Senza valore", "Altro"]
    assert [entry.label_en for entry in entries] == ["Old", "2.0", "No value", "Other"]
    assert all(entry.swatch.startswith("<svg") for entry in entries)
    assert [entry.label_it for entry in legend(GRADUATED, "POINT")] == ["0 – 10", "10 – 20", "Altro"]


def test_a_layer_without_style_always_gets_the_same_readable_colour() -> None:
    assert default_style("edifici", "MULTIPOLYGON") == default_style("edifici", "MULTIPOLYGON")
    assert default_style("edifici", "POLYGON").symbol.fill in MUTED
    assert round(contrast("#000000", "#ffffff"), 1) == 21.0
