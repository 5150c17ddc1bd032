"""The published catalogue in memory: what every hot path asks instead of the database.

One immutable `Catalogue` per version (`layers.held`): a layer published in the admin appears in every process at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from django.db import connection

from layers.codes import Code, entries
from layers.errors import LayerNotFound
from layers.held import Held
from layers.models import Access, Layer, Relation, Source, Theme, TileOverview
from layers.overviews.models import FORM
from layers.rights import Audience, Rule, may_see


@dataclass(frozen=True, slots=True)
class FieldEntry:
    """One published attribute. `type` is a `Field.Type` value."""

    name: str
    type: str
    title_it: str
    title_en: str
    unit: str
    is_filterable: bool
    is_searchable: bool
    access: str
    groups: frozenset[str]
    search_role: str = ""
    """A `Field.SearchRole` value; empty: by the field's name."""
    within: tuple[Rule, ...] = ()
    codes: tuple[Code, ...] = ()


@dataclass(frozen=True, slots=True)
class StyleEntry:
    """One named style; `spec` is the thematic model of `layers.styles.model`."""

    name: str
    title_it: str
    title_en: str
    spec: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """The server of another office that a layer is read from at every request; a harvested layer has none."""

    id: int
    kind: str
    """A `Source.Kind` value."""
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class ThemeEntry:
    """One branch of the tree, parents before children."""

    slug: str
    title_it: str
    title_en: str
    parent: str | None
    access: str
    groups: frozenset[str]
    stewards: frozenset[str] = frozenset()
    """Groups whose stewards keep the layers below it, by the nearest theme that names any; empty: every steward."""


@dataclass(frozen=True, slots=True)
class Past:
    """Where a layer as it was at one of its versions is read from (`layers.versions.past`)."""

    source: str
    """SQL text that gives its rows, in brackets; names come from the catalogue of the database."""
    schema: str
    table: str
    """The table whose columns and types they have."""
    number: int


@dataclass(frozen=True, slots=True)
class Described:
    """What metadata says of a layer beside its texts. Fields are named as in `layers.models.Layer`."""

    inspire_theme: str = ""
    topic_category: str = ""
    accuracy_m: float | None = None
    scale_denominator: int | None = None
    use_limitation: str = ""
    review_on: date | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FarTiles:
    """Of which data tiles from afar are prepared (`layers.overviews`); not `is_useful`: there are none, on purpose."""

    data_version: int
    is_useful: bool


@dataclass(frozen=True, slots=True, eq=False)
class LayerEntry:
    """One published layer, frozen. Fields are named as in `layers.models.Layer`; bboxes are tuples."""

    id: int
    slug: str
    kind: str
    theme: str | None
    title_it: str
    title_en: str
    abstract_it: str
    abstract_en: str
    keywords: tuple[str, ...]
    table_name: str
    id_field: str
    geometry_field: str
    tile_geometry_field: str
    geometry_type: str
    has_z: bool
    srid: int | None
    time_field: str
    is_live: bool
    raster_path: str
    raster_info: dict[str, Any]
    feature_count: int | None
    bbox: tuple[float, float, float, float] | None
    storage_bbox: tuple[float, float, float, float] | None
    data_version: int
    data_updated_at: datetime | None
    is_sample: bool
    licence: str
    attribution: str
    steward_office: str
    contact_email: str
    lineage: str
    update_frequency: str
    shown_by_default: bool
    min_zoom: int
    max_zoom: int
    access: str
    groups: frozenset[str]
    fields: tuple[FieldEntry, ...]
    styles: tuple[StyleEntry, ...]
    is_editable: bool = False
    described: Described = Described()
    within: tuple[Rule, ...] = ()
    """The rules of the layer's theme and of those above it: the strictest decides."""
    stewards: frozenset[str] = frozenset()
    """Groups whose stewards keep it, by its theme; empty: every steward."""
    past: Past | None = None
    """None: the layer as it is."""
    source: SourceEntry | None = None
    far_tiles: FarTiles | None = None

    @property
    def has_far_tiles(self) -> bool:
        """Whether tiles from afar are prepared for its data as they are."""
        held = self.far_tiles
        return held is not None and held.is_useful and held.data_version == self.data_version

    def visible_fields(self, audience: Audience) -> tuple[FieldEntry, ...]:
        """The attributes this audience may see: the whitelist of items, filters, sorting, tiles, exports and search."""
        return _visible_fields(self, audience)


