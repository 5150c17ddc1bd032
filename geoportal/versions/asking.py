"""What a request asks of a layer's history, and what its asker may know of it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Max, Min
from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _

from layers.audit import note
from layers.catalogue import LayerEntry, catalogue
from layers.errors import BadQuery, LayerNotFound
from layers.models import Access, LayerVersion
from layers.rights import PUBLIC, Audience, audience_of
from layers.versions.comparing import CHANGES, LIMIT_MAX, Wanted

LISTED = 200
"""Versions on a page."""


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
    if layer.kind == "remote":
        raise Http404(_("Di un servizio di un altro ente non si tengono versioni."))
    if audience != PUBLIC:
        note(request.user, audience, layer, door)
    return Asked(layer, audience)


def history(request: HttpRequest, asked: Asked) -> list[LayerVersion]:
    """A page of the versions of a layer, the newest first; `prima` says before which. Raises BadQuery."""
    rows = LayerVersion.objects.filter(layer_id=asked.layer.id).select_related("user", "generation", "raster")
    before = whole(request, "prima", 0, 1, 2**31 - 1)
    return list((rows.filter(number__lt=before) if before else rows)[:LISTED])


def has_version(asked: Asked, number: int) -> bool:
    """Whether the layer has this version."""
    return LayerVersion.objects.filter(layer_id=asked.layer.id, number=min(number, 2**31 - 1)).exists()


def numbers(request: HttpRequest, asked: Asked) -> tuple[int, int]:
    """The two versions to compare: those asked for, or the last two. Raises BadQuery."""
    rows = LayerVersion.objects.filter(layer_id=asked.layer.id)
    oldest, newest = rows.aggregate(Min("number"), Max("number")).values()
    if newest is None:
        raise BadQuery("da", _("Questo livello non ha ancora una storia."))
    found = []
    for name, default in (("da", max(oldest, newest - 1)), ("a", newest)):
        text = request.GET.get(name, "") or str(default)
        if not text.isdecimal() or len(text) > 9 or not has_version(asked, int(text)):
            words = {"text": text[:20], "first": oldest, "last": newest}
            raise BadQuery(name, _("la versione %(text)s non c'è; ci sono da %(first)s a %(last)s.") % words)
        found.append(int(text))
    return found[0], found[1]


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
    if not (text.isdecimal() and len(text) <= 12 and low <= int(text) <= high):
        raise BadQuery(name, f"{text[:40]!r}: {low}–{high}.")
    return int(text)
