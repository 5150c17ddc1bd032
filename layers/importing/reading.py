"""One source layer, looked at, then written out for COPY. Runs in a reading process; answers are plain JSON values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from layers.importing.columns import columns_for
from layers.importing.crs import Bounds, StoragePlan, degrees_bounds, storage_plan
from layers.importing.errors import ImportRefused
from layers.importing.geometry import MULTI_OF, GeometryCounts, GeometryPlan, NeedsMulti, Shapes
from layers.importing.options import LIMITS
from layers.importing.rows import csv_rows
from layers.importing.sources import VectorSource


class Reading:
    """A source layer of which everything is known but its rows."""

    def __init__(self, source: VectorSource, known_srids: frozenset[int], *, swap: bool = False) -> None:
        self.source = source
        self.swap = swap
        """Whether the file has northing before easting."""
        box = source.bounds
        self.bounds = (box[1], box[0], box[3], box[2]) if box and swap else box
        self.shapes = Shapes()
        with source.batches() as batches:
            for batch in batches:
                self.shapes.add(batch.wkb.combine_chunks() if hasattr(batch.wkb, "combine_chunks") else batch.wkb)
        if self.shapes.has_curves:
            source.linearise()
        self.plan = StoragePlan(0, None) if source.is_table else storage_plan(source.crs, self.bounds, known_srids)
        self.columns, self.lost = columns_for(source.schema, source.json_fields)
        if len(self.columns) > LIMITS.columns:
            raise ImportRefused(_("Ha troppe colonne (%(count)s).") % {"count": len(self.columns)})
        self.target = "" if source.is_table else self.shapes.target()

    def facts(self) -> dict[str, Any]:
        """What the import needs to make the table, and what its report says."""
        source = self.source
        notes = list(source.notes) + source.rejected.examples
        return {
            "crs": "" if source.is_table else source.crs.name,
            "srid": source.crs.srid,
            "crs_how": source.crs.how,
            "crs_is_guess": source.crs.is_guess,
            "is_ballpark": self.plan.is_ballpark,
            "transformation": self.plan.note,
            "encoding": source.encoding.name if source.encoding else "",
            "encoding_how": source.encoding.how if source.encoding else "",
            "notes": notes,
            "rejected_lines": source.rejected.lines,
            "rejected_rows": source.rejected.count,
            "expected": source.expected,
            "columns": [
                {
                    "source": one.source,
                    "name": one.name,
                    "sql_type": one.sql_type,
                    "type": one.type.value,
                    "title": one.title,
                }
                for one in self.columns
            ],
            "geometry_type": self.target,
            "has_z": self.shapes.has_z,
            "storage_srid": self.plan.srid,
            "fits_web_mercator": self._fits_web_mercator(),
            "degrees": self._degrees(swapped=False),
            "turned": self._degrees(swapped=True),
        }

    def rows(self) -> Iterator[tuple[memoryview, int]]:
        """Text for COPY and the number of rows in it. Raises NeedsMulti, after which `target` is the multi type."""
        self.geometry = GeometryPlan(
            self.target, self.shapes.has_z, self.shapes.has_m, self.plan.transformer, swap=self.swap
        )
        try:
            with self.source.batches() as batches:
                for batch in batches:
                    plan = None if self.source.is_table else self.geometry
                    yield csv_rows(batch, self.columns, plan), batch.attributes.num_rows
        except NeedsMulti:
            self.target = MULTI_OF[self.target]
            raise

    def done(self) -> dict[str, Any]:
        """What was done to the shapes, once all rows have been given."""
        counts = self.geometry.counts
        return {
            "repaired": counts.repaired + counts.closed,
            "repairs": sorted(counts.listed),
            "notes": self._notes(counts),
        }

    def _degrees(self, *, swapped: bool) -> Bounds | None:
        """Where the data lies as it is read, or with its axes the other way round; None where that is nowhere."""
        box = self.bounds
        if box is None or self.source.is_table:
            return None
        try:
            return degrees_bounds(self.source.crs.crs, (box[1], box[0], box[3], box[2]) if swapped else box)
        except ImportRefused:
            return None

    def _fits_web_mercator(self) -> bool:
        if self.source.is_table:
            return False
        degrees = degrees_bounds(self.source.crs.crs, self.bounds) if self.bounds else None
        return degrees is None or (degrees[1] > -89.0 and degrees[3] < 89.0)

    def _notes(self, counts: GeometryCounts) -> list[str]:
        texts = [
            (counts.repaired, _("%(count)s geometrie non valide riparate")),
            (counts.closed, _("%(count)s anelli aperti chiusi")),
            (counts.promoted, _("%(count)s geometrie singole portate a multiple")),
            (counts.empty, _("%(count)s geometrie vuote")),
            (counts.unusable, _("%(count)s geometrie inutilizzabili, righe tenute senza geometria")),
            (self.shapes.curves, _("%(count)s archi e superfici curve portati a linee spezzate")),
        ]
        notes = [text % {"count": count} for count, text in texts if count]
        if self.swap:
            notes.append(_("coordinate est e nord scambiate come chiesto"))
        if self.shapes.has_m:
            notes.append(_("valori M non conservati"))
        if self.lost:
            notes.append(_("colonne binarie non importate: %(names)s") % {"names": ", ".join(self.lost)})
        return [self.plan.note, *notes] if self.plan.note else notes
