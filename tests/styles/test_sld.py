"""SLD from the thematic model: read back as a tree, and by QGIS where it is installed."""

import json
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from defusedxml import ElementTree
from django.test import Client

from tests.drawing.conftest import BLUE, GREEN, RED

OGC = "{http://www.opengis.net/ogc}"
READ = """
import json, sys
from qgis.core import QgsApplication, QgsVectorLayer
QgsApplication.setPrefixPath("/usr", True)
app = QgsApplication([], False)
app.initQgis()
layer = QgsVectorLayer("Polygon?crs=EPSG:32632&field=uso:string&field=quota:double", "a", "memory")
message, worked = layer.loadSldStyle(sys.argv[1])
rules = layer.renderer().rootRule().children()
found = [[rule.filterExpression(), rule.label(), rule.symbol().color().name()] for rule in rules]
print(json.dumps({"worked": worked, "message": message, "rules": found}))
"""


@pytest.mark.parametrize("form", ["sld10", "sld11"])
def test_every_class_has_its_rule_filter_and_colour(client: Client, plot: SimpleNamespace, form: str) -> None:
    body = client.get(f"/ogc/collections/quadrati/styles/uso?f={form}").content
    root = ElementTree.fromstring(body)
    assert root.get("version") == {"sld10": "1.0.0", "sld11": "1.1.0"}[form]
    rules = [one for one in root.iter() if one.tag.endswith("}Rule")]
    fills = [next(p.text for p in rule.iter() if p.get("name") == "fill") for rule in rules]
    assert fills == [RED, GREEN, BLUE]
    assert [rule.findtext(f".//{OGC}Literal") for rule in rules] == ["casa", 'd\'Orto "!bbox!" è', None]
    assert any(one.tag.endswith("}ElseFilter") for one in rules[-1])


def test_graduated_classes_have_their_limits_the_last_one_closed(client: Client, plot: SimpleNamespace) -> None:
    root = ElementTree.fromstring(client.get("/ogc/collections/quadrati/styles/piani?f=sld").content)
    tests = [
        (one.tag.removeprefix(OGC), one.findtext(f"{OGC}Literal")) for one in root.iter() if "PropertyIs" in one.tag
    ]
    assert tests == [
        ("PropertyIsGreaterThanOrEqualTo", "0.0"),
        ("PropertyIsLessThan", "1.0"),
        ("PropertyIsGreaterThanOrEqualTo", "1.0"),
        ("PropertyIsLessThanOrEqualTo", "2.0"),
    ]


def test_qgis_reads_the_same_classes(client: Client, plot: SimpleNamespace, tmp_path: Path) -> None:
    here = Path("/usr/lib/python3/dist-packages/qgis")
    if not here.is_dir():
        pytest.skip("QGIS is not installed: apt-get install python3-qgis")
    path = tmp_path / "uso.sld"
    path.write_bytes(client.get("/ogc/collections/quadrati/styles/uso?f=sld").content)
    environment = {"QT_QPA_PLATFORM": "offscreen", "HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    result = subprocess.run(
        ["/usr/bin/python3", "-c", READ, str(path)], capture_output=True, text=True, env=environment, timeout=120
    )
    assert result.stdout, result.stderr
    found = json.loads(result.stdout.strip().splitlines()[-1])
    assert found["worked"], found["message"]
    assert [colour for _filter, _label, colour in found["rules"]] == [RED, GREEN, BLUE]
    assert found["rules"][0][:2] == ["uso = 'casa'", "casa"]
