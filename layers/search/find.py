"""One search over everything: what is typed goes in, what it may mean comes out, best first, as the asker may see."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection

from geoportal.sql import queries
from layers.catalogue import Catalogue, LayerEntry
from layers.models import SearchEntry
from layers.rights import Audience
from layers.search.coordinates import Reading, read_coordinates
from layers.search.question import Question, plain, read_question
from layers.search.scopes import scopes_for

SQL = queries("layers.search", "find")
FIND = f"{SQL['settings']}\n{SQL['find']}"
LIMIT_MAX = 50
COMMON = 5_000
"""A word in more entries than this is common: as `gin_fuzzy_search_limit` in find.sql."""
KINDS = {kind.value: kind.name.lower() for kind in SearchEntry.Kind}


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer. `layer` is None for coordinates; `item` is empty for what is not one feature."""

    kind: str
    """street, address, sheet, parcel, feature, layer or coordinates."""
    title: str
    subtitle: str
    layer: LayerEntry | None
    item: str
    lon: float | None
    lat: float | None
    bbox: tuple[float, float, float, float] | None
    score: float
    reading: Reading | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The answers, and whether words had to be mended or left out to get them."""

    hits: tuple[Hit, ...]
    is_approximate: bool


def find(held: Catalogue, audience: Audience, text: str, limit: int, language: str) -> Found:
    """Everything the text may mean. Empty for a text without a word or number."""
    readings = read_coordinates(text)
    places = [_place(reading, text, rank) for rank, reading in enumerate(readings)]
    question = read_question(text)
    if not question.words:
        return Found(tuple(places[:limit]), False)
    layers = _layers(held, audience, question, language)
    entries: list[Hit] = []
    is_approximate = False
    scopes = scopes_for(held, audience)
    # Two long numbers are coordinates and nothing else.
    if scopes and not (places and len(question.norm) > 12):
        entries, is_approximate = _entries(scopes, question, limit)
    hits = sorted([*places, *layers, *entries], key=lambda hit: -hit.score)
    return Found(tuple(hits[:limit]), is_approximate)


def _entries(scopes: dict[int, LayerEntry], question: Question, limit: int) -> tuple[list[Hit], bool]:
    ids = list(scopes)
    by_id = {layer.id: layer for layer in scopes.values()}
    with connection.cursor() as cursor:
        cursor.execute(SQL["mend"], {"words": list(question.words), "scopes": ids})
        rows = cursor.fetchall()
        mended = {row[0]: _alternatives(*row[:3]) for row in rows}
        is_approximate = any(is_corrected or not alternatives for _, alternatives, _, is_corrected in rows)
        parameters = {
            "scopes": ids,
            "norm": question.norm,
            "street_norm": " ".join(question.street),
            **_tsqueries(question, mended, " & "),
            "number": question.number,
            "suffix": question.suffix,
            "parcel": question.parcel,
            "sheet": question.sheet,
            "limit": limit,
        }
        cursor.execute(FIND, parameters)
        found = cursor.fetchall()
        if not found and len(question.words) > 1:
            # No entry has all the words: those that have some of them, if possible of the rare ones.
            rare = {row[0]: mended[row[0]] if sum(map(int, row[2])) <= COMMON else [] for row in rows}
            some = rare if any(rare.values()) else mended
            cursor.execute(FIND, {**parameters, **_tsqueries(question, some, " | ")})
            found, is_approximate = cursor.fetchall(), True
    return [_hit(row, by_id[row[1]]) for row in found], is_approximate


def _alternatives(asked: str, words: list[str], rows: list[Any]) -> list[str]:
    """The word itself when it is known. Common words stand without rare ones, beside which all their rows are read."""
    if words[:1] == [asked]:
        return words[:1]
    return [word for word, count in zip(words, rows, strict=True) if count > COMMON] or words


def _tsqueries(question: Question, mended: dict[str, list[str]], operator: str) -> dict[str, str]:
    """Texts for to_tsquery. Words are letters and digits alone, so that nothing in them is an operator."""

    def joined(words: tuple[str, ...], begins: Callable[[str], bool]) -> str:
        groups = [
            " | ".join(f"{word}:*" if begins(word) else word for word in mended[asked])
            for asked in words
            if mended[asked]
        ]
        return operator.join(f"({group})" for group in groups)

    return {
        # Codes are found by their beginning when enough of it is there.
        "query": joined(question.words, lambda word: len(word) > 3 and not word.isalpha()),
        "street_query": joined(question.street, lambda _: True),
        "street_all": joined(question.words, lambda _: True),
    }


def _hit(row: tuple[Any, ...], layer: LayerEntry) -> Hit:
    kind, _layer, item, title, subtitle, lon, lat, bbox, score = row
    west_south_east_north = tuple(json.loads(bbox)) if bbox else None
    return Hit(KINDS[kind], title or layer.title_it, subtitle, layer, item, lon, lat, west_south_east_north, score)


def _place(reading: Reading, text: str, rank: int) -> Hit:
    return Hit(
        kind="coordinates",
        title=f"{reading.lat:.6f}, {reading.lon:.6f}",
        subtitle="",
        layer=None,
        item="",
        lon=reading.lon,
        lat=reading.lat,
        bbox=None,
        score=140.0 - rank,
        reading=reading,
    )


def _layers(held: Catalogue, audience: Audience, question: Question, language: str) -> list[Hit]:
    """Layers by title and keywords: there are hundreds at most, and the catalogue is in memory."""
    found = []
    for layer in held.visible(audience):
        title = layer.title_en if language == "en" else layer.title_it
        score = _likeness(question.words, f"{layer.title_it} {layer.title_en}", " ".join(layer.keywords))
        if score:
            west_south_east_north = layer.bbox
            found.append(Hit("layer", title, "", layer, "", None, None, west_south_east_north, score))
    return found


def _likeness(words: tuple[str, ...], title: str, keywords: str) -> float:
    """0 when a word is in neither; higher when all are in the title."""
    in_title, in_keywords = plain(title).split(), plain(keywords).split()
    score = 0.0
    for word in words:
        if word in in_title:
            score += 1.0
        elif len(word) > 2 and any(held.startswith(word) for held in in_title):
            score += 0.9
        elif len(word) > 3 and any(_near(word, held) for held in in_title):
            score += 0.6
        elif len(word) > 2 and any(held.startswith(word) for held in in_keywords):
            score += 0.5
        else:
            return 0.0
    return 45 + 50 * score / len(words)


def _near(a: str, b: str) -> bool:
    """Two words that share half of their trigrams, as pg_trgm counts them."""
    ours, theirs = _trigrams(a), _trigrams(b)
    return 2 * len(ours & theirs) > len(ours | theirs)


def _trigrams(word: str) -> set[str]:
    padded = f"  {word} "
    return {padded[place : place + 3] for place in range(len(padded) - 2)}
