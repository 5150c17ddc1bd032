"""How the catalogue learns of an import: a new layer, or the same one with new data and its descriptions kept."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg2 import sql
from pyproj import CRS

from layers.codes import fitting
from layers.importing.columns import Column, readable
from layers.importing.crs import Bounds, degrees_bounds
from layers.importing.errors import ImportRefused
from layers.importing.load import SQL
from layers.importing.options import ImportOptions
from layers.models import Field, ImportOutcome, Layer, Theme, geodata_identifier

_LONGEST_SLUG = 50


@dataclass(frozen=True, slots=True)
class SourceId:
    """Which layer of which file: the same source again replaces the same layer."""

    file: str
    """As in ImportOutcome.file."""
    key: str
    """As in ImportOutcome.source_key."""
    layer: str
    """The layer's own name in the file."""
    title: str
    """A readable name, when a new layer needs one."""


@dataclass(slots=True)
class Statistics:
    """What a table holds."""

    features: int
    nulls: int
    bounds: Bounds | None
    """In the storage CRS."""
    degrees: Bounds | None
    """In OGC:CRS84."""


def slug_from(text: str) -> str:
    """A slug made from any text: "Unità urbanistiche" → "unita-urbanistiche"."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST_SLUG].strip("-") or "livello"


def title_from(stem: str, srid: int | None) -> str:
    """A title from a file's or layer's name, without the technical words people put there (`_shp`, the EPSG code)."""
    words = [word for word in re.split(r"[\s_\-.]+", stem) if word]
    noise = {"shp", "gpkg", "wgs84", "utm32n", "cp1252", "utf8", "epsg", "cog", "topo", str(srid or "")}
    kept = [word for word in words if word.lower() not in noise] or words
    return readable(" ".join(kept))[:200]


def existing_layer(source: SourceId, options: ImportOptions, kind: Layer.Kind) -> Layer | None:
    """The layer this source replaces, locked until the transaction ends; None for a new one."""
    rows = Layer.objects.select_for_update()
    if options.slug:
        found = rows.filter(slug=options.slug).first()
    else:
        last = (
            ImportOutcome.objects.filter(source_key=source.key, source_layer=source.layer, layer__isnull=False)
            .order_by("-id")
            .first()
        )
        found = rows.filter(pk=last.layer_id).first() if last and last.layer_id else None
    if found and found.kind != kind:
        raise ImportRefused(
            _("Il livello %(slug)s è di genere %(kind)s e non può essere sostituito da questo file.")
            % {"slug": found.slug, "kind": found.get_kind_display()}
        )
    if found and found.kind == Layer.Kind.VECTOR and not found.imports.exists():
        raise ImportRefused(
            _("Il livello %(slug)s non viene da un'importazione: scegliere un altro nome.") % {"slug": found.slug}
        )
    return found


def new_slug(source: SourceId, options: ImportOptions, srid: int | None) -> str:
    """The slug asked for, or a free one made from the title. Raises ImportRefused where the one asked for cannot be."""
    if options.slug:
        return _asked_slug(options.slug)
    base = slug_from(options.title or title_from(source.title, srid))
    slug, number = base, 2
    while Layer.objects.filter(slug=slug).exists() or _table_exists(table_for(slug)):
        slug, number = f"{base}-{number}", number + 1
    return slug


def _asked_slug(slug: str) -> str:
    if slug_from(slug) != slug:
        raise ImportRefused(
            _("Il nome %(slug)r non può stare in un indirizzo: usare ad esempio %(other)r.")
            % {"slug": slug[:80], "other": slug_from(slug)}
        )
    if _table_exists(table_for(slug)):
        raise ImportRefused(
            _("Il nome %(slug)s non è libero: c'è già una tabella con quel nome. Sceglierne un altro.") % {"slug": slug}
        )
    return slug


def table_for(slug: str) -> str:
    """The name of a new layer's table; a slug may begin with a digit, the name of a table may not."""
    name = slug.replace("-", "_")
    return f"t_{name}" if name[0].isdigit() else name


def _table_exists(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", ['"{}"."{}"'.format(*geodata_identifier(name))])
        (found,) = cursor.fetchone()
    return found is not None


def table_statistics(table: str, srid: int | None, geometry: str = "geom") -> Statistics:
    """Count and extents of a table or view, read from its rows."""
    identifiers = {"table": sql.Identifier(*geodata_identifier(table)), "geometry": sql.Identifier(geometry)}
    with connection.cursor() as cursor:
        if not geometry or srid is None:
            cursor.execute(sql.SQL(SQL["count"]).format(**identifiers))
            (features,) = cursor.fetchone()
            return Statistics(features, features, None, None)
        cursor.execute(sql.SQL(SQL["statistics"]).format(**identifiers))
        features, with_geometry, *bounds = cursor.fetchone()
    box: Bounds | None = (bounds[0], bounds[1], bounds[2], bounds[3]) if bounds[0] is not None else None
    degrees = degrees_bounds(CRS.from_epsg(srid), box) if box else None
    return Statistics(features, features - with_geometry, box, degrees)


@dataclass(slots=True)
class Facts:
    """What an import found out about its layer, to be written in the catalogue row."""

    values: dict[str, Any]
    columns: list[Column] = field(default_factory=list)


def register(layer: Layer | None, slug: str, source: SourceId, options: ImportOptions, facts: Facts) -> Layer:
    """Write the catalogue row: made new, or its data part replaced and everything a person edited kept."""
    is_new = layer is None
    if layer is None:
        layer = Layer(slug=slug, title_it=options.title or title_from(source.title, facts.values.get("srid")))
        layer.is_sample = options.is_sample
        layer.title_en = options.title_en
        if options.attribution:
            layer.attribution = options.attribution
    else:
        layer.data_version += 1
        layer.title_it = options.title or layer.title_it
    if options.theme:
        layer.theme = _theme(options.theme)
    if options.access:
        layer.access = options.access
    for name, value in facts.values.items():
        setattr(layer, name, value)
    layer.source_file = source.file.rsplit("/", 1)[-1][:255]
    layer.data_updated_at = timezone.now()
    layer.full_clean(exclude=["theme", "bbox", "storage_bbox", "raster_info"])
    layer.save()
    write_fields(layer, facts.columns, is_new)
    return layer


def _theme(slug: str) -> Theme:
    try:
        return Theme.objects.get(slug=slug)
    except Theme.DoesNotExist:
        known = ", ".join(Theme.objects.values_list("slug", flat=True)) or "-"
        raise ImportRefused(
            _("Il tema %(slug)s non esiste (ci sono: %(known)s).") % {"slug": slug, "known": known}
        ) from None


def write_fields(layer: Layer, columns: list[Column], is_new: bool) -> None:
    """Fields that stay keep their titles and rights; gone ones go, new ones come."""
    held = {} if is_new else {row.name: row for row in layer.fields.all()}
    for name in set(held) - {column.name for column in columns}:
        held[name].delete()
    fresh = []
    for position, column in enumerate(columns):
        row = held.get(column.name)
        if row is None:
            # A new field is never more open than its layer.
            fresh.append(
                Field(
                    layer=layer,
                    name=column.name,
                    source_name=column.source[:255],
                    type=column.type,
                    title_it=column.title,
                    position=position,
                    access=layer.access,
                )
            )
        elif (row.type, row.position, row.source_name) != (column.type, position, column.source[:255]):
            if row.type != column.type:
                row.codes = fitting(row.codes, column.type)
            row.type, row.position, row.source_name = column.type, position, column.source[:255]
            row.save(update_fields=["type", "codes", "position", "source_name"])
    Field.objects.bulk_create(fresh)
