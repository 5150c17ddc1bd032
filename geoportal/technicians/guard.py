"""Who may enter the technicians' pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control

from geoportal.accounts.asking import ask_to_log_in
from geoportal.context import is_technician

View = Callable[..., HttpResponse]


def for_technicians(view: View) -> View:
    """The log-in page for who has not signed in, 403 for who may not; nothing is cached on the way."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return ask_to_log_in(request)
        if not is_technician(request.user):
            raise PermissionDenied
        response = view(request, *args, **kwargs)
        patch_cache_control(response, private=True, no_store=True)
        return response

    return guarded
