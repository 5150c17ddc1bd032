"""A harvest: fetch, see whether anything is new, look at its shape, import it in the place of what was there.

Whatever fails before the import has succeeded leaves the layer as it is: it shows the last good data, and its source
says since when it is old.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from layers.importing.columns import Column
from layers.importing.crs import Bounds, known_srids
from layers.importing.described import Described, described
from layers.importing.engine import FileToImport, chosen_layers, import_file, opened
from layers.importing.errors import ImportRefused
from layers.importing.models import ImportOutcome, ImportRun
from layers.importing.options import ImportOptions, Mode, Progress
from layers.models import Layer
from layers.sources import health
from layers.sources.axes import placed
from layers.sources.errors import SourceChanged, SourceFailed
from layers.sources.fetch import Budget
from layers.sources.models import Source, SourceState
from layers.sources.remote_features import declared_extent, fetch_collection
from layers.sources.remote_file import fetch_file
from layers.sources.remote_wfs import FetchedType, fetch_feature_type
from layers.sources.secrets import credentials_of
from layers.sources.shape import check_shape, is_same, shape_of
from layers.sources.table_copy import fetch_table

LONGEST_PAUSE_S = 3600
_LEFT_OVER_S = 2 * 86_400


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was brought: a file with the features, or None when the source says that nothing is new."""

    path: Path | None
    etag: str = ""
    last_modified: str = ""
    layer: str = ""
    """Name of the layer within the file; empty: its only one."""
    srid: int | None = None
    """Where the protocol says it and the file does not."""
    key: tuple[str, ...] = ()
    """Columns that tell the rows apart, where the protocol knows them."""
    extent: Bounds | None = None
    """Where the data is in degrees, as the source declares it."""
    native: int | None = None
    """EPSG code of the server's own system."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a protocol needs to fetch from a source."""

    source: Source
    state: SourceState
    credentials: str
    budget: Budget
    folder: Path


Fetch = Callable[[Asked], Fetched]
FETCH: dict[str, Fetch] = {
    Source.Kind.FILE: lambda asked: Fetched(*fetch_file(asked)),
    Source.Kind.FEATURES: lambda asked: Fetched(fetch_collection(asked), extent=declared_extent(asked)),
    Source.Kind.WFS: lambda asked: _of_wfs(fetch_feature_type(asked)),
    Source.Kind.POSTGRES: lambda asked: Fetched(*fetch_table(asked)),
    Source.Kind.OGR: lambda asked: Fetched(*fetch_table(asked)),
}


def _of_wfs(found: FetchedType) -> Fetched:
    return Fetched(found.path, srid=found.srid, extent=found.wanted.extent, native=found.wanted.srid)


@dataclass(frozen=True, slots=True)
class Harvested:
    """What a harvest did."""

    is_new: bool
    features: int | None
    message: str


def harvest(source: Source, progress: Progress) -> Harvested:
    """One harvest, with its outcome noted. Raises SourceFailed when the layer stays as it is because of a fault."""
    try:
        done = _harvest(source, progress)
    except SourceChanged as error:
        health.changed(source.pk, str(error))
        raise
    except SourceFailed as error:
        health.failed(source.pk, str(error), longest_s=LONGEST_PAUSE_S)
        raise
    health.worked(source.pk, is_whole=True)
    return done


def _harvest(source: Source, progress: Progress) -> Harvested:
    state = SourceState.objects.get(pk=source.pk)
    with _folder() as folder:
        budget = Budget(source.harvest_seconds, source.max_megabytes * 2**20)
        asked = Asked(source, state, credentials_of(source), budget, folder)
        fetched = FETCH[source.kind](asked)
        if fetched.path is None:
            return Harvested(False, state.features, _("Invariata, dice la fonte."))
        with fetched.path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        facts = {"etag": fetched.etag, "last_modified": fetched.last_modified, "digest": digest}
        if digest == state.digest and source.layer_id is not None:
            _note(source, state, facts, state.columns, state.features, is_new=False)
            return Harvested(False, state.features, _("Invariata: gli stessi byte."))
        file = FileToImport(fetched.path, f"{source.title[:100]}{fetched.path.suffix}", key=f"source:{source.pk}")
        options = _options(source, fetched, progress)
        options, found = _looked_at(file, source, fetched, options)
        columns = shape_of(found.columns, found.geometry_type) if found else []
        check_shape(state.columns, columns)
        if source.layer_id is not None and found is not None:
            options = _by_key(options, source, fetched, found.columns, has_shape=is_same(state.columns, columns))
        outcome = _import(source, file, options, state.features)
        _note(source, state, facts, columns, outcome.features, is_new=True)
        return Harvested(True, outcome.features, _told(outcome))


def _by_key(
    options: ImportOptions, source: Source, fetched: Fetched, found: list[Column], *, has_shape: bool
) -> ImportOptions:
    """Row by row where the rows have a key: what has not changed stays the feature it was. Raises SourceFailed.

    When the columns have changed the table is another one and takes the place of the old one whole, but the features of
    the same key keep their identifiers.
    """
    mode = Mode.SYNCHRONISE if has_shape else Mode.REPLACE
    asked = [name.strip() for name in str(source.options.get("id_field", "")).split(",") if name.strip()]
    names = {name: column.name for column in found for name in (column.source.lower(), column.name)}
    if not asked:
        # What is called as our own identifier (GDAL's fid) has another name as a column.
        key = tuple(names.get(name.lower(), name) for name in fetched.key)
        return replace(options, mode=mode, key=key) if key else options
    unknown = [name for name in asked if name.lower() not in names]
    if unknown:
        raise SourceFailed(
            _("La chiave %(key)s non è fra i campi della fonte: %(names)s.")
            % {"key": ", ".join(unknown), "names": ", ".join(column.name for column in found)[:300]}
        )
    return replace(options, mode=mode, key=tuple(names[name.lower()] for name in asked))


