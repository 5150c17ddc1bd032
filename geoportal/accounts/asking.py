"""Asking somebody to log in, without letting them believe that their form went through."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme


def ask_to_log_in(request: HttpRequest) -> HttpResponse:
    """The log-in page, which leads back to where the reader was: of a sent form, to the page it stood on."""
    if request.method in ("GET", "HEAD"):
        return redirect_to_login(request.get_full_path())
    came_from, place = request.headers.get("referer", ""), "/"
    if url_has_allowed_host_and_scheme(came_from, {request.get_host()}):
        parts = urlsplit(came_from)
        place = f"{parts.path}?{parts.query}" if parts.query else parts.path
    # In the address, not in the session: who never logged in gets none by sending forms.
    return redirect_to_login(place, f"{resolve_url('login')}?{urlencode({'non-salvato': 1})}")
