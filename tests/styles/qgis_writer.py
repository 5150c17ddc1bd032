"""Styles of every kind as QGIS itself saves them, .qml and .sld: run by QGIS's own Python, which has none of ours.

Argument: the folder they go to.
"""

import os
import sys

from qgis.core import (
    QgsApplication,
    QgsCategorizedSymbolRenderer,
    QgsClassificationQuantile,
    QgsFeature,
    QgsFillSymbol,
    QgsGeometry,
    QgsGradientColorRamp,
    QgsGraduatedSymbolRenderer,
    QgsHeatmapRenderer,
    QgsLinePatternFillSymbolLayer,
    QgsMarkerSymbol,
    QgsPalLayerSettings,
    QgsPointClusterRenderer,
    QgsProperty,
    QgsRendererCategory,
    QgsRuleBasedRenderer,
    QgsSingleSymbolRenderer,
    QgsTextFormat,
    QgsUnitTypes,
    QgsVectorLayer,
    QgsVectorLayerSimpleLabeling,
)
from qgis.PyQt.QtGui import QColor

folder = sys.argv[1]
app = QgsApplication([], False)
app.initQgis()


def save(layer, renderer, name):
    layer.setRenderer(renderer)
    layer.saveNamedStyle(f"{folder}/{name}.qml")
    layer.saveSldStyle(f"{folder}/{name}.sld")


def fill(number):
    return QgsFillSymbol.createSimple({"color": f"{number * 6},{number},90,255", "outline_width": "0.4"})


def hatched(symbol, angle):
    lines = QgsLinePatternFillSymbolLayer()
    lines.setLineAngle(angle)
    symbol.appendSymbolLayer(lines)
    return QgsSingleSymbolRenderer(symbol)


def by_rules(*rules, within=()):
    """Rules of (filter or ELSE, label, number); those of `within` stand below one more filter."""
    top = QgsRuleBasedRenderer.Rule(None)
    below = QgsRuleBasedRenderer.Rule(None)
    below.setFilterExpression('"quota" >= 2')
    for parent, asked in ((top, rules), (below, within)):
        for text, label, number in asked:
            rule = QgsRuleBasedRenderer.Rule(fill(number))
            rule.setLabel(label)
            if text == "ELSE":
                rule.setIsElse(True)
            else:
                rule.setFilterExpression(text)
            parent.appendChild(rule)
    if within:
        top.appendChild(below)
    return QgsRuleBasedRenderer(top)


areas = QgsVectorLayer("Polygon?crs=EPSG:32632&field=uso:string&field=quota:double", "a", "memory")
rows = []
for n in range(80):
    row = QgsFeature(areas.fields())
    row.setAttributes([f"uso {n % 40}", n / 3])
    row.setGeometry(QgsGeometry.fromWkt(f"POLYGON(({n} 0,{n + 1} 0,{n + 1} 1,{n} 0))"))
    rows.append(row)
areas.dataProvider().addFeatures(rows)

kinds = [QgsRendererCategory(f"uso {n}", fill(n), f"Uso numero {n}") for n in range(40)]
save(areas, QgsCategorizedSymbolRenderer("uso", kinds), "categorie")
some = [QgsRendererCategory(["uso 1", "uso 2"], fill(1), "Uno o due"), QgsRendererCategory(None, fill(9), "Altri")]
save(areas, QgsCategorizedSymbolRenderer("uso", some), "elenco")
graduated = QgsGraduatedSymbolRenderer("quota")
graduated.setSourceSymbol(fill(1))
graduated.setClassificationMethod(QgsClassificationQuantile())
graduated.setSourceColorRamp(QgsGradientColorRamp(QColor("#ffffcc"), QColor("#bd0026")))
graduated.updateClasses(areas, 5)
save(areas, graduated, "graduato")
save(areas, hatched(fill(2), 90), "tratteggio")
save(areas, hatched(QgsFillSymbol.createSimple({"style": "no", "outline_width": "0"}), 45), "vuoto")
values = (("uso = 'uso 1'", "Uno", 1), ("\"uso\" IN ('uso 2', 'd''Orto')", "Due", 2), ("ELSE", "Altri", 9))
save(areas, by_rules(*values), "regole-valori")
limits = (('"quota" < 2', "Basso", 1), ("\"uso\" LIKE 'x%' AND $area > 3", "Strano", 4))
inner = (('"quota" < 10', "Medio", 2), ('10 <= "quota"', "Alto", 3))
save(areas, by_rules(*limits, within=inner), "regole-limiti")

text = QgsPalLayerSettings()
text.fieldName = "uso"
text.scaleVisibility, text.minimumScale, text.maximumScale = True, 10_000, 100
look = QgsTextFormat()
look.setSize(9)
look.setColor(QColor("#aa3300"))
text.setFormat(look)
areas.setLabeling(QgsVectorLayerSimpleLabeling(text))
areas.setLabelsEnabled(True)
areas.setOpacity(0.7)
areas.setScaleBasedVisibility(True)
areas.setMinimumScale(50_000)
areas.setMaximumScale(500)
save(areas, QgsSingleSymbolRenderer(fill(2)), "etichette")

points = QgsVectorLayer("Point?crs=EPSG:32632&field=uso:string&field=quota:double", "a", "memory")
heat = QgsHeatmapRenderer()
heat.setRadius(8)
heat.setWeightExpression('"quota"')
heat.setColorRamp(QgsGradientColorRamp(QColor("#ffffcc"), QColor("#08306b")))
save(points, heat, "densita")
mark = QgsMarkerSymbol.createSimple({"name": "cross_fill", "color": "10,20,30,255", "size": "3"})
near = QgsPointClusterRenderer()
near.setTolerance(12)
near.setToleranceUnit(QgsUnitTypes.RenderMillimeters)
near.setEmbeddedRenderer(QgsSingleSymbolRenderer(mark.clone()))
save(points, near, "gruppi")
sized = mark.clone()
sized.setDataDefinedSize(QgsProperty.fromExpression('"quota" / 2'))
save(points, QgsSingleSymbolRenderer(sized), "grandezze")
sys.stdout.write("done\n")
sys.stdout.flush()
os._exit(0)  # QGIS may crash while Python takes its objects apart; everything has been written
