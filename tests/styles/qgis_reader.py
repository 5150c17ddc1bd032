"""What QGIS makes of .qml files, as JSON: run by QGIS's own Python, which has none of ours.

Arguments: the files; the name of those for points holds "punto".
"""

import json
import os
import sys

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
    if layer.labelsEnabled():
        settings = layer.labeling().settings()
        one["label_scales"] = [settings.minimumScale, settings.maximumScale]
    if renderer.type() == "graduatedSymbol":
        one["classes"] = [
            [each.lowerValue(), each.upperValue(), each.symbol().color().name(), each.label()]
            for each in renderer.ranges()
        ]
    if renderer.type() == "categorizedSymbol":
        one["classes"] = [[each.value(), each.symbol().color().name()] for each in renderer.categories()]
    found[path.rsplit("/", 1)[-1]] = one
sys.stdout.write(json.dumps(found, default=str) + "\n")
sys.stdout.flush()
os._exit(0)  # QGIS may crash while Python takes its objects apart; everything has been said
