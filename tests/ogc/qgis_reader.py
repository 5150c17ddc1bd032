"""What QGIS reads of the services, as JSON: run by QGIS's own Python, which has none of ours.

Arguments: the address of the services, where the pictures go, their box in EPSG:32632, and an access token. The map is
400 pixels wide, 300 high.
"""

import json
import os
import sys

from qgis.core import (
    QgsApplication,
    QgsAuthMethodConfig,
    QgsCoordinateReferenceSystem,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
    QgsVectorTileLayer,
)
from qgis.PyQt.QtCore import QSize

ogc, folder = sys.argv[1:3]
west, south, east, north = map(float, sys.argv[3:7])
QgsApplication.setPrefixPath("/usr", True)
app = QgsApplication([], False)
app.initQgis()
oapif = QgsVectorLayer(f"url='{ogc}/' typename='civici-reali' pageSize='5000'", "a", "OAPIF")
wfs = QgsVectorLayer(f"url='{ogc}/wfs' typename='cr:comune-reale' version='2.0.0' srsname='EPSG:32632'", "b", "WFS")
wms = QgsRasterLayer(f"url={ogc}/wms&layers=comune-reale&styles=&format=image/png&crs=EPSG:32632", "c", "wms")
wmts = QgsRasterLayer(
    f"url={ogc}/wmts?SERVICE%3DWMTS%26REQUEST%3DGetCapabilities&layers=comune-reale&styles=default&format=image/png"
    "&tileMatrixSet=UTM32WGS84Quad&crs=EPSG:32632",
    "d",
    "wms",
)
tiles = QgsVectorTileLayer(
    f"type=xyz&url={ogc}/collections/comune-reale/tiles/WebMercatorQuad/%7Bz%7D/%7By%7D/%7Bx%7D?f%3Dmvt&zmin=0&zmax=18",
    "e",
)
found = {}
for name, layer in (("oapif", oapif), ("wfs", wfs)):
    first = next(layer.getFeatures(), None) if layer.isValid() else None
    found[name] = {
        "valid": layer.isValid(),
        "count": sum(1 for _ in layer.getFeatures()) if layer.isValid() else 0,
        "crs": layer.crs().authid(),
        "fields": [field.name() for field in layer.fields()],
        "wkt": first.geometry().asWkt(3)[:60] if first else "",
        "error": layer.error().message(),
    }
safe = QgsApplication.authManager()
safe.init(folder)
safe.setMasterPassword("prova", True)
basic = QgsAuthMethodConfig("Basic")
basic.setName("gettone")
basic.setConfig("username", "lettore")
basic.setConfig("password", sys.argv[7])
safe.storeAuthenticationConfig(basic)
source = f"url='{ogc}/' typename='comune-riservato'"
guarded = QgsVectorLayer(f"{source} authcfg={basic.id()}", "f", "OAPIF")
found["guarded"] = {
    "valid": guarded.isValid(),
    "count": guarded.featureCount(),
    "open": QgsVectorLayer(source, "g", "OAPIF").isValid(),
}
found["places"] = {}
for crs in ("EPSG:32632", "EPSG:6706", "EPSG:3003"):
    outline = QgsVectorLayer(f"url='{ogc}/wfs' typename='cr:comune-reale' version='2.0.0' srsname='{crs}'", "h", "WFS")
    corner = next(outline.getFeatures()).geometry().vertexAt(0)
    found["places"][crs] = [corner.x(), corner.y()]
for name, layer in (("wms", wms), ("wmts", wmts), ("tiles", tiles)):
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:32632"))
    settings.setExtent(QgsRectangle(west, south, east, north))
    settings.setOutputSize(QSize(400, 300))
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    job.renderedImage().save(f"{folder}/{name}.png")
    found[name] = {"valid": layer.isValid(), "error": layer.error().message(), "errors": len(job.errors())}
sys.stdout.write(json.dumps(found) + "\n")
sys.stdout.flush()
os._exit(0)  # QGIS may crash while Python takes its objects apart; everything has been said
