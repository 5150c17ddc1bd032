"""The position of a device in a form: two numbers that work everywhere, and a map of our own layers to click on.

GeoDjango's own widgets load a map library and tiles from other hosts; this site asks no other host for anything.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.gis.geos import Point
from django.core.exceptions import ValidationError
from django.forms.widgets import Script
from django.utils.translation import gettext_lazy as _

SRID = 32632
WGS84 = 4326
AROUND = (9.0, 44.5, 11.5, 45.7)
"""West, south, east, north in degrees: wide around the city, enough to catch swapped or projected coordinates."""


class PositionWidget(forms.MultiWidget):
    """Longitude and latitude in degrees, with a map beside them where scripts run."""

    template_name = "monitoring/position.html"

    class Media:
        css = {"all": ["vendor/maplibre-gl/maplibre-gl.css", "monitoring/position.css"]}
        js = [Script("monitoring/position.js", type="module")]

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        number = {"step": "any", "inputmode": "decimal", **(attrs or {})}
        widgets: dict[str, forms.Widget | type[forms.Widget]] = {
            "lon": forms.NumberInput(number),
            "lat": forms.NumberInput(number),
        }
        super().__init__(widgets)

    def decompress(self, value: Any) -> list[float | None]:
        if not isinstance(value, Point) or value.empty:
            return [None, None]
        point = value.clone()
        point.transform(WGS84)
        return [round(point.x, 7), round(point.y, 7)]


class PositionField(forms.MultiValueField):
    """A point of the city, kept in EPSG:32632."""

    widget = PositionWidget

    def __init__(self, **options: Any) -> None:
        fields = (forms.FloatField(label=_("Longitudine")), forms.FloatField(label=_("Latitudine")))
        options.setdefault("label", _("Posizione"))
        options.setdefault("help_text", _("Longitudine e latitudine in gradi (WGS 84); oppure un clic sulla mappa."))
        super().__init__(fields, require_all_fields=True, **options)

    def compress(self, data_list: list[float]) -> Point | None:
        if not data_list:
            return None
        lon, lat = data_list
        west, south, east, north = AROUND
        if not (west <= lon <= east and south <= lat <= north):
            raise ValidationError(
                _(
                    "Il punto %(lon)s, %(lat)s è lontano da Cremona: servono gradi, prima la longitudine (circa 10) "
                    "e poi la latitudine (circa 45)."
                ),
                params={"lon": lon, "lat": lat},
            )
        point = Point(lon, lat, srid=WGS84)
        point.transform(SRID)
        return point
