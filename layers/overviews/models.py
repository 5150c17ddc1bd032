"""Which layers have their far tiles prepared, and of which data."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

SCHEMA = "geodata_tiles"
FORM = 1
"""Raised when the same data are prepared in another way: what there is of an older form is made anew."""


class TileOverview(models.Model):
    """A table of `geodata_tiles`, which goes with its row."""

    layer = models.OneToOneField("layers.Layer", models.CASCADE, related_name="overview")
    data_version = models.PositiveBigIntegerField()
    """Of the layer when it was made."""
    form = models.PositiveSmallIntegerField(default=FORM)
    is_useful = models.BooleanField(default=True)
    """False: the shapes are so long that their parts in all tiles would be many times the layer. There is no table."""
    columns = ArrayField(models.CharField(max_length=63), default=list)
    """Of the layer's table, as it was; geometries excepted."""
    seconds = models.FloatField(default=0.0)
    """What the last one took."""
    made_at = models.DateTimeField(auto_now=True)

    class Meta:
        app_label = "layers"

    def __str__(self) -> str:
        return table_name(self.layer_id)


def table_name(layer_id: int) -> str:
    """The table with the far tiles of a layer, in `SCHEMA`."""
    return f"layer_{layer_id}"
