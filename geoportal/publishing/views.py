"""Publishing in the browser: bring files, see what they are, choose, import, read the report.

Every step is a form and a page; the scripts only spare the person from pressing reload.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from geoportal.accounts.asking import ask_to_log_in
from geoportal.map_page import in_language
from geoportal.map_texts import map_texts
from geoportal.models import User
from geoportal.publishing.forms import ENCODINGS, choices_of, kept_themes, replaceable
from geoportal.publishing.receiving import receives_files, too_large
from geoportal.publishing.review import modes, reviewed
from geoportal.publishing.told import left_out, outcomes_of
from layers.importing.errors import ImportRefused
from layers.models import Access
from layers.publishing import services
from layers.publishing.models import Upload
from layers.rights import audience_of, is_steward

View = Callable[..., HttpResponse]
_SHOWN = 20


def for_stewards(view: View) -> View:
    """The log-in page for who has not signed in, 403 for who may not; nothing is cached on the way."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return ask_to_log_in(request)
        if not is_steward(request.user):
            raise PermissionDenied
        response = view(request, *args, **kwargs)
        patch_cache_control(response, private=True, no_store=True)
        return response

    return guarded


def steward_of(request: HttpRequest) -> User:
    """Who asks; only where the asker is known to have signed in."""
    return cast(User, request.user)


def upload_of(user: User, id: UUID) -> Upload:
    """An upload of this person; administrators see everyone's. Raises Http404."""
    rows = Upload.objects.select_related("inspection", "publication", "user")
    upload = rows.filter(pk=id).first()
    if upload is None or not (user.is_superuser or upload.user_id == user.pk):
        raise Http404(_("Questo caricamento non c'è."))
    return upload


@require_http_methods(["GET", "POST"])
@receives_files
@for_stewards
def start(request: HttpRequest) -> HttpResponse:
    """Where files are dropped, and one's latest uploads."""
    if request.method == "POST":
        try:
            upload = services.bring(steward_of(request), request.FILES.getlist("files"))
        except ImportRefused as error:
            messages.error(request, too_large() if request.META.get("geoportal.too_large") else str(error))
            return redirect("publish")
        return redirect("publish-upload", id=upload.pk)
    rows = Upload.objects.select_related("inspection", "publication").filter(user=steward_of(request))[:_SHOWN]
    config = {"texts": _texts(), "kind": "start"}
    return render(request, "geoportal/publishing/start.html", {"uploads": rows, "config": config})


@require_GET
@for_stewards
def upload_page(request: HttpRequest, id: UUID) -> HttpResponse:
    """The step an upload is at: being looked at, to be chosen from, being imported, done."""
    upload = upload_of(steward_of(request), id)
    phase = upload.phase
    template = {"review": "review", "done": "done", "failed": "done", "cancelled": "done"}.get(phase, "waiting")
    files = reviewed(upload) if phase == "review" else []
    context = {
        "upload": upload,
        "phase": phase,
        "job": upload.publication or upload.inspection,
        "files": files,
        "outcomes": outcomes_of(upload),
        "left_out": left_out(upload) if template == "done" else [],
        "themes": [
            (theme.slug, in_language(theme.title_it, theme.title_en))
            for theme in kept_themes(audience_of(request.user))
        ],
        "access": Access.choices,
        "replaceable": replaceable(audience_of(request.user)) if phase == "review" else [],
        "encodings": ENCODINGS,
        "modes": modes(),
        "config": _config(upload, files),
    }
    return render(request, f"geoportal/publishing/{template}.html", context)


@require_POST
@for_stewards
def look_again(request: HttpRequest, id: UUID) -> HttpResponse:
    """Look at the files once more, with the systems and encodings now chosen."""
    return _act(request, id, lambda upload, audience: services.look_again(
        upload, choices_of(request.POST, upload, audience, only_ticked=False)
    ))  # fmt: skip


@require_POST
@for_stewards
def import_chosen(request: HttpRequest, id: UUID) -> HttpResponse:
    """Import the ticked layers."""
    return _act(request, id, lambda upload, audience: services.publish(
        upload, choices_of(request.POST, upload, audience, only_ticked=True)
    ))  # fmt: skip


@require_POST
@for_stewards
def call_off(request: HttpRequest, id: UUID) -> HttpResponse:
    """Stop what is under way."""
    return _act(request, id, lambda upload, _audience: services.call_off(upload))


def _act(request: HttpRequest, id: UUID, act: Callable[[Upload, Any], None]) -> HttpResponse:
    upload = upload_of(steward_of(request), id)
    try:
        act(upload, audience_of(request.user))
    except ImportRefused as error:
        messages.error(request, str(error))
    return redirect("publish-upload", id=upload.pk)


@require_GET
@for_stewards
def report(request: HttpRequest, id: UUID) -> HttpResponse:
    """The report of the import, for keeping."""
    upload = upload_of(steward_of(request), id)
    if upload.publication is None or not upload.publication.is_over:
        raise Http404(_("L'importazione non è ancora finita."))
    job = upload.publication
    body = {
        "files": upload.files,
        "state": job.state,
        "message": job.message,
        "finished": job.finished_at,
        "outcomes": job.result.get("outcomes", []),
        "left_out": left_out(upload),
        "log": job.log,
    }
    response = JsonResponse(body, json_dumps_params={"ensure_ascii": False, "indent": 1})
    response["Content-Disposition"] = f'attachment; filename="rapporto-{upload.pk}.json"'
    return response


def _config(upload: Upload, files: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "kind": upload.phase,
        "state": reverse("api-upload", args=[upload.pk]),
        "language": (get_language() or "it")[:2],
        "texts": map_texts() | _texts(),
        "style": reverse("map-style"),
        "workerUrl": static("vendor/maplibre-gl/maplibre-gl-worker.mjs"),
        "home": settings.MAP_HOME,
        "city": settings.MUNICIPALITY_BOUNDS,
        "previews": {layer["key"]: layer.get("shapes", []) for file in files for layer in file["layers"]},
        "boxes": {layer["key"]: layer.get("degrees") for file in files for layer in file["layers"]},
    }


def _texts() -> dict[str, str]:
    return {
        "sending": _("Invio: {percent}%"),
        "sendingFails": _("L'invio non è riuscito. Controllare la connessione e riprovare."),
        "chosen": _("{count} file scelti"),
        "city": _("Confine approssimativo del comune"),
        "lost": _("Il server non risponde: si riprova."),
    }
