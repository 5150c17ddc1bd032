"""Tags of the site's templates."""

from datetime import UTC, datetime

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.timezone import now
from django.utils.translation import gettext as _

from geoportal import marks
from geoportal.map_page import in_language
from layers.catalogue import LayerEntry
from layers.models import Layer

register = template.Library()


@register.simple_tag
def health_mark(health: str, size: int = 24) -> SafeString:
    """The mark of a health word, as inline SVG without text."""
    return marks.mark_svg(health, size)


@register.filter
def health_text(health: str) -> str:
    """The health word in the reader's language."""
    return str(marks.mark_of(health).text)


@register.simple_tag
def icon(name: str, size: str = "sm") -> SafeString:
    """An icon of Bootstrap Italia's sprite, hidden from screen readers."""
    sprite = static("vendor/bootstrap-italia/svg/sprites.svg")
    return format_html(
        '<svg class="icon icon-{}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        size,
        sprite,
        name,
    )


@register.filter
def title_of(layer: LayerEntry | Layer) -> str:
    """The layer's title in the reader's language."""
    return in_language(layer.title_it, layer.title_en)


@register.filter
def iso(moment: datetime | None) -> str:
    """An instant for `datetime` attributes, in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment else ""


@register.filter
def ago(moment: datetime) -> str:
    """How long something has lasted, in words; under a minute too, of which Django makes no minutes at all."""
    return _("meno di un minuto") if (now() - moment).total_seconds() < 60 else timesince(moment)
