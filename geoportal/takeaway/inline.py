"""folium without its content delivery networks: every script, style and picture stands inside the file."""

from __future__ import annotations

import base64
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import folium
from branca.element import Element, Figure, MacroElement
from django.conf import settings
from jinja2 import Template

_URL = re.compile(r"url\((?!data:)[\"']?([^)\"'#]+)[\"']?\)")


class InlineMap(folium.Map):
    """A folium map whose page loads nothing: Leaflet is written into it; folium's other defaults are not needed."""

    default_js: list[tuple[str, str]] = []
    default_css: list[tuple[str, str]] = []

    def __init__(self, **options: Any) -> None:
        super().__init__(tiles=None, **options)
        header = self.figure.header
        header.add_child(Verbatim(f"<style>{leaflet_css()}</style>"), name="leaflet_css")
        header.add_child(Verbatim(f"<script>{leaflet_js()}</script>"), name="leaflet_js")

    @property
    def figure(self) -> Figure:
        """The whole page that the map stands in."""
        root = self.get_root()
        if not isinstance(root, Figure):
            raise TypeError(f"a folium map stands in a Figure, found {type(root).__name__}")
        return root


class Verbatim(Element):
    """Text that goes into the page as it is, not read as a template."""

    _template = Template("{{ this.text }}")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class HtmlPopup(MacroElement):
    """Text beside a mark, as HTML. folium's own popup needs jQuery, which would only be there for this."""

    _template = Template("""
        {% macro script(this, kwargs) %}
        {{ this._parent.get_name() }}.bindPopup({{ this.text | tojson }}, {maxWidth: 300});
        {% endmacro %}
    """)

    def __init__(self, text: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.text = text


@cache
def leaflet_js() -> str:
    """Leaflet's code without the reference to its source map, and its default marker with the pictures inside."""
    text = (_folder() / "leaflet.js").read_text(encoding="utf-8")
    code = re.sub(r"//# sourceMappingURL=\S*", "", text).replace("</script", "<\\/script")
    # folium puts each marker on the map before it sets the marker's icon: the default one is asked for in between.
    pictures = {"iconUrl": "marker-icon.png", "iconRetinaUrl": "marker-icon-2x.png", "shadowUrl": "marker-shadow.png"}
    options = json.dumps({name: _data_url(_folder() / "images" / file) for name, file in pictures.items()})
    return f"{code}\nL.Icon.Default.imagePath = ''; L.Icon.Default.mergeOptions({options});"


@cache
def leaflet_css() -> str:
    """Leaflet's style sheet with its pictures inside."""

    def inlined(match: re.Match[str]) -> str:
        path = _folder() / match[1]
        if not path.is_file():
            return "none"
        return f"url({_data_url(path)})"

    return _URL.sub(inlined, (_folder() / "leaflet.css").read_text(encoding="utf-8"))


def _data_url(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"


def _folder() -> Path:
    return Path(settings.BASE_DIR) / "node_modules" / "leaflet" / "dist"
