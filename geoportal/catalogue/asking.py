"""The layer that an address names, for who asks."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _

from layers.audit import note
from layers.catalogue import LayerEntry, catalogue
from layers.errors import LayerNotFound
from layers.rights import Audience, audience_of


def layer_of(request: HttpRequest, slug: str, door: str) -> tuple[LayerEntry, Audience]:
    """A layer the asker may see; who reads a restricted one is written down. Raises Http404, the same for both."""
    audience = audience_of(request.user)
    try:
        found = catalogue().layer(slug, audience)
    except LayerNotFound as error:
        raise Http404(_("Questo livello non c'è.")) from error
    note(request.user, audience, found, door)
    return found, audience


def site_base(request: HttpRequest) -> str:
    """Absolute address of the site, without a slash at the end."""
    return settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")
