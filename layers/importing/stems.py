"""A file's name without its extensions."""

from __future__ import annotations

from pathlib import Path

_SECOND_SUFFIXES = {".gz", ".json", ".topo", ".csv", ".geojson"}


def stem_of(path: Path) -> str:
    """The file's name without its extensions (`.csv.gz`, `.topo.json`)."""
    stem = path.name
    for suffix in reversed(path.suffixes[-2:]):
        if suffix.lower() in _SECOND_SUFFIXES or suffix == path.suffix:
            stem = stem.removesuffix(suffix)
    return stem or path.name
