"""What pygeoapi asks of a collection while it describes it. Our own SQL answers for the data, so nothing opens here.

pygeoapi makes a provider at every description: these hold what the configuration says and do no input or output.
"""

from __future__ import annotations

from typing import Any

from pygeoapi.provider.base import BaseProvider
from pygeoapi.provider.tile import BaseTileProvider


class LayerFeatures(BaseProvider):  # type: ignore[misc]
    """The attributes of a vector layer, for queryables and schemas."""

    def __init__(self, provider_def: dict[str, Any]) -> None:
        super().__init__(provider_def)
        self._fields = {name: dict(field) for name, field in provider_def["options"]["fields"].items()}

    def get_fields(self) -> dict[str, dict[str, Any]]:
        """JSON Schema of each attribute by name."""
        return self._fields


class LayerTiles(BaseTileProvider):  # type: ignore[misc]
    """That a layer has tiles, and whether they are vectors or pictures."""

    def __init__(self, provider_def: dict[str, Any]) -> None:
        super().__init__(provider_def)
        self.tile_type = provider_def["options"]["tile_type"]
