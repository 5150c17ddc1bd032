"""Asking somebody to log in, without letting them believe that their form went through."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _


def ask_to_log_in(request: HttpRequest) -> HttpResponse:
    """The log-in page, which leads back to where the reader was: of a sent form, to the page it stood on."""
    if request.method in ("GET", "HEAD"):
        return redirect_to_login(request.get_full_path())
    messages.warning(
        request, _("L'accesso era scaduto e il modulo non è stato salvato. Dopo l'accesso ritrovi la sua pagina.")
    )
    came_from = request.headers.get("referer", "")
    if not url_has_allowed_host_and_scheme(came_from, {request.get_host()}):
        return redirect_to_login("/")
    place = urlsplit(came_from)
    return redirect_to_login(f"{place.path}?{place.query}" if place.query else place.path)
