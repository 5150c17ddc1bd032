"""What a person typed, taken apart: words, a house number, a cadastral reference. Knows no database."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

LONGEST = 200
_ABBREVIATIONS = (
    (r"\bv\.?\s?le\b\.?", "viale"),
    (r"\bp\.?\s?(?:z{1,2}a|le)\b\.?", "piazza"),
    (r"\bc\.?\s?so\b\.?", "corso"),
    (r"\bl\.?\s?go\b\.?", "largo"),
    (r"\bstr\b\.?", "strada"),
    (r"\bvic\b\.?", "vicolo"),
    (r"^v\.\s?", "via "),
)
_TOWN = {"cremona", "cr", "italia", "26100"}
_BEFORE_NUMBER = re.compile(r"\b(?:n|nr|num|numero|civ|civico)\b\.?\s*°?\s*(?=\d)")
_NUMBER = re.compile(r"^(\d{1,5})([a-z]{0,3})$")
_SUFFIX = re.compile(r"^(?:[a-z]|bis|ter|quater)$")
_SHEET = r"(?:foglio|fog|fg|f)\.?\s*(?:n\.?\s*)?0*(\d{1,4})"
_PARCEL = r"(?:particella|part|mappale|mapp|map|mp|p|m|n)\.?\s*(?:n\.?\s*)?([\w./]{1,12})"
_MUNICIPALITY = re.compile(
    r"^(?:com(?:une)?\.?\s+(?:di\s+)?)?(?:cremona|d150)(?:\s*\(?d150\)?)?\s*[,;/_-]?\s*(?=[^\s,;/_-])"
)
_REVERSED = re.compile(rf"^{_PARCEL}\s*[,;/-]?\s*(?:del\s+)?{_SHEET}$")
_CADASTRE = (
    re.compile(rf"^{_SHEET}(?:\s*[,;/-]?\s*{_PARCEL})?(?:\s*[,;/-]?\s*sub\w*\.?\s*\d+)?$"),
    re.compile(r"^0*(\d{1,4})\s*/\s*0*(\d[\w.]{0,9}(?:/\d+)?)$"),
    re.compile(r"^[a-z]\d{3}[a-z_]?(\d{4})[0-9a-z]{2}\.([\w./]{1,12})$"),
)


@dataclass(frozen=True, slots=True)
class Question:
    """A question in the forms that the index is asked by."""

    norm: str
    """All words, without the town's name when there are others."""
    words: tuple[str, ...]
    street: tuple[str, ...]
    """The words without a house number at the end."""
    number: int | None
    suffix: str
    sheet: str
    parcel: str
    """"12/345"; empty when the text is not a cadastral reference."""


def plain(text: str) -> str:
    """Lower case without accents, signs kept."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def read_question(text: str) -> Question:
    """Take a text apart."""
    text = " ".join(plain(text[:LONGEST]).replace("’", "'").split())
    sheet, parcel = _cadastral(text)
    for form, full in _ABBREVIATIONS:
        text = re.sub(form, full, text)
    text = _BEFORE_NUMBER.sub("", text)
    words = re.sub(r"[^a-z0-9]+", " ", text).split()
    words = [word for word in words if word not in _TOWN] or words
    words = words[:12]
    street, number, suffix = _house_number(words)
    return Question(" ".join(words), tuple(words), tuple(street), number, suffix, sheet, parcel)


def _cadastral(text: str) -> tuple[str, str]:
    reference = _CADASTRE[-1].match(text)
    if not reference:
        text = _MUNICIPALITY.sub("", text)
        turned = _REVERSED.match(text)
        if turned:
            text = f"foglio {turned[2]} particella {turned[1]}"
    for form in _CADASTRE:
        match = form.match(text)
        if match:
            sheet = match[1].lstrip("0") or "0"
            parcel = (match[2] or "").lstrip("0")
            # A sheet alone is said by its word only: "12" is a house number or a code.
            return (sheet, "") if not parcel else ("", f"{sheet}/{parcel}")
    return "", ""


def _house_number(words: list[str]) -> tuple[list[str], int | None, str]:
    """The last number with its exponent, when words come before it: "via dante 12 a" → via dante, 12, a."""
    for place in range(len(words) - 1, 0, -1):
        match = _NUMBER.match(words[place])
        rest = words[place + 1 :]
        if match and len(rest) <= 1 and all(_SUFFIX.match(word) for word in rest):
            return words[:place], int(match[1]), match[2] or "".join(rest)
    # "12 via dante", as some write.
    match = _NUMBER.match(words[0]) if len(words) > 1 else None
    if match and words[1].isalpha() and len(words[1]) > 2:
        return words[1:], int(match[1]), match[2]
    return words, None, ""
