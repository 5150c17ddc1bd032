"""A good first style for a layer that has none."""

from layers.styles.geometry import drawn_as
from layers.styles.model import StyleSpec, Symbol
from layers.styles.palette import colour_of, darker


def default_style(slug: str, geometry_type: str) -> StyleSpec:
    """One symbol in the layer's own colour: what is underneath stays readable, and neighbours stay apart."""
    colour = colour_of(slug)
    kinds = drawn_as(geometry_type)
    if kinds == ("line",):
        return StyleSpec(symbol=Symbol(fill=colour, stroke=colour, stroke_width=2.0))
    if kinds == ("point",):
        return StyleSpec(symbol=Symbol(fill=colour, fill_opacity=0.9, stroke="#ffffff", stroke_width=1.0, size=9.0))
    return StyleSpec(symbol=Symbol(fill=colour, fill_opacity=0.35, stroke=darker(colour), stroke_width=1.0, size=9.0))