@lru_cache(maxsize=4096)
def _visible_fields(layer: LayerEntry, audience: Audience) -> tuple[FieldEntry, ...]:
    # Asked several times for every page of features; neither entries nor audiences ever change.
    return tuple(entry for entry in layer.fields if may_see(audience, entry))


@dataclass(frozen=True, slots=True)
class RelationEntry:
    """How two layers, by their numbers, belong together. Fields are named as in `layers.relations.models.Relation`."""

    slug: str
    one: int
    other: int
    kind: str
    forward_it: str
    forward_en: str
    backward_it: str
    backward_en: str
    one_field: str
    other_field: str
    distance_m: float
    share_pct: float


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """Every published layer, in display order, under one version."""

    version: int
    themes: tuple[ThemeEntry, ...]
    layers: dict[str, LayerEntry]
    relations: tuple[RelationEntry, ...] = ()

    def visible(self, audience: Audience) -> Iterator[LayerEntry]:
        """The layers this audience may see, in display order."""
        return (layer for layer in self.layers.values() if may_see(audience, layer))

    def layer(self, slug: str, audience: Audience) -> LayerEntry:
        """One layer by its slug. Raises LayerNotFound, the same for an unknown and a forbidden one."""
        layer = self.layers.get(slug)
        if layer is None or not may_see(audience, layer):
            raise LayerNotFound(slug)
        return layer


def catalogue() -> Catalogue:
    """The catalogue as published now. No query when nothing changed and this process is listening."""
    return _holder.current()


def verify() -> None:
    """Ask the database whether the held catalogue is the newest, for who acts on a notification of its own.

    Two listeners of one process are told at different moments: who acts must not read what the other still holds.
    """
    _holder.verify()


def _load() -> Catalogue:
    # The version is read first: a change that lands while the rest is read makes the next call load again.
    version = _version()
    rows = (
        Layer.objects.filter(is_published=True)
        .select_related("theme", "source", "overview")
        .prefetch_related("fields", "styles", "groups")
        .order_by("theme__position", "position", "title_it")
    )
    themes = _themes()
    rules, kept = _rules(themes), {theme.slug: theme.stewards for theme in themes}
    layers = {
        row.slug: _entry(row, rules[row.theme.slug], kept[row.theme.slug])
        if row.theme
        else _entry(row, (), frozenset())
        for row in rows
    }
    return Catalogue(version=version, themes=themes, layers=layers, relations=_relations())


def _relations() -> tuple[RelationEntry, ...]:
    return tuple(
        RelationEntry(
            slug=row.slug,
            one=row.one_id,
            other=row.other_id,
            kind=row.kind,
            forward_it=row.forward_it,
            forward_en=row.forward_en or row.forward_it,
            backward_it=row.backward_it,
            backward_en=row.backward_en or row.backward_it,
            one_field=row.one_field,
            other_field=row.other_field,
            distance_m=row.distance_m,
            share_pct=row.share_pct,
        )
        for row in Relation.objects.all()
    )


def _themes() -> tuple[ThemeEntry, ...]:
    rows = list(Theme.objects.select_related("parent").prefetch_related("groups", "stewards"))
    ordered: list[ThemeEntry] = []

    def add(parent: str | None, above: frozenset[str]) -> None:
        for row in rows:
            if (row.parent.slug if row.parent else None) == parent:
                groups = frozenset(group.name for group in row.groups.all())
                stewards = frozenset(group.name for group in row.stewards.all()) or above
                title_en = row.title_en or row.title_it
                ordered.append(ThemeEntry(row.slug, row.title_it, title_en, parent, row.access, groups, stewards))
                add(row.slug, stewards)

    add(None, frozenset())
    return tuple(ordered)


