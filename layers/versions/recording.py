"""Who changes the data of a layer, and what for: said to the database, which writes the version."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from geoportal.sql import queries
from layers.errors import LayersError
from layers.versions.models import LayerVersion

SQL = queries("layers.versions", "versions")
What = LayerVersion.What


class VersionRefused(LayersError):
    """The text says, for people, why this cannot become a version."""


@contextmanager
def recorded(
    what: What, user_id: int | None = None, note: str = "", valid_from: datetime | None = None
) -> Iterator[None]:
    """A transaction whose changes of data become versions with this author, kind, note and date of the data."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SQL["settings"])
        before = cursor.fetchone()
        values = (str(user_id or ""), what.value, note[:2000], valid_from.isoformat() if valid_from else "")
        _say(values)
        try:
            yield
        finally:
            if not connection.needs_rollback:
                _say(before)


def _say(values: tuple[str, ...]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(SQL["say"], dict(zip(("user", "change", "note", "valid_from"), values, strict=True)))


def keep_versions(layer_id: int, counts: tuple[int, int, int] | None = None) -> bool:
    """Keep the history of a layer's table from now on; False where it is kept already or cannot be.

    `counts`: features added, changed and removed by the version it begins with (None: all of them are added).
    """
    with transaction.atomic(), connection.cursor() as cursor:
        texts = [str(count) for count in counts] if counts else ["", "", ""]
        cursor.execute(SQL["keep"], {"layer": layer_id, "added": texts[0], "changed": texts[1], "removed": texts[2]})
        (made,) = cursor.fetchone()
    return made is not None


def check_date(layer_id: int | None, moment: datetime | None) -> None:
    """Raises VersionRefused for a date of the data that no next version of the layer can have."""
    if moment is None:
        return
    if moment > timezone.now():
        raise VersionRefused(_("La data dei dati è nel futuro."))
    last = LayerVersion.objects.filter(layer_id=layer_id).order_by("-number").first() if layer_id else None
    if last is not None and moment <= last.valid_from:
        raise VersionRefused(
            _("La data dei dati deve venire dopo quella della versione %(number)s (%(date)s).")
            % {"number": last.number, "date": timezone.localtime(last.valid_from).strftime("%d/%m/%Y %H:%M")}
        )
