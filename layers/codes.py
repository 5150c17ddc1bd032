"""Code lists of attributes: which values a column may have and what each means, as people write them and as it is held.

Held as JSON, `[{"code": "A020102", "it": "Edificio", "en": "Building"}]`; written one code a line,
`A020102 = Edificio | Building`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

MOST = 500
TEXT_MAX = 200
KINDS: dict[str, type[str] | type[int]] = {"string": str, "integer": int}
"""Types of attributes that can have a code list."""


@dataclass(frozen=True, slots=True)
class Code:
    """One value of a list and its meaning."""

    code: str | int
    title_it: str
    title_en: str


def entries(held: list[dict[str, Any]]) -> tuple[Code, ...]:
    """The codes of an attribute, in their order."""
    return tuple(Code(one["code"], one["it"], one.get("en") or one["it"]) for one in held)


def read(text: str, type_: str) -> list[dict[str, Any]]:
    """What somebody has written, for an attribute of this type. Raises ValidationError."""
    if text.strip() and type_ not in KINDS:
        raise ValidationError(_("Hanno un elenco di codici i testi e gli interi; questa colonna è di tipo %s.") % type_)
    found = [_line(number, line, type_) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    codes = [one["code"] for one in found]
    if len(codes) > MOST:
        raise ValidationError(_("I codici sono %(found)d: al massimo %(most)d.") % {"found": len(codes), "most": MOST})
    twice = sorted({str(code) for code in codes if codes.count(code) > 1})
    if twice:
        raise ValidationError(_("Codici scritti due volte: %s.") % ", ".join(twice[:5]))
    return found


def _line(number: int, line: str, type_: str) -> dict[str, Any]:
    code, equals, titles = (part.strip() for part in line.partition("="))
    italian, _bar, english = (part.strip() for part in titles.partition("|"))
    if not (code and equals and italian):
        raise ValidationError(
            _("Riga %d: scrivi «codice = significato» oppure «codice = italiano | inglese».") % number
        )
    if max(len(code), len(italian), len(english)) > TEXT_MAX or not line.isprintable():
        raise ValidationError(_("Riga %d: al massimo 200 caratteri leggibili per codice e significato.") % number)
    try:
        return {"code": KINDS[type_](code), "it": italian, "en": english}
    except ValueError:
        text = _("Riga %(line)d: la colonna contiene interi e «%(code)s» non lo è.") % {"line": number, "code": code}
        raise ValidationError(text) from None


def fitting(held: list[dict[str, Any]], type_: str) -> list[dict[str, Any]]:
    """The same list for an attribute whose type has changed; empty when it cannot be one of that type."""
    try:
        return read(write(held), type_)
    except ValidationError:
        return []


def write(held: list[dict[str, Any]]) -> str:
    """The list as people write it."""
    lines = (f"{one['code']} = {one['it']}" + (f" | {one['en']}" if one.get("en") else "") for one in held)
    return "\n".join(lines)