def _rules(themes: tuple[ThemeEntry, ...]) -> dict[str, tuple[Rule, ...]]:
    """The rules of each branch and those above it; parents come first in `themes`."""
    found: dict[str, tuple[Rule, ...]] = {}
    for theme in themes:
        above = found[theme.parent] if theme.parent else ()
        found[theme.slug] = above if theme.access == Access.PUBLIC.value else (theme, *above)
    return found


def _entry(row: Layer, within: tuple[Rule, ...], stewards: frozenset[str]) -> LayerEntry:
    groups = frozenset(group.name for group in row.groups.all())
    bbox, storage_bbox = row.bbox, row.storage_bbox
    return LayerEntry(
        id=row.pk,
        slug=row.slug,
        kind=row.kind,
        theme=row.theme.slug if row.theme else None,
        title_it=row.title_it,
        title_en=row.title_en or row.title_it,
        abstract_it=row.abstract_it,
        abstract_en=row.abstract_en or row.abstract_it,
        keywords=tuple(row.keywords),
        table_name=row.table_name,
        id_field=row.id_field,
        geometry_field=row.geometry_field,
        tile_geometry_field=row.tile_geometry_field,
        geometry_type=row.geometry_type,
        has_z=row.has_z,
        srid=row.srid,
        time_field=row.time_field,
        is_live=row.is_live,
        raster_path=row.raster_path,
        raster_info=row.raster_info,
        feature_count=row.feature_count,
        bbox=(bbox[0], bbox[1], bbox[2], bbox[3]) if bbox else None,
        storage_bbox=(storage_bbox[0], storage_bbox[1], storage_bbox[2], storage_bbox[3]) if storage_bbox else None,
        data_version=row.data_version,
        data_updated_at=row.data_updated_at,
        is_sample=row.is_sample,
        licence=row.licence,
        attribution=row.attribution,
        steward_office=row.steward_office,
        contact_email=row.contact_email,
        lineage=row.lineage,
        update_frequency=row.update_frequency,
        shown_by_default=row.shown_by_default,
        min_zoom=row.min_zoom,
        max_zoom=row.max_zoom,
        access=row.access,
        groups=groups,
        fields=tuple(
            FieldEntry(
                name=field.name,
                type=field.type,
                title_it=field.title_it,
                title_en=field.title_en or field.title_it,
                unit=field.unit,
                is_filterable=field.is_filterable,
                is_searchable=field.is_searchable,
                access=field.access,
                groups=groups,
                search_role=field.search_role,
                codes=entries(field.codes),
            )
            for field in row.fields.all()
            if field.is_visible
        ),
        styles=tuple(
            StyleEntry(style.name, style.title_it, style.title_en or style.title_it, style.spec)
            for style in row.styles.all()
        ),
        is_editable=row.is_editable,
        described=Described(**{name: getattr(row, name) for name in Described.__dataclass_fields__}),
        within=within,
        stewards=stewards,
        source=_source(row),
        far_tiles=_far_tiles(row),
    )


def _source(row: Layer) -> SourceEntry | None:
    source: Source | None = getattr(row, "source", None)
    if source is None or source.is_harvest:
        return None
    return SourceEntry(source.pk, source.kind, source.timeout_ms)


def _far_tiles(row: Layer) -> FarTiles | None:
    held: TileOverview | None = getattr(row, "overview", None)
    if held is None or held.form != FORM:
        return None
    named = {row.id_field, *(field.name for field in row.fields.all())}
    if held.is_useful and not named.issubset(held.columns):
        return None
    return FarTiles(held.data_version, held.is_useful)


def _version() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(version), 0) FROM layers_catalogueversion")
        (version,) = cursor.fetchone()
    return int(version)


_holder = Held(_load, _version, channel="catalogue")
