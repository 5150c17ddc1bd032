"""What changes a source: made, changed, run now, paused, its new shape accepted, taken away."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from geoportal.models import User
from layers.jobs.models import Job
from layers.jobs.services import enqueue
from layers.models import Layer
from layers.sources import foreign, remote_maps, secrets
from layers.sources.addresses import USUAL_PORTS, check_host, split_url
from layers.sources.errors import SourceFailed, SourceRefused
from layers.sources.models import Source, SourceState


def make(values: dict[str, Any], secret: str) -> Source:
    """A new source. What is attached or cascaded has its layer at once; a harvest after its first success.

    Raises SourceRefused and, when the other side cannot be read, SourceFailed; then nothing is kept.
    """
    source = Source(**values, secret=secrets.sealed(secret))
    _check(source)
    if Layer.objects.filter(slug=source.slug).exists():
        raise SourceRefused(_("C'è già un livello %(slug)s: scegliere un altro nome.") % {"slug": source.slug})
    with transaction.atomic():
        source.save()
        now = timezone.now()
        SourceState.objects.create(source=source, since=now, next_run_at=now)
        if not source.is_harvest:
            source.layer = attach(source)
            source.save(update_fields=["layer"])
    return source


def attach(source: Source) -> Layer:
    """Make or make again the layer of an attached or cascaded source. Raises SourceRefused and SourceFailed."""
    return foreign.attach(source) if source.is_foreign_table else remote_maps.attach(source)


def change(source: Source, values: dict[str, Any], secret: str | None) -> None:
    """Change what a person decides; `secret` None: as it was. Raises SourceRefused and SourceFailed."""
    for name, value in values.items():
        setattr(source, name, value)
    if secret is not None:
        source.secret = secrets.sealed(secret)
    _check(source)
    with transaction.atomic():
        source.save()
        # What was known of the old address says nothing of this one.
        SourceState.objects.filter(source=source).update(
            etag="", last_modified="", digest="", next_run_at=timezone.now()
        )
        if not source.is_harvest:
            source.layer = attach(source)
            source.save(update_fields=["layer"])


def run_now(source: Source, user: User | None = None) -> Job:
    """Ask for a harvest or a look before its time. One waiting job is enough."""
    waiting = Job.objects.filter(kind="source", parameters={"source": source.pk}, state=Job.State.QUEUED).first()
    return waiting or enqueue("source", {"source": source.pk}, user)


def pause(source: Source, *, is_enabled: bool) -> None:
    """Stop or take up the schedule; the layer stays as it is."""
    Source.objects.filter(pk=source.pk).update(is_enabled=is_enabled)
    source.is_enabled = is_enabled


def accept_change(source: Source, user: User | None = None) -> None:
    """Take the source's new shape as the right one. Raises SourceRefused and SourceFailed."""
    with transaction.atomic():
        SourceState.objects.filter(source=source).update(columns=[], digest="", etag="", last_modified="")
        if not source.is_harvest:
            source.layer = attach(source)
            source.save(update_fields=["layer"])
    if source.is_harvest:
        run_now(source, user)


def remove(source: Source) -> None:
    """Take a source away. A harvested layer keeps its data; one that was read through it goes with it."""
    with transaction.atomic():
        layer = source.layer
        if source.is_foreign_table and not source.is_harvest:
            foreign.detach(source)
        source.delete()
        if layer is not None and not source.is_harvest:
            layer.delete()


def _check(source: Source) -> None:
    try:
        source.full_clean(exclude=["layer", "theme", "options"])
    except ValidationError as error:
        raise SourceRefused(
            "; ".join(f"{name}: {', '.join(texts)}" for name, texts in error.message_dict.items())
        ) from error
    if source.is_foreign_table:
        foreign.check_address(source)
        return
    scheme, host, port, _path = split_url(source.address)
    check_host(host, port, USUAL_PORTS[scheme])


__all__ = ["SourceFailed", "SourceRefused", "accept_change", "attach", "change", "make", "pause", "remove", "run_now"]
