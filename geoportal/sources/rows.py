"""Sources as an asker may see them: those of layers that are open to them, more of them for who keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from geoportal.map_page import in_language
from layers.catalogue import Catalogue, LayerEntry
from layers.models import Source, SourceState
from layers.rights import Audience, may_keep, may_see

Health = SourceState.Health


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One line of the page. `layer` is None before the first harvest."""

    source: Source
    state: SourceState
    layer: LayerEntry | None
    is_kept: bool
    """Whether the asker is its steward: only then addresses, errors and buttons are shown."""

    @property
    def layer_title(self) -> str:
        return in_language(self.layer.title_it, self.layer.title_en) if self.layer else ""

    @property
    def health(self) -> str:
        """`paused` before all else; then what the state says."""
        return self.state.health if self.source.is_enabled else "paused"

    @property
    def next_at(self) -> datetime | None:
        """When it is asked again: a failing one sooner than its schedule says."""
        if not self.source.is_enabled:
            return None
        if self.state.health == Health.FAILING and self.state.retry_at:
            return max(self.state.retry_at, timezone.now())
        return self.state.next_run_at


def source_rows(held: Catalogue, audience: Audience) -> list[SourceRow]:
    """Every source that this audience may know of, those in trouble first."""
    layers = {layer.id: layer for layer in held.layers.values()}
    found = []
    for source in Source.objects.select_related("state", "theme"):
        layer = layers.get(source.layer_id) if source.layer_id else None
        kept = is_keeper(held, audience, source, layer)
        if kept or (layer is not None and may_see(audience, layer)):
            found.append(SourceRow(source, source.state, layer, kept))
    order = {Health.FAILING.value: 0, Health.CHANGED.value: 1, Health.NEW.value: 2}
    return sorted(found, key=lambda row: (order.get(row.state.health, 3), row.source.title))


def row_of(layer: LayerEntry) -> SourceRow | None:
    """The source of a layer that the asker is known to see, as everyone sees it."""
    source = Source.objects.select_related("state").filter(layer_id=layer.id).first()
    return SourceRow(source, source.state, layer, False) if source else None


def is_keeper(held: Catalogue, audience: Audience, source: Source, layer: LayerEntry | None) -> bool:
    """Whether this audience keeps a source: its layer's steward who may see it, or the steward of where it will be."""
    if layer is not None:
        return may_keep(audience, layer) and may_see(audience, layer)
    theme = next((one for one in held.themes if source.theme and one.slug == source.theme.slug), None)
    return may_keep(audience, theme)


def as_json(row: SourceRow) -> dict[str, Any]:
    """One source for the map and for programs."""
    layer = row.layer
    return {
        "title": row.source.title,
        "office": row.source.office,
        "kind": row.source.kind,
        "layer": {"slug": layer.slug, "title": row.layer_title} if layer else None,
        "health": row.health,
        "since": row.state.since,
        "last_success": row.state.succeeded_at,
        "next": row.next_at,
    }
