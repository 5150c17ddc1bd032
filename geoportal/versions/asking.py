"""What a request asks of a layer's history, and what its asker may know of it."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _

from layers.audit import note
from layers.catalogue import LayerEntry, catalogue
from layers.errors import BadQuery, LayerNotFound
from layers.models import Access, LayerVersion
from layers.rights import PUBLIC, Audience, audience_of
from layers.versions.comparing import CHANGES, LIMIT_MAX, Wanted


@dataclass(frozen=True, slots=True)
class Asked:
    """A layer and who asks about it."""

    layer: LayerEntry
    audience: Audience

    @property
    def is_of_the_house(self) -> bool:
        """Whether names of people and of files may be told."""
        return self.audience.sees_all or Access.INTERNAL.value in self.audience.levels


def asked(request: HttpRequest, slug: str, door: str) -> Asked:
    """The layer of a request, its read noted where it is restricted. Raises Http404, the same for a forbidden one."""
    audience = audience_of(request.user)
    try:
        layer = catalogue().layer(slug, audience)
    except LayerNotFound as error:
        raise Http404(_("Questo livello non c'è.")) from error
    if layer.kind != "vector":
        raise Http404(_("Un raster non ha versioni da confrontare."))
    if audience != PUBLIC:
        note(request.user, audience, layer, door)
    return Asked(layer, audience)


def history(asked: Asked) -> list[LayerVersion]:
    """The versions of a layer, the newest first."""
    return list(LayerVersion.objects.filter(layer_id=asked.layer.id).select_related("user", "generation"))


def numbers(request: HttpRequest, versions: list[LayerVersion]) -> tuple[int, int]:
    """The two versions to compare: those asked for, or the last two. Raises BadQuery."""
    known = [version.number for version in versions]
    if not known:
        raise BadQuery("da", _("Questo livello non ha ancora una storia."))
    first = _number(request, "da", known, known[1] if len(known) > 1 else known[0])
    return first, _number(request, "a", known, known[0])


def _number(request: HttpRequest, name: str, known: list[int], default: int) -> int:
    text = request.GET.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or len(text) > 9 or int(text) not in known:
        raise BadQuery(
            name, _("la versione %(text)s non c'è; ci sono da 1 a %(last)s.") % {"text": text[:20], "last": known[0]}
        )
    return int(text)


def wanted(request: HttpRequest, page: int) -> Wanted:
    """Which differences. Raises BadQuery."""
    only = request.GET.get("solo", "")
    if only not in ("", *CHANGES):
        raise BadQuery("solo", f"{only[:40]!r}: {', '.join(CHANGES)}.")
    key = tuple(name.strip() for name in request.GET.get("chiave", "").split(",") if name.strip())
    return Wanted(
        only=only,
        limit=whole(request, "limit", page, 1, LIMIT_MAX),
        offset=whole(request, "offset", 0, 0, 10_000_000),
        key=key[:8],
    )


def whole(request: HttpRequest, name: str, default: int, low: int, high: int) -> int:
    """A whole number within limits. Raises BadQuery."""
    text = request.GET.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or not low <= int(text[:12]) <= high:
        raise BadQuery(name, f"{text[:40]!r}: {low}–{high}.")
    return int(text)
