"""Marks and hatches as small SVG files, which is the only form Mapnik takes them in. Named by what they hold."""

from __future__ import annotations

import atexit
import hashlib
import shutil
import tempfile
from functools import cache, lru_cache
from pathlib import Path

from layers.styles.model import Symbol

_OUTLINES = {
    "square": "M-1 -1L1 -1L1 1L-1 1Z",
    "triangle": "M0 -1L1 1L-1 1Z",
    "diamond": "M0 -1L1 0L0 1L-1 0Z",
    "cross": "M-{t} -1L{t} -1L{t} -{t}L1 -{t}L1 {t}L{t} {t}L{t} 1L-{t} 1L-{t} {t}L-1 {t}L-1 -{t}L-{t} -{t}Z",
}
_FRAME = "M0 0L16 0L16 16L0 16Z"
_BANDS = {
    "diagonal": "M0 6.94L6.94 0L9.06 0L0 9.06ZM16 6.94L16 9.06L9.06 16L6.94 16Z",
    "backdiagonal": "M6.94 0L9.06 0L16 6.94L16 9.06ZM0 6.94L9.06 16L6.94 16L0 9.06Z",
    "horizontal": "M0 3.25L16 3.25L16 4.75L0 4.75ZM0 11.25L16 11.25L16 12.75L0 12.75Z",
    "vertical": "M3.25 0L4.75 0L4.75 16L3.25 16ZM11.25 0L12.75 0L12.75 16L11.25 16Z",
}
_HATCHES = {**_BANDS, "cross": _BANDS["diagonal"] + _BANDS["backdiagonal"]}
"""Lines as fields that end at the tile's edge: Mapnik's tile is the box around all that is drawn, not the SVG's own."""


def shape_file(symbol: Symbol, scale: float) -> Path:
    """A point's mark, `scale` times as large as the style says."""
    half, stroke = symbol.size * scale / 2, symbol.stroke_width
    side = 2 * half + 2 * stroke + 2
    outline = _scaled(_OUTLINES[symbol.shape].format(t="0.3333"), half)
    return _file(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{side:.2f}" height="{side:.2f}" '
        f'viewBox="{-side / 2:.2f} {-side / 2:.2f} {side:.2f} {side:.2f}">'
        f'<path d="{outline}" fill="{symbol.fill}" fill-opacity="{symbol.fill_opacity:g}" '
        f'stroke="{symbol.stroke}" stroke-width="{stroke:g}" stroke-opacity="{1 if stroke else 0}"/></svg>'
    )


def hatch_file(symbol: Symbol) -> Path:
    """A tile of 16 x 16 pixels that repeats."""
    return _file(
        '<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16">'
        f'<path d="{_FRAME}" fill="{symbol.fill}" fill-opacity="0"/>'
        f'<path d="{_HATCHES[symbol.hatch]}" fill="{symbol.fill}" fill-opacity="{symbol.fill_opacity:g}"/></svg>'
    )


def _scaled(path: str, half: float) -> str:
    found = []
    for word in path.replace("L", " L ").replace("M", " M ").replace("Z", " Z ").split():
        found.append(word if word in "MLZ" else f"{float(word) * half:.3f}")
    return " ".join(found)


@lru_cache(maxsize=2048)
def _file(text: str) -> Path:
    path = _folder() / f"{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}.svg"
    path.write_text(text, encoding="utf-8")
    return path


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="geoportal-marks-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
