"""The page where people make and revoke their access tokens."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from geoportal.accounts import tokens as service
from geoportal.accounts.forms import TokenForm
from geoportal.accounts.models import AccessToken
from geoportal.models import User

MOST_TOKENS = 50


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables("secret")
def tokens(request: HttpRequest) -> HttpResponse:
    """The asker's tokens; a POST makes one, whose secret stands in that one answer and nowhere else."""
    user = _person(request)
    form = TokenForm(request.POST if request.method == "POST" else None)
    secret = ""
    if request.method == "POST" and form.is_valid():
        if AccessToken.objects.filter(user=user, revoked_at=None).count() >= MOST_TOKENS:
            form.add_error(None, _("Ci sono già %(count)d gettoni attivi: revocane uno.") % {"count": MOST_TOKENS})
        else:
            _token, secret = service.create(user, form.cleaned_data["name"], form.expires_at)
            form = TokenForm()
    root = settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")
    context = {
        "form": form,
        "secret": secret,
        "tokens": AccessToken.objects.filter(user=user),
        "ogc_address": f"{root}/ogc/",
    }
    return render(request, "geoportal/accounts/tokens.html", context)


@login_required
@require_POST
def revoke(request: HttpRequest, number: int) -> HttpResponse:
    """Revoke one of the asker's own tokens, from the next request on."""
    user = _person(request)
    token = get_object_or_404(AccessToken, pk=number, user=user)
    service.revoke(token)
    messages.success(request, _("Il gettone «%(name)s» è revocato.") % {"name": token.name})
    return redirect("tokens")


def _person(request: HttpRequest) -> User:
    """Who is signed in with a password: a stolen token must not be able to make others that outlive it.

    Raises PermissionDenied for a program that speaks by a token.
    """
    user = request.user
    if not isinstance(user, User) or user.token_id is not None:
        raise PermissionDenied("access tokens are managed by people signed in with their password")
    return user