def _told(outcome: ImportOutcome) -> str:
    """What the harvest changed, in one line."""
    said = _("%(features)d elementi.") % {"features": outcome.features or 0}
    counts = {name: (outcome.changes or {}).get(name) for name in ("added", "changed", "removed")}
    if not any(count is None for count in counts.values()):
        said += f" {_('Aggiunti %(added)d, cambiati %(changed)d, tolti %(removed)d.') % counts}"
    # What changed in the columns, as the history of the layer tells it.
    notes = "; ".join((outcome.changes or {}).get("notes", []))
    return f"{said} {_('Struttura cambiata: %(what)s.') % {'what': notes}}" if notes else said


@contextmanager
def _folder() -> Iterator[Path]:
    root = Path(settings.VAR_DIR) / "sources"
    root.mkdir(parents=True, exist_ok=True)
    for left in root.glob("harvest-*"):
        # A killed process could not take its folder away; no harvest runs for two days.
        if time.time() - left.stat().st_mtime > _LEFT_OVER_S:
            shutil.rmtree(left, ignore_errors=True)
    made = Path(tempfile.mkdtemp(prefix="harvest-", dir=root))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _options(source: Source, fetched: Fetched, progress: Progress) -> ImportOptions:
    given = source.options
    is_first = source.layer_id is None
    layer = fetched.layer or (source.remote_name if source.kind == Source.Kind.FILE else "")
    return ImportOptions(
        slug=source.slug,
        title=source.title if is_first else "",
        srid=int(given["srid"]) if given.get("srid") else fetched.srid,
        encoding=str(given.get("encoding", "")),
        swap=bool(given.get("swap")),
        # What a steward changed in the catalogue since is theirs to keep.
        theme=source.theme.slug if is_first and source.theme else "",
        access=source.access if is_first else "",
        attribution=source.office if is_first else "",
        only_layers=(layer,) if layer else (),
        progress=progress,
    )


def _looked_at(
    file: FileToImport, source: Source, fetched: Fetched, options: ImportOptions
) -> tuple[ImportOptions, Described | None]:
    """How the file is to be read and what it then is, None for a raster. Raises SourceFailed.

    What a steward says of the system and the order of axes is not doubted.
    """
    try:
        with opened(file) as (reader, found):
            if found["is_raster"]:
                return options, None
            number, srids = _only_layer(found, options), known_srids()

            def look(options: ImportOptions) -> Described:
                return described(
                    reader.ask("inspect", layer=number, srid=options.srid, encoding=options.encoding,
                               swap=options.swap, known_srids=sorted(srids)),
                    srids,
                )  # fmt: skip

            if source.options.get("srid") or source.options.get("swap"):
                return options, look(options)
            return placed(look, options, _place_before(source), fetched.extent, fetched.native)
    except ImportRefused as error:
        raise SourceFailed(str(error)) from error


def _only_layer(found: dict[str, Any], options: ImportOptions) -> int:
    wanted = [number for number, _layer in chosen_layers(found, options)]
    if len(wanted) != 1:
        names = ", ".join(str(one["name"]) for one in found["layers"])[:300]
        raise SourceFailed(_("Serve il nome di un livello fra questi: %(names)s.") % {"names": names})
    return wanted[0]


def _place_before(source: Source) -> Bounds | None:
    """Where the layer is, in degrees."""
    box = source.layer.bbox if source.layer else None
    return (box[0], box[1], box[2], box[3]) if box else None


class _NothingKept(Exception):
    """What was imported is taken back."""


def _import(source: Source, file: FileToImport, options: ImportOptions, before: int | None) -> ImportOutcome:
    """Take the file over, whole or not at all. Raises SourceFailed."""
    run = ImportRun.objects.create(source=str(source)[:500])
    outcomes: list[ImportOutcome] = []
    try:
        with transaction.atomic():
            outcomes = import_file(run, file, options)
            layer = outcomes[0].layer if len(outcomes) == 1 else None
            if layer is None or (not outcomes[0].features and before):
                raise _NothingKept
            Source.objects.filter(pk=source.pk).update(layer=layer)
    except _NothingKept:
        reasons = "; ".join(outcome.reason for outcome in outcomes if outcome.reason)
        raise SourceFailed(reasons or _("La fonte non ha più alcun elemento: il livello resta com'era.")) from None
    finally:
        run.finish()
    source.layer = Layer.objects.get(pk=layer.pk)
    return outcomes[0]


def _note(
    source: Source, state: SourceState, facts: dict[str, str], columns: list[str], features: int | None, *, is_new: bool
) -> None:
    values: dict[str, Any] = {"source": source.pk, "columns": columns, "features": features, "is_new": is_new, **facts}
    values["etag"], values["last_modified"] = facts["etag"][:300], facts["last_modified"][:100]
    with connection.cursor() as cursor:
        cursor.execute(health.SQL["harvested"], values)
