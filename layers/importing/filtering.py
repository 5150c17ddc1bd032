"""Only some rows of a source: those whose columns have given values. Runs in a reading process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.utils.translation import gettext as _

from layers.importing.errors import ImportRefused
from layers.importing.sources import Batch, VectorSource


class FilteredSource:
    """A source that gives the rows whose columns, as texts, equal the values asked for."""

    def __init__(self, source: VectorSource, where: Mapping[str, str]) -> None:
        self._source, self._where = source, dict(where)
        unknown = [name for name in where if name not in source.schema.names]
        if unknown:
            raise ImportRefused(
                _("Il file non ha la colonna %(name)s per cui filtrare (ha: %(known)s).")
                % {"name": unknown[0][:80], "known": ", ".join(source.schema.names)[:300]}
            )
        self.expected: int | None = None
        texts = ", ".join(f"{name} = {value}" for name, value in where.items())
        self.notes = [*source.notes, _("solo le righe con %(filter)s") % {"filter": texts[:300]}]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    @contextmanager
    def batches(self) -> Iterator[Iterator[Batch]]:
        """As the source's, without the other rows."""
        with self._source.batches() as batches:
            yield (kept for batch in batches if (kept := self._kept(batch)) is not None)

    def _kept(self, batch: Batch) -> Batch | None:
        mask: Any = None
        for name, value in self._where.items():
            same = pc.equal(batch.attributes.column(name).cast(pa.string()), value)
            mask = same if mask is None else pc.and_kleene(mask, same)
        wkb = batch.wkb.combine_chunks() if isinstance(batch.wkb, pa.ChunkedArray) else batch.wkb
        flat = mask.combine_chunks() if isinstance(mask, pa.ChunkedArray) else mask
        table = batch.attributes.filter(flat)
        return Batch(table, wkb.filter(flat)) if table.num_rows else None
