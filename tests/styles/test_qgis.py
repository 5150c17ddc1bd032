"""Style files between the portal and QGIS itself, where it is installed."""

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.test import Client

from layers.rights import EVERYTHING
from layers.styles.exchange.qml import qml_document
from layers.styles.exchange.reading import read_style
from layers.styles.exchange.taken import Taken
from layers.styles.model import Cluster, Heat, StyleSpec, Symbol
from layers.styles.sld import scale_at
from tests.drawing.conftest import entry
from tests.styles.test_exchange import GRADUATED

HERE = Path(__file__).parent


def run_qgis(script: str, home: Path, *arguments: str) -> str:
    """What a script of this folder prints when QGIS's own Python runs it."""
    if not Path("/usr/lib/python3/dist-packages/qgis").is_dir():
        pytest.skip("QGIS is not installed: apt-get install python3-qgis")
    environment = {"QT_QPA_PLATFORM": "offscreen", "HOME": str(home), "PATH": os.environ["PATH"]}
    command = ["/usr/bin/python3", str(HERE / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert done.stdout, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def from_qgis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Style files as QGIS itself saves them."""
    folder = tmp_path_factory.mktemp("qgis")
    run_qgis("qgis_writer.py", folder, str(folder))
    return folder


def test_qgis_reads_every_kind_of_qml(client: Client, plot: SimpleNamespace, tmp_path: Path) -> None:
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
    found = json.loads(run_qgis("qgis_reader.py", tmp_path, *(str(tmp_path / name) for name in files)).splitlines()[-1])
    assert all(one["worked"] for one in found.values()), found
    assert [one["type"] for one in found.values()] == [
        "graduatedSymbol", "categorizedSymbol", "heatmapRenderer", "pointCluster",
    ]  # fmt: skip
    graduated = found["graduato.qml"]
    assert graduated["labels"] and [row[2] for row in graduated["classes"]] == ["#112233", "#445566"]
    # Drawn from zoom 13 of 512 pixels, 1 : 34,124, inwards.
    assert graduated["label_scales"] == [pytest.approx(scale_at(14), abs=1), 1]
    assert graduated["classes"][0][1] == 1.5 and graduated["classes"][0][3] == "basso"
    assert [row[0] for row in found["categorie.qml"]["classes"]] == ["casa", 'd\'Orto "!bbox!" è', ""]


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


@pytest.mark.parametrize("form", ["qml", "sld"])
def test_rules_and_lists_of_qgis_become_classes(plot: SimpleNamespace, form: str, from_qgis: Path) -> None:
    def read(name: str) -> Taken:
        return read_style((from_qgis / f"{name}.{form}").read_bytes(), entry("quadrati"), EVERYTHING)

    by_value = read("regole-valori").spec
    assert (by_value.kind, by_value.field) == ("categorised", "uso")
    assert [one.value for one in by_value.classes] == ["uso 1", "uso 2", "d'Orto"]
    assert [one.symbol.fill for one in by_value.classes] == ["#06015a", "#0c025a", "#0c025a"]
    assert (by_value.classes[0].label_it, by_value.symbol.fill, by_value.other_it) == ("Uno", "#36095a", "Altri")
    taken = read("regole-limiti")
    assert (taken.spec.kind, taken.spec.field) == ("graduated", "quota")
    assert [(one.minimum, one.maximum) for one in taken.spec.classes] == [(None, 2), (2, 10), (10, None)]
    # QGIS writes to SLD the rule that SLD cannot say without its filter: a symbol for all.
    assert any("filtro" in text or "uno sull'altro" in text for text in taken.left_out)
    if form == "qml":
        listed = read("elenco").spec
        assert [one.value for one in listed.classes] == ["uso 1", "uso 2"]
        assert (listed.symbol.fill, listed.other_it) == ("#36095a", "Altri")
    assert read("vuoto").spec.symbol == Symbol(
        fill="#232323", fill_opacity=1.0, stroke="#232323", stroke_width=1.0 if form == "qml" else 0.5, hatch="diagonal"
    )


def test_labels_scales_density_and_groups_of_qgis_are_read(plot: SimpleNamespace, from_qgis: Path) -> None:
    points = replace(entry("quadrati"), geometry_type="POINT")

    def read(name: str) -> Taken:
        return read_style((from_qgis / name).read_bytes(), points, EVERYTHING)

    for form in ("qml", "sld"):
        found = read(f"etichette.{form}").spec
        assert (found.min_zoom, found.max_zoom) == (13, 19)
        assert found.label is not None
        assert (found.label.field, found.label.colour, found.label.min_zoom) == ("uso", "#aa3300", 15)
    assert read("etichette.qml").spec.opacity == pytest.approx(0.7)
    dense = read("densita.qml")
    assert (dense.spec.kind, dense.spec.field, dense.left_out) == ("heatmap", "quota", [])
    assert dense.spec.heat == Heat(radius=30.24, ramp="blues")
    grouped = read("gruppi.qml").spec
    assert grouped.kind == "cluster" and grouped.cluster == Cluster(radius=45.35)
    assert grouped.symbol.shape == "cross"
    assert read("grandezze.qml").left_out == ["grandezze e colori scritti come espressione"]
