"""From the text of a filter to a JSON tree. The native parser overflows its stack on deep input, so caps come first."""

from __future__ import annotations

import json
import re
from typing import Any

import cql2

from layers.errors import BadQuery

LENGTH_CAP, NESTING_CAP, DEPTH_CAP = 8192, 200, 64
BRACKETS_CAP = 10
"""How deep brackets nest in text: the library's time doubles with every level round a mistake (15 levels: 0.5 s)."""
TEXT, JSON = "cql2-text", "cql2-json"
LANGUAGES = (TEXT, JSON)
_NESTS = re.compile(r"\(|\bnot\b|[-+*/^%]", re.IGNORECASE)
_QUOTED = re.compile(r"'(?:[^']|'')*'")


def read_filter(text: str, language: str) -> Any:
    """The tree of a filter. Raises BadQuery for what does not parse or goes past a cap."""
    if len(text) > LENGTH_CAP:
        raise BadQuery("filter", f"is {len(text)} characters long; {LENGTH_CAP} are read at most.")
    if "\x00" in text:
        raise BadQuery("filter", "holds a NUL character.")
    if language == JSON:
        return _read_json(text)
    if language != TEXT:
        raise BadQuery("filter-lang", f"{language[:40]!r} is not read here; use {TEXT} or {JSON}.")
    # What stands in quotes nests nothing; a quote that never ends is left to the parser.
    bare = _QUOTED.sub("", text)
    if bare.count("(") != bare.count(")"):
        raise BadQuery("filter", "is not CQL2 text: every bracket needs its other half.")
    if _depth(bare, "(", ")") > BRACKETS_CAP:
        raise BadQuery("filter", f"has brackets in brackets deeper than {BRACKETS_CAP}; write it flatter.")
    if len(_NESTS.findall(bare)) > NESTING_CAP:
        raise BadQuery("filter", f"nests too deep; {NESTING_CAP} brackets, NOT and arithmetic signs are read at most.")
    try:
        return cql2.parse_text(text).to_json()
    except Exception as error:  # beside classes of its own the library raises bare ones, for an empty point say
        raise BadQuery("filter", f"is not CQL2 text: {_first_line(error)}") from error


def _read_json(text: str) -> Any:
    if _depth(text, "[{", "]}") > DEPTH_CAP:
        raise BadQuery("filter", f"nests deeper than {DEPTH_CAP} levels.")
    try:
        cql2.parse_json(text)
        # The library makes every number a float: the tree is taken from the text itself.
        return json.loads(text, parse_constant=_refuse)
    except Exception as error:  # as above
        raise BadQuery("filter", f"is not CQL2 JSON: {_first_line(error)}") from error


def _depth(text: str, opening: str, closing: str) -> int:
    """Greatest nesting of brackets, those in strings counted too: a cap may be strict, never lax."""
    depth = deepest = 0
    for character in text:
        if character in opening:
            depth += 1
            deepest = max(deepest, depth)
        elif character in closing:
            depth -= 1
    return deepest


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a number of JSON")


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0][:200]
