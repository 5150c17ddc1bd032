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
_HATCHES = {
    "diagonal": "M-4 12L12 -4M4 20L20 4",
    "cross": "M-4 12L12 -4M4 20L20 4M-4 4L12 20M4 -4L20 12",
    "backdiagonal": "M-4 4L12 20M4 -4L20 12",
    "horizontal": "M0 4L16 4M0 12L16 12",
    "vertical": "M4 0L4 16M12 0L12 16",
}


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
        f'<path d="{_HATCHES[symbol.hatch]}" fill="none" stroke="{symbol.fill}" '
        f'stroke-opacity="{symbol.fill_opacity:g}" stroke-width="1.5"/></svg>'
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
