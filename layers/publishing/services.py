"""What changes an upload: bringing files, asking for a look, asking for the import, calling it off."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from geoportal.models import User
from layers.importing.errors import ImportRefused
from layers.importing.options import ImportOptions, Mode, moment_of
from layers.jobs.services import cancel, enqueue
from layers.publishing.models import Upload
from layers.publishing.storage import Incoming, put_aside, throw_away_old

EVERY_FILE = -1


@dataclass(frozen=True, slots=True)
class LayerChoice:
    """What the person decided about one layer of one file."""

    file: int
    """Its place in `Upload.files`, or EVERY_FILE."""
    layer: str
    """Its name in the file; empty for a raster."""
    title: str = ""
    slug: str = ""
    """An imported layer whose data is replaced; empty: a new layer."""
    theme: str = ""
    access: str = ""
    srid: int | None = None
    encoding: str = ""
    swap: bool = False
    is_table: bool = False
    mode: str = Mode.REPLACE.value
    """What becomes of the data that the layer of `slug` has."""
    key: Sequence[str] = ()
    tolerance: float | None = None
    match: Sequence[str] = ()
    ignore: Sequence[str] = ()
    where: dict[str, str] = field(default_factory=dict)
    valid_from: str = ""
    """As `moment_of` reads it."""

    def options(self, **more: Any) -> ImportOptions:
        """What the import is to do."""
        return ImportOptions(
            slug=self.slug,
            title=self.title,
            srid=self.srid,
            encoding=self.encoding,
            swap=self.swap,
            is_table=self.is_table,
            theme=self.theme,
            access=self.access,
            mode=Mode(self.mode),
            key=tuple(self.key),
            tolerance=self.tolerance,
            match=tuple(self.match),
            ignore=tuple(self.ignore),
            where=self.where,
            valid_from=moment_of(self.valid_from) if self.valid_from else None,
            **more,
        )


def bring(
    user: User, files: Sequence[Incoming], at_once: LayerChoice | None = None, *, only_check: bool = False
) -> Upload:
    """Keep the files and ask for a look at them, or (`at_once`, for EVERY_FILE) for their import unseen.

    With `only_check` the look goes by the choice, and tells what the import would change.

    Raises ImportRefused, and then keeps nothing.
    """
    throw_away_old()
    upload = Upload(user=user)
    upload.folder.mkdir(parents=True)
    kept = False
    try:
        upload.files = put_aside(upload.folder, files)
        with transaction.atomic():
            upload.save()
            if at_once and not only_check:
                publish(upload, [at_once])
            else:
                look_again(upload, [at_once] if at_once else [])
        kept = True
    finally:
        if not kept:
            shutil.rmtree(upload.folder, ignore_errors=True)
    return upload


def look_again(upload: Upload, choices: list[LayerChoice]) -> None:
    """Ask for a look with these systems and encodings instead of what is found. Raises ImportRefused."""
    _must_be_here(upload)
    upload.inspection = enqueue("inspect-upload", _parameters(upload, choices), upload.user)
    upload.publication = None
    upload.save(update_fields=["inspection", "publication"])


def publish(upload: Upload, choices: list[LayerChoice]) -> None:
    """Ask for the import of the chosen layers. Raises ImportRefused."""
    _must_be_here(upload)
    if not choices:
        raise ImportRefused(_("Scegliere almeno un livello."))
    if any(choice.mode != Mode.REPLACE.value and not choice.slug for choice in choices):
        raise ImportRefused(_("Per aggiungere o sincronizzare scegliere il livello di destinazione."))
    taken = [choice.slug for choice in choices if choice.slug]
    if len(taken) != len(set(taken)):
        raise ImportRefused(_("Due livelli non possono sostituire lo stesso livello del catalogo."))
    with transaction.atomic():
        locked = Upload.objects.select_for_update(of=("self",)).get(pk=upload.pk)
        if locked.phase in ("importing", "done"):
            raise ImportRefused(_("L'importazione di questo caricamento è già stata chiesta."))
        upload.publication = enqueue("publish-upload", _parameters(upload, choices), upload.user)
        upload.save(update_fields=["publication"])


def call_off(upload: Upload) -> None:
    """Stop whatever is under way; nothing of it is kept."""
    for job in (upload.publication, upload.inspection):
        if job is not None and not job.is_over:
            cancel(job)


def _parameters(upload: Upload, choices: list[LayerChoice]) -> dict[str, Any]:
    return {
        "upload": str(upload.pk),
        "choices": [asdict(choice) for choice in choices],
        "language": (get_language() or "it")[:2],
    }


def _must_be_here(upload: Upload) -> None:
    if not upload.folder.is_dir():
        raise ImportRefused(_("I file non ci sono più: caricarli di nuovo."))
