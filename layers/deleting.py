"""What goes with a layer, and what stays: its table or file, its past, and a row that says who deleted it.

By signals, so that it goes however the layer is deleted: on its page, in the administration, with its source. The rest
(fields, styles, relations, search entries, versions and their tables, overviews of tiles) goes by foreign keys and
triggers of the database.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import OperationalError, connection, transaction
from django.db.models import Q
from django.db.models.signals import post_delete, pre_delete
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg2 import errors as postgres
from psycopg2 import sql

from geoportal.sql import queries
from layers.audit.models import DeletedLayer
from layers.errors import LayersError
from layers.jobs.models import Job
from layers.jobs.services import cancel
from layers.models import Layer, Relation, geodata_identifier
from layers.versions.generations import dependents_of
from layers.versions.models import RasterState
from layers.versions.raster_files import discard_after_commit, folder
from layers.versions.retention import Kept, kept

if TYPE_CHECKING:
    from geoportal.models import User

SQL = queries("layers", "deleting")
_by: ContextVar[tuple[int | None, str]] = ContextVar("deleting_by", default=(None, ""))


class LayerBusy(LayersError):
    """Somebody writes the layer's data right now; the text is for who wanted to delete it."""


@dataclass(frozen=True, slots=True)
class Going:
    """What a deletion takes with it, and what not."""

    features: int | None
    table: str
    """"": the layer has none of its own."""
    table_stays: str
    """Why the table stays, for people; "": it goes."""
    bytes: int
    """Of the table or the file of today."""
    past: Kept
    styles: int
    relations: int
    search_entries: int

    @property
    def drops_table(self) -> bool:
        return bool(self.table) and not self.table_stays


def going(layer: Layer) -> Going:
    """What would go with a layer now."""
    table, stays, size = _table_of(layer) if layer.kind == Layer.Kind.VECTOR else ("", "", 0)
    if layer.kind == Layer.Kind.RASTER and (folder() / layer.raster_path).is_file():
        size = (folder() / layer.raster_path).stat().st_size
    with connection.cursor() as cursor:
        cursor.execute(SQL["search_entries"], {"layer": layer.pk})
        (entries,) = cursor.fetchone()
    return Going(
        features=layer.feature_count,
        table=table,
        table_stays=stays,
        bytes=size,
        past=kept([layer.pk]),
        styles=layer.styles.count(),
        relations=Relation.objects.filter(Q(one=layer) | Q(other=layer)).count(),
        search_entries=entries,
    )


def delete_layer(layer_id: int, user: User) -> None:
    """Delete a layer with all that goes with it, or nothing. Raises LayerBusy and Layer.DoesNotExist."""
    with deleted_by(user), transaction.atomic():
        try:
            with connection.cursor() as cursor:
                cursor.execute(SQL["lock"], {"layer": layer_id})
            Layer.objects.get(pk=layer_id).delete()
        except OperationalError as error:
            if isinstance(error.__cause__, postgres.LockNotAvailable):
                raise LayerBusy(_("I dati del livello si stanno scrivendo proprio ora: riprovare fra poco.")) from error
            raise


@contextmanager
def deleted_by(user: User) -> Iterator[None]:
    """Who deletes what is deleted meanwhile."""
    token = _by.set((user.pk, user.get_username()))
    try:
        yield
    finally:
        _by.reset(token)


def _table_of(layer: Layer) -> tuple[str, str, int]:
    """The table of a layer ("": it is gone), why it is not dropped with it ("": it is), and its bytes."""
    with connection.cursor() as cursor:
        cursor.execute(SQL["table"], {"table": '"{}"."{}"'.format(*geodata_identifier(layer.table_name))})
        found = cursor.fetchone()
    if found is None:
        return "", "", 0
    kind, size = found
    return layer.table_name, _reason_to_stay(layer, kind), size


def _reason_to_stay(layer: Layer, kind: str) -> str:
    if kind not in ("r", "p"):
        return _("è una vista o una tabella di un'altra banca dati")
    if not layer.is_sample and not layer.imports.exists():
        return _("non viene da un'importazione: è stata fatta nel database, e là si toglie")
    others = Layer.objects.filter(table_name=layer.table_name).exclude(pk=layer.pk).values_list("slug", flat=True)
    if others:
        return _("è anche quella di %(slugs)s") % {"slugs": ", ".join(others)}
    if views := dependents_of(layer.table_name):
        return _("la leggono %(views)s") % {"views": ", ".join(views)}
    return ""


@receiver(pre_delete, sender=Layer)
def take_along(instance: Layer, **_named: Any) -> None:
    """The table goes while it is still known where it came from; who deletes what is written down."""
    found = going(instance)
    if found.drops_table:
        with connection.cursor() as cursor:
            table = sql.Identifier(*geodata_identifier(instance.table_name))
            cursor.execute(sql.SQL(SQL["drop"]).format(table=table))
    with connection.cursor() as cursor:
        cursor.execute(SQL["waiting_jobs"], {"layer": instance.pk})
        waiting = [row[0] for row in cursor.fetchall()]
    for job in Job.objects.filter(pk__in=waiting):
        cancel(job)
    number, name = _by.get()
    DeletedLayer.objects.create(
        at=timezone.now(),
        user_id=number,
        user_name=name,
        layer=instance.slug,
        title=instance.title_it,
        kind=instance.kind,
        features=found.features,
        versions=found.past.versions,
        bytes=found.bytes + found.past.bytes,
        kept=f"{found.table}: {found.table_stays}"[:500] if found.table_stays else "",
    )


@receiver(post_delete, sender=RasterState)
def drop_state(instance: RasterState, **_named: Any) -> None:
    """The file of a past state goes with its row."""
    discard_after_commit([instance.path])


@receiver(post_delete, sender=Layer)
def drop_file(instance: Layer, **_named: Any) -> None:
    """And so does the file that the layer shows."""
    discard_after_commit([instance.raster_path])
