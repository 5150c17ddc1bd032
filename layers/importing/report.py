"""The import report: a table for people at a terminal, JSON for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from layers.importing.models import ImportOutcome

_FILE_WIDTH = 70
_REASON_WIDTH = 100


def table(outcomes: Sequence[ImportOutcome]) -> str:
    """One line for each outcome: result, file, layer, features, CRS, seconds, and why where it was refused."""
    header = (_("esito"), _("file"), _("livello"), _("elementi"), _("CRS"), "s", _("note"))
    rows = [header, *(_row(outcome) for outcome in outcomes)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(header) - 1)]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append("  ".join([*cells, row[-1]]).rstrip())
    return "\n".join(lines)


def _row(outcome: ImportOutcome) -> tuple[str, ...]:
    name = outcome.file if not outcome.source_layer else f"{outcome.file} [{outcome.source_layer}]"
    crs = outcome.crs_found
    if outcome.storage_srid and crs != f"EPSG:{outcome.storage_srid}":
        crs = f"{crs}→{outcome.storage_srid}"
    return (
        outcome.get_result_display(),
        name if len(name) <= _FILE_WIDTH else f"…{name[1 - _FILE_WIDTH :]}",
        outcome.layer.slug if outcome.layer else "-",
        "-" if outcome.features is None else str(outcome.features),
        crs[:30] or "-",
        f"{outcome.seconds:.2f}",
        _remarks(outcome),
    )


def _remarks(outcome: ImportOutcome) -> str:
    if outcome.reason:
        return Truncator(outcome.reason).chars(_REASON_WIDTH)
    counts = (
        (outcome.null_geometries, _("%(count)s senza geometria")),
        (outcome.repaired, _("%(count)s riparate")),
        (outcome.rejected_rows, _("%(count)s righe scartate")),
    )
    texts = [text % {"count": count} for count, text in counts if count]
    if row_changes := outcome.changes:
        texts.insert(0, in_numbers(row_changes))
    if outcome.encoding and outcome.encoding != "utf-8":
        texts.append(outcome.encoding)
    return ", ".join(texts)


def in_numbers(changes: dict[str, Any]) -> str:
    """An update's numbers in one sentence."""
    values = {name: changes.get(name, 0) for name in ("added", "changed", "removed", "unchanged")}
    text = _("%(added)s aggiunti, %(changed)s cambiati, %(removed)s tolti, %(unchanged)s invariati") % values
    return f"pixel: {text}" if changes.get("unit") == "pixel" else text


def summary(outcomes: Sequence[ImportOutcome]) -> str:
    """How many of each result, in one sentence."""
    counts = Counter(outcome.result for outcome in outcomes)
    result = ImportOutcome.Result
    words = {
        result.IMPORTED: ngettext("importato", "importati", counts[result.IMPORTED]),
        result.PARTLY: ngettext("importato in parte", "importati in parte", counts[result.PARTLY]),
        result.UNCHANGED: ngettext("invariato", "invariati", counts[result.UNCHANGED]),
        result.CHECKED: ngettext("solo confrontato", "solo confrontati", counts[result.CHECKED]),
        result.REFUSED: ngettext("rifiutato", "rifiutati", counts[result.REFUSED]),
    }
    return ", ".join(f"{counts[one]} {word}" for one, word in words.items() if counts[one]) or _("nessun file")


def as_json(outcomes: Sequence[ImportOutcome]) -> list[dict[str, Any]]:
    """Everything the report knows, for programs."""
    return [
        {
            "file": row.file,
            "source_layer": row.source_layer,
            "format": row.format,
            "result": row.result,
            "reason": row.reason,
            "layer": row.layer.slug if row.layer else None,
            "features": row.features,
            "geometry_type": row.geometry_type,
            "crs": {"found": row.crs_found, "how": row.crs_how, "storage_srid": row.storage_srid},
            "encoding": {"found": row.encoding, "how": row.encoding_how},
            "null_geometries": row.null_geometries,
            "repaired": row.repaired,
            "repairs": row.repairs,
            "rejected_rows": row.rejected_rows,
            "rejected_lines": row.rejected_lines,
            "changes": row.changes,
            "notes": row.notes,
            "seconds": row.seconds,
            "sha256": row.checksum,
        }
        for row in outcomes
    ]
