"""The search index: what can be found, in the words people use, and the vocabulary that mends their spelling.

Both tables are written in bulk by `layers.search.index` and read by `layers.search.find`, never row by row.
"""

from __future__ import annotations

from django.contrib.gis.db.models import PointField
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.search import SearchVectorField
from django.db import models


class SearchEntry(models.Model):
    """One thing that can be found: a street, a house number, a sheet, a parcel, or a feature by its texts."""

    class Kind(models.IntegerChoices):
        STREET = 1
        ADDRESS = 2
        SHEET = 3
        PARCEL = 4
        FEATURE = 5

    layer = models.ForeignKey("layers.Layer", models.CASCADE, db_index=False, related_name="+")
    scope = models.BigIntegerField()
    """Digest of the layer and of exactly the fields whose texts are here: see `layers.search.scopes`."""
    kind = models.SmallIntegerField(choices=Kind)
    item = models.TextField(blank=True)
    """Identifier of the feature; empty for what many features make up together (a street, a sheet)."""
    title = models.TextField()
    subtitle = models.TextField(blank=True)
    norm = models.TextField()
    """The title in lower case without accents and signs; "12/345" for a parcel."""
    street = models.TextField(blank=True)
    """Of an address: `norm` of its street."""
    number = models.IntegerField(null=True)
    suffix = models.TextField(blank=True)
    """Exponent of a house number: "a", "bis"."""
    words = SearchVectorField(null=True)
    point = PointField(srid=4326, null=True, spatial_index=False)
    bbox = models.JSONField(null=True)
    """west, south, east, north in OGC:CRS84 degrees; null for a point."""

    class Meta:
        app_label = "layers"

    def __str__(self) -> str:
        return self.title


class SearchWord(models.Model):
    """A word that stands in the entries of a scope, to correct misspelt ones by."""

    layer = models.ForeignKey("layers.Layer", models.CASCADE, db_index=False, related_name="+")
    scope = models.BigIntegerField()
    word = models.TextField()
    rows = models.PositiveBigIntegerField()
    """In how many entries it stands."""

    class Meta:
        app_label = "layers"

    def __str__(self) -> str:
        return self.word


class SearchIndex(models.Model):
    """What is indexed of a layer, and as of which state of its data."""

    layer = models.OneToOneField("layers.Layer", models.CASCADE, primary_key=True, related_name="+")
    data_version = models.PositiveBigIntegerField()
    generation = models.BigIntegerField(null=True)
    version = models.PositiveIntegerField(null=True)
    """Of the layer's history as of which it is: what changed since is told by it. Null: the layer has none."""
    scopes = ArrayField(models.BigIntegerField(), default=list)
    entries = models.PositiveBigIntegerField()
    seconds = models.FloatField()
    indexed_at = models.DateTimeField(auto_now=True)

    class Meta:
        app_label = "layers"

    def __str__(self) -> str:
        return f"{self.layer_id}: {self.entries}"


class SearchWish(models.Model):
    """A layer that is to be indexed. Triggers write it; one waiting job works through all there are."""

    layer = models.OneToOneField("layers.Layer", models.CASCADE, primary_key=True, related_name="+")
    asked_at = models.DateTimeField()

    class Meta:
        app_label = "layers"

    def __str__(self) -> str:
        return f"{self.layer_id}: {self.asked_at}"
