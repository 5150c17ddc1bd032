"""The styles of a layer that an audience may be shown, and the one a request names."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import msgspec

from layers.catalogue import LayerEntry
from layers.errors import StyleNotFound
from layers.rights import PUBLIC, Audience, may_see
from layers.styles.defaults import default_style
from layers.styles.model import StyleError, StyleSpec, fields_of, parse

DEFAULT_NAME = "predefinito"


@dataclass(frozen=True, slots=True)
class NamedStyle:
    """One style as services name it."""

    name: str
    title_it: str
    title_en: str
    spec: StyleSpec


def offered(layer: LayerEntry, audience: Audience) -> tuple[NamedStyle, ...]:
    """The layer's styles, its default first; never empty.

    A style that draws by an attribute the audience may not see is left out, since its classes tell the values; a label
    of such an attribute is taken off.
    """
    open_to = {entry.name for entry in layer.visible_fields(audience)}
    found = []
    for entry in layer.styles:
        try:
            spec = parse(entry.spec)
        except StyleError:
            continue  # reported where it is edited
        if not fields_of(spec) <= open_to:
            continue
        if spec.label is not None and spec.label.field not in open_to:
            spec = msgspec.structs.replace(spec, label=None)
        found.append(NamedStyle(entry.name, entry.title_it, entry.title_en, spec))
    plain = default_style(layer.slug, layer.geometry_type)
    return tuple(found) or (NamedStyle(DEFAULT_NAME, "Predefinito", "Default", plain),)


def style_named(layer: LayerEntry, audience: Audience, name: str) -> NamedStyle:
    """One offered style; the first for "" and "default". Raises StyleNotFound listing those there are."""
    styles = offered(layer, audience)
    if name in {"", "default"}:
        return styles[0]
    for style in styles:
        if style.name == name:
            return style
    raise StyleNotFound(layer.slug, name, [style.name for style in styles])


def looks_the_same_to_all(layer: LayerEntry) -> bool:
    """Whether the layer is public and every asker is offered the same styles of it."""
    return may_see(PUBLIC, layer) and all(may_see(PUBLIC, entry) for entry in layer.fields)


def picture_version(layer: LayerEntry, style: StyleSpec) -> str:
    """Changes with the data and with the style: part of the address of a picture that is kept for ever."""
    if layer.kind == "raster" and style.raster is None:
        return str(layer.data_version)
    digest = hashlib.blake2b(repr(style).encode(), digest_size=4).hexdigest()
    return f"{layer.data_version}-{digest}"
