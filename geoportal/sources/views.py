"""`/fonti/`: how every source is doing, for everyone; making, changing and running them, for their stewards."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from geoportal.publishing.views import for_stewards, steward_of
from geoportal.sources.forms import SourceForm
from geoportal.sources.rows import as_json, is_keeper, source_rows
from layers.catalogue import catalogue
from layers.models import Job, Source
from layers.rights import audience_of, is_steward
from layers.sources import services
from layers.sources.errors import SourceFailed, SourceRefused

_JOBS_SHOWN = 15


@require_safe
def sources(request: HttpRequest) -> HttpResponse:
    """The page: sources of the layers that the asker may see."""
    rows = source_rows(catalogue(), audience_of(request.user))
    troubled = sum(row.health in {"failing", "changed"} for row in rows)
    context = {"rows": rows, "troubled": troubled, "is_steward": is_steward(request.user)}
    return _private(render(request, "geoportal/sources/list.html", context))


@require_safe
def api(request: HttpRequest) -> HttpResponse:
    """`/api/fonti`: the same for the map and for programs."""
    rows = [as_json(row) for row in source_rows(catalogue(), audience_of(request.user))]
    return _private(JsonResponse({"sources": rows}, json_dumps_params={"ensure_ascii": False}))


@require_http_methods(["GET", "POST"])
@for_stewards
def new(request: HttpRequest) -> HttpResponse:
    """Make a source; what is attached or cascaded is read at once, so that what is wrong is said here."""
    form = SourceForm(request.POST or None, held=catalogue(), audience=audience_of(request.user))
    if request.method == "POST" and form.is_valid():
        try:
            source = services.make(form.values, form.cleaned_data["secret"])
        except (SourceRefused, SourceFailed) as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Fonte aggiunta: la prima lettura è in coda."))
            return redirect("source", number=source.pk)
    return render(request, "geoportal/sources/form.html", {"form": form}, status=400 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@for_stewards
def edit(request: HttpRequest, number: int) -> HttpResponse:
    """One source: how it has been doing, its last readings, its form."""
    source = _kept(request, number)
    form = SourceForm(request.POST or None, held=catalogue(), audience=audience_of(request.user), source=source)
    if request.method == "POST" and form.is_valid():
        if _did(request, lambda: services.change(source, form.values, form.cleaned_data["secret"] or None)):
            messages.success(request, _("Fonte cambiata."))
        return redirect("source", number=source.pk)
    row = next(row for row in source_rows(catalogue(), audience_of(request.user)) if row.source.pk == source.pk)
    jobs = Job.objects.filter(kind="source", parameters={"source": source.pk})[:_JOBS_SHOWN]
    context = {"form": form, "row": row, "jobs": jobs}
    return render(request, "geoportal/sources/form.html", context, status=400 if form.errors else 200)


@require_POST
@for_stewards
def act(request: HttpRequest, number: int, action: str) -> HttpResponse:
    """Run now, pause, resume, accept the new shape, remove."""
    source = _kept(request, number)
    user = steward_of(request)
    actions: dict[str, tuple[Callable[[], object], str]] = {
        "esegui": (lambda: services.run_now(source, user), _("Lettura in coda: comincia subito.")),
        "sospendi": (lambda: services.pause(source, is_enabled=False), _("Fonte sospesa.")),
        "riprendi": (lambda: services.pause(source, is_enabled=True), _("Fonte ripresa.")),
        "accetta": (lambda: services.accept_change(source, user), _("Nuova forma accettata.")),
        "togli": (lambda: services.remove(source), _("Fonte tolta.")),
    }
    if action not in actions:
        raise Http404
    do, said = actions[action]
    if _did(request, do):
        messages.success(request, said)
    return redirect("sources") if action == "togli" else redirect("source", number=number)


def _did(request: HttpRequest, do: Callable[[], object]) -> bool:
    try:
        do()
    except (SourceRefused, SourceFailed) as error:
        messages.error(request, str(error))
        return False
    return True


def _kept(request: HttpRequest, number: int) -> Source:
    """A source of this steward. Raises Http404, or PermissionDenied where its existence is no secret."""
    held, audience = catalogue(), audience_of(request.user)
    source = Source.objects.select_related("layer", "theme", "state").filter(pk=number).first()
    rows = {row.source.pk: row for row in source_rows(held, audience)}
    if source is None or source.pk not in rows:
        raise Http404(_("Questa fonte non c'è."))
    if not is_keeper(held, audience, source, rows[source.pk].layer):
        raise PermissionDenied
    return source


def _private(response: HttpResponse) -> HttpResponse:
    patch_vary_headers(response, ["Cookie", "Accept-Language"])
    patch_cache_control(response, private=True, no_cache=True)
    return response
