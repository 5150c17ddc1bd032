"""What the map page is told of layers."""

from __future__ import annotations

import pytest

from geoportal.map_page import VECTOR_TILE_MAX_ZOOM, layer_config
from layers import catalogue
from layers.models import Layer
from layers.rights import EVERYTHING


@pytest.mark.parametrize(
    ("kind", "max_zoom", "last"),
    [("vector", 22, VECTOR_TILE_MAX_ZOOM), ("raster", 22, 22), ("raster", 18, 19), ("remote", 22, 22)],
)
def test_only_tiles_of_shapes_are_stretched(db: None, kind: str, max_zoom: int, last: int) -> None:
    store = {"table_name": "quadro", "geometry_type": "POINT"} if kind == "vector" else {"raster_path": "x.tif"}
    Layer.objects.create(slug="quadro", title_it="Quadro", kind=kind, srid=32632, max_zoom=max_zoom, **store)
    entry = catalogue._load().layers["quadro"]
    assert layer_config(entry, EVERYTHING)["tileMaxZoom"] == last
