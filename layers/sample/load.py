"""The sample city in the catalogue: files made, imported like anyone's, and described. Safe to repeat."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from django.db import transaction

from layers import codes
from layers.importing.engine import FileToImport, import_file
from layers.importing.errors import ImportRefused
from layers.importing.models import ImportOutcome, ImportRun
from layers.importing.options import ImportOptions
from layers.models import Layer, Relation, Style, Theme
from layers.sample import descriptions as texts
from layers.sample.descriptions import DESCRIPTIONS, Description
from layers.sample.files import SEED, write_city
from layers.styles.model import dump

_PARTS = ("convex", "places", "plan", "streets", "plots", "extras", "files", "descriptions")


def fingerprint(seed: int) -> str:
    """Changes with the seed and with the generator itself, so that a new version of the city replaces the old."""
    digest = hashlib.sha256(str(seed).encode())
    for part in _PARTS:
        digest.update((Path(__file__).parent / f"{part}.py").read_bytes())
    return digest.hexdigest()


def is_loaded(seed: int) -> bool:
    """Whether this very city is in the catalogue."""
    marks = ImportRun.objects.filter(source=_source(seed), finished_at__isnull=False)
    slugs = [description.slug for description in DESCRIPTIONS]
    return marks.exists() and Layer.objects.filter(slug__in=slugs).count() == len(slugs)


def _source(seed: int) -> str:
    return f"sample city {fingerprint(seed)[:32]}"


def load_sample_city(folder: Path, say: Callable[[str], None], seed: int = SEED) -> list[ImportOutcome]:
    """Make and import the city; nothing happens when it is there already. Raises ImportRefused."""
    if is_loaded(seed):
        return []
    say("Making the city…")
    files = {path.stem: path for path in write_city(folder, seed)}
    themes = write_themes()
    run = ImportRun.objects.create(source=_source(seed))
    outcomes = []
    for position, description in enumerate(DESCRIPTIONS, start=1):
        path = files[description.file]
        options = ImportOptions(
            slug=description.slug, title=description.title_it, is_sample=True, attribution=texts.ATTRIBUTION
        )
        held = Layer.objects.filter(slug=description.slug).first()
        if held and not held.is_sample:
            say(f"  {description.slug}: there is a layer of this name with other data, left as it is")
            continue
        with transaction.atomic():
            (outcome,) = import_file(run, FileToImport(path, f"sample/{path.name}", key=f"sample/{path.name}"), options)
            if outcome.layer is None:
                raise ImportRefused(f"{path.name}: {outcome.reason}")
            if held is None:
                describe(outcome.layer, description, themes[description.theme], position * 10)
        say(f"  {description.slug}: {outcome.features if outcome.features is not None else 'raster'}")
        outcomes.append(outcome)
    write_relations()
    run.finish()
    return outcomes


def write_relations() -> None:
    """How the layers of the city belong together; one that is there already is left as it is."""
    layers = {layer.slug: layer for layer in Layer.objects.all()}
    for slug, one, other, kind, forward, backward in texts.RELATIONS:
        if one in layers and other in layers:
            (forward_it, forward_en), (backward_it, backward_en) = forward, backward
            Relation.objects.get_or_create(
                slug=slug,
                defaults={
                    "one": layers[one],
                    "other": layers[other],
                    "kind": kind,
                    "forward_it": forward_it,
                    "forward_en": forward_en,
                    "backward_it": backward_it,
                    "backward_en": backward_en,
                },
            )


def write_themes() -> dict[str, Theme]:
    """The theme tree; what is there already keeps its titles and place."""
    found: dict[str, Theme] = {}
    for position, (slug, title_it, title_en, parent) in enumerate(texts.THEMES, start=1):
        found[slug], _made = Theme.objects.get_or_create(
            slug=slug,
            defaults={
                "title_it": title_it,
                "title_en": title_en,
                "parent": found[parent] if parent else None,
                "position": position * 10,
            },
        )
    return found


def describe(layer: Layer, description: Description, theme: Theme, position: int) -> None:
    """Write texts, field labels and style of a layer that was just made."""
    layer.theme, layer.position = theme, position
    layer.title_it, layer.title_en = description.title_it, description.title_en
    layer.abstract_it = f"{description.text_it}\n\n{texts.SAMPLE_IT}"
    layer.abstract_en = f"{description.text_en}\n\n{texts.SAMPLE_EN}"
    layer.keywords = [*description.keywords, "dati di esempio"]
    layer.licence, layer.lineage = "CC0-1.0", texts.LINEAGE
    layer.inspire_theme, layer.topic_category = texts.CODES[description.theme]
    layer.steward_office, layer.update_frequency = texts.OFFICE, Layer.Frequency.NOT_PLANNED
    layer.accuracy_m, layer.scale_denominator = texts.ACCURACY_M, texts.SCALE
    layer.min_zoom, layer.shown_by_default = description.min_zoom, description.shown
    layer.save()
    for row in layer.fields.all():
        row.title_it, row.title_en, row.unit = description.fields.get(row.name, (row.title_it, "", ""))
        row.codes = codes.read(description.codes.get(row.name, ""), "string")
        row.is_searchable = row.name in description.searchable
        row.save()
    if description.style:
        Style.objects.update_or_create(
            layer=layer,
            name="predefinito",
            defaults={"title_it": "Predefinito", "title_en": "Default", "spec": dump(description.style)},
        )
