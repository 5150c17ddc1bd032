"""Which text encoding a DBF or a CSV is written in, and how that was found."""

from __future__ import annotations

import codecs
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.utils.translation import gettext as _

from layers.importing.errors import ImportRefused

_CHUNK = 1 << 20
_WESTERN = "cp1252"
_CODE_PAGES = {
    0x01: "cp437",
    0x02: "cp850",
    0x03: "cp1252",
    0x57: "cp1252",
    0x58: "cp1252",
    0x59: "cp1252",
    0x08: "cp865",
    0x09: "cp437",
    0x0A: "cp850",
    0x0B: "cp437",
    0x0D: "cp437",
    0x0E: "cp850",
    0x0F: "cp437",
    0x10: "cp850",
    0x11: "cp437",
    0x12: "cp850",
    0x14: "cp850",
    0x15: "cp437",
    0x16: "cp850",
    0x18: "cp437",
    0x19: "cp437",
    0x1A: "cp850",
    0x1B: "cp437",
    0x1D: "cp850",
    0x25: "cp850",
    0x37: "cp850",
    0xC8: "cp1250",
}
"""Language driver ids (byte 29 of a DBF) that Western Europe meets. 0x57 is "the machine's own": Windows here."""


@dataclass(frozen=True, slots=True)
class FoundEncoding:
    """A Python codec name and how it was found."""

    name: str
    how: str


def chosen(name: str) -> FoundEncoding:
    """The encoding the person importing asked for. Raises ImportRefused when Python does not know it."""
    try:
        return FoundEncoding(codecs.lookup(name).name, _("indicata da chi importa"))
    except LookupError as error:
        raise ImportRefused(_("La codifica %(name)r non esiste.") % {"name": name}) from error


def of_text_file(stream_chunks: list[bytes]) -> FoundEncoding:
    """UTF-8 when the whole text is valid UTF-8, otherwise the Western Windows code page. Chunks are in file order."""
    if stream_chunks and stream_chunks[0].startswith(codecs.BOM_UTF8):
        return FoundEncoding("utf-8-sig", _("segno UTF-8 all'inizio del file"))
    if stream_chunks and stream_chunks[0].startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return FoundEncoding("utf-16", _("segno UTF-16 all'inizio del file"))
    if is_utf8(stream_chunks):
        return FoundEncoding("utf-8", _("testo valido in UTF-8"))
    return FoundEncoding(_WESTERN, _("supposta: il testo non è UTF-8 e Windows occidentale è l'uso italiano"))


def of_text_stream(stream: IO[bytes]) -> FoundEncoding:
    """The same, for a file of any size."""
    first = stream.read(_CHUNK)
    marked = of_text_file([first[:4]])
    if marked.name in ("utf-8-sig", "utf-16"):
        return marked
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        chunk = first
        while chunk:
            decoder.decode(chunk)
            chunk = stream.read(_CHUNK)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return of_text_file([b"\xff"])
    return of_text_file([])


def head_in_utf8(head: bytes) -> bytes:
    """The beginning of a text, which may be cut inside a character, as UTF-8 where it says that it is UTF-16."""
    if not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head
    return codecs.getincrementaldecoder("utf-16")("replace").decode(head).encode()


def is_utf8(chunks: list[bytes]) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in chunks:
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def of_shapefile(shape: Path) -> FoundEncoding:
    """The encoding of a shapefile's DBF.

    Its .cpg where the bytes do not contradict it; else what they prove; else its language byte; else cp1252.
    """
    dbf = shape.with_suffix(".dbf")
    if not dbf.exists():
        return FoundEncoding("utf-8", _("nessuna tabella di attributi"))
    language, names, records = _dbf_text(dbf)
    # A name may be cut inside a letter: it counts only where the records do not tell.
    body = names if records.isascii() else records
    plain = body.isascii()
    utf8 = is_utf8([body])
    cpg = shape.with_suffix(".cpg")
    claimed = head_in_utf8(cpg.read_bytes()[:64]).decode("utf-8-sig", "replace").strip() if cpg.exists() else ""
    name = _from_cpg(claimed) if claimed else None
    if name and (plain or (name == "utf-8") == utf8):
        return FoundEncoding(name, _("file .cpg (%(text)s)") % {"text": claimed})
    if name:
        # Accented letters of a Western code page are hardly ever valid UTF-8 by chance, nor the other way round.
        how = _("il .cpg dichiara %(text)s, ma i byte dicono altro") % {"text": claimed}
        return FoundEncoding("utf-8" if utf8 else _WESTERN, how)
    if plain:
        return FoundEncoding("utf-8", _("solo caratteri ASCII"))
    if utf8:
        return FoundEncoding("utf-8", _("nessun .cpg; i byte oltre l'ASCII sono UTF-8 valido"))
    if language in _CODE_PAGES:
        how = _("nessun .cpg; byte di lingua 0x%(byte)02x della DBF") % {"byte": language}
        return FoundEncoding(_CODE_PAGES[language], how)
    return FoundEncoding(
        _WESTERN, _("supposta: nessun .cpg, i byte non sono UTF-8, Windows occidentale è l'uso italiano")
    )


def _from_cpg(text: str) -> str | None:
    wanted = re.sub(r"^(oem|dos|cp|windows|ansi)[ _-]*(?=\d)", "", text.lower()).replace(" ", "")
    wanted = {"utf8": "utf-8", "ansi": "cp1252", "ansi1252": "cp1252", "88591": "iso8859-1"}.get(wanted, wanted)
    if re.fullmatch(r"\d{3,5}", wanted):
        wanted = {"65001": "utf-8", "88591": "iso8859-1"}.get(wanted, f"cp{wanted}")
    try:
        return codecs.lookup(wanted).name
    except (LookupError, ValueError):
        return None


def _dbf_text(dbf: Path) -> tuple[int, bytes, bytes]:
    """The language byte, the columns' names, and a good part of the records (memo files are not looked at)."""
    with dbf.open("rb") as stream:
        head = stream.read(32)
        if len(head) < 32:
            return 0, b"", b""
        (header_size,) = struct.unpack("<H", head[8:10])
        columns = stream.read(max(0, header_size - 32))
        names = b" ".join(columns[at : at + 11].split(b"\0")[0] for at in range(0, len(columns) - 31, 32))
        stream.seek(header_size)
        body = stream.read(64 * _CHUNK)
    # The cut may fall inside a character.
    return head[29], names, body[: len(body) - 4] if len(body) == 64 * _CHUNK else body.rstrip(b"\x1a")
