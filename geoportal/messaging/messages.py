"""What a device says, read strictly: bytes in, frozen structs out, or MalformedMessage. Pure functions.

Fields and ranges are those of docs/mqtt-contract.md. What one kind of device measures is declared beside that kind
(`wifi.messages`, `kiosks.messages`) as a struct; measurements that it does not know are kept as they came.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, NoReturn

import msgspec
from msgspec import Meta, Raw, Struct

MAX_BYTES = 64 * 1024
MAX_BATCH = 50
MAX_DEPTH = 100
"""Far below what a decoder or the database follows without running out of stack."""
_TEXT = 4096
_MAC = re.compile(
    rb"(?i)\b[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}\b|\b[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}\b|(?<=\")[0-9a-f]{12}(?=\")"
)
_HIDDEN = b"(address removed)"

Boot = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
Moment = Annotated[datetime, Meta(tz=True)]
Counter = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Percent = Annotated[float, Meta(ge=0, le=100)]
Celsius = Annotated[float, Meta(ge=-60, le=150)]
Small = Annotated[int, Meta(ge=0, le=1_000_000)]
Flag = bool | Annotated[int, Meta(ge=0, le=1)]
Text = Annotated[str, Meta(max_length=200)]


class MalformedMessage(ValueError):
    """Not a message of the contract. `code` is the reason of its dead letter; the text names field and value."""

    def __init__(self, code: Literal["not_json", "invalid", "too_large"], text: str) -> None:
        self.code = code
        super().__init__(text)


class Metrics(Struct, frozen=True):
    """The measurements a kind of device is known for, all optional. Names are those of the contract and the columns."""

    COUNTERS: ClassVar[tuple[str, ...]] = ()
    """Those that only grow within a boot, in bytes."""


class State(Struct, frozen=True):
    """`up/state`: birth, last will, goodbye."""

    s: Literal["online", "lost", "offline"]
    boot: Boot
    conn: Counter
    ts: Moment | None = None
    up: Counter | None = None
    clk: Annotated[str, Meta(max_length=16)] | None = None
    why: Text = ""


class Event(Struct, frozen=True):
    """`up/event`: something happened. `d` is kept as it came."""

    boot: Boot
    seq: Counter
    ts: Moment
    ev: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_.]{0,39}$")]
    d: dict[str, Any] = {}
    v: Literal[1] = 1
    hist: bool = False


class CommandResult(Struct, frozen=True):
    """`up/cmdres`: how a command goes."""

    id: Annotated[str, Meta(min_length=1, max_length=64)]
    st: Literal["accepted", "running", "done", "failed", "rejected", "expired", "unsupported"]
    ts: Moment
    code: Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)] = 0
    out: Annotated[str, Meta(max_length=_TEXT)] = ""
    boot: Boot | None = None
    seq: Counter | None = None
    v: Literal[1] = 1


class SampleForm(Struct, frozen=True):
    """One sample of `up/tele` as it comes; `m` is read apart, by the kind of device."""

    boot: Boot
    seq: Counter
    ts: Moment
    m: Raw
    interval: Annotated[int, Meta(ge=1, le=86_400)] | None = msgspec.field(name="int", default=None)
    hist: bool = False
    clk: Annotated[str, Meta(max_length=16)] | None = None
    v: Literal[1] = 1


class _Batch(Struct, frozen=True):
    batch: Annotated[list[SampleForm], Meta(min_length=1, max_length=MAX_BATCH)]


class Sample(Struct, frozen=True):
    """One sample of `up/tele`. `values` follow the fields of the kind's struct; `extra` is the JSON of the rest."""

    boot: str
    seq: int
    ts: datetime
    hist: bool
    clk: str | None
    values: tuple[Any, ...]
    extra: bytes | None
    metrics: bytes
    """Every measurement, as JSON."""


@dataclass(frozen=True, slots=True)
class TelemetryReader:
    """Reads `up/tele` of one kind of device."""

    metrics: type[Metrics]
    decode: Callable[[bytes], Any]
    known: frozenset[str]

    @classmethod
    def of(cls, metrics: type[Metrics]) -> TelemetryReader:
        """The reader of a kind whose measurements are these."""
        return cls(metrics, msgspec.json.Decoder(metrics).decode, frozenset(metrics.__struct_encode_fields__))

    def read(self, payload: bytes) -> list[Sample]:
        """The samples of one message, one or a batch. Raises MalformedMessage."""
        check_size(payload)
        try:
            return [self._sample(_sample(payload))]
        except _UNREADABLE as error:
            if b'"batch"' not in payload:
                _refuse(payload, error)
        try:
            return [self._sample(one) for one in _batch(payload).batch]
        except _UNREADABLE as error:
            _refuse(payload, error)

    def _sample(self, one: SampleForm) -> Sample:
        raw = bytes(one.m)
        try:
            known = self.decode(raw)
            named = _mapping(raw)
        except msgspec.ValidationError as error:
            raise MalformedMessage("invalid", f"m: {_with_value(raw, error)}") from error
        extra = None
        if not named.keys() <= self.known:
            if _MAC.search(raw):
                raw = without_addresses(raw)
                named = _mapping(raw)
            extra = msgspec.json.encode({key: value for key, value in named.items() if key not in self.known})
        return Sample(one.boot, one.seq, one.ts, one.hist, one.clk, msgspec.structs.astuple(known), extra, raw)


_sample = msgspec.json.Decoder(SampleForm).decode
_batch = msgspec.json.Decoder(_Batch).decode
_mapping = msgspec.json.Decoder(dict[str, Any]).decode
_state = msgspec.json.Decoder(State).decode
_event = msgspec.json.Decoder(Event).decode
_result = msgspec.json.Decoder(CommandResult).decode


_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError)
"""What msgspec raises for bytes that are no message; text that is not UTF-8 is none of its own errors."""
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', re.DOTALL)


def check_size(payload: bytes) -> None:
    """Raises MalformedMessage when the message is longer or deeper than the contract allows, or holds a character that
    no database text can.
    """
    if len(payload) > MAX_BYTES:
        raise MalformedMessage("too_large", f"{len(payload)} bytes; at most {MAX_BYTES} are allowed")
    if b"\\u0000" in payload:
        raise MalformedMessage("invalid", "the character U+0000 stands in it, which no text may hold")
    if payload.count(b"[") + payload.count(b"{") > MAX_DEPTH and _depth(payload) > MAX_DEPTH:
        raise MalformedMessage("invalid", f"nested deeper than {MAX_DEPTH} levels")


def _depth(payload: bytes) -> int:
    """How deep lists and objects lie within each other; brackets in texts do not count."""
    deepest = now = 0
    for piece in _BRACKETS.findall(payload):
        if piece in b"[{":
            now += 1
            deepest = max(deepest, now)
        elif piece in b"]}":
            now -= 1
    return deepest


def read_state(payload: bytes) -> State:
    """`up/state`. Raises MalformedMessage."""
    return _read(_state, without_addresses(payload))


def read_event(payload: bytes) -> Event:
    """`up/event`. Raises MalformedMessage."""
    return _read(_event, without_addresses(payload))


def read_result(payload: bytes) -> CommandResult:
    """`up/cmdres`. Raises MalformedMessage."""
    return _read(_result, without_addresses(payload))


def read_info(payload: bytes) -> bytes:
    """`up/info`: the description as JSON text, an object of any form. Raises MalformedMessage."""
    document: dict[str, Any] = _read(_mapping, without_addresses(payload))
    return msgspec.json.encode(document)


def without_addresses(payload: bytes) -> bytes:
    """The text with everything that looks like a MAC address removed: such an address can be that of a person's
    telephone, and none is ever stored.
    """
    return _MAC.sub(_HIDDEN, payload)


def numbers_of(payload: bytes) -> list[tuple[str, int]]:
    """(boot, seq) of what can be recognised in a message that was refused, so that its sender need not repeat it."""
    try:
        document = msgspec.json.decode(payload)
    except (*_UNREADABLE, RecursionError):
        return []
    batch = document.get("batch") if isinstance(document, dict) else None
    found = []
    for one in (batch if isinstance(batch, list) else [document])[: MAX_BATCH * 20]:
        boot, seq = (one.get("boot"), one.get("seq")) if isinstance(one, dict) else (None, None)
        if isinstance(boot, str) and _BOOT.fullmatch(boot) and type(seq) is int and 0 <= seq < 2**63:
            found.append((boot, seq))
    return found


_BOOT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _read[T](decode: Callable[[bytes], T], payload: bytes) -> T:
    check_size(payload)
    try:
        return decode(payload)
    except _UNREADABLE as error:
        _refuse(payload, error)


def _refuse(payload: bytes, error: msgspec.DecodeError | UnicodeDecodeError) -> NoReturn:
    if isinstance(error, msgspec.ValidationError):
        raise MalformedMessage("invalid", _with_value(payload, error)) from error
    raise MalformedMessage("not_json", f"not JSON: {error}; it begins with {payload[:60]!r}") from error


_PATH = re.compile(r" - at `\$(.*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")


def _with_value(payload: bytes, error: msgspec.ValidationError) -> str:
    """msgspec's words, the field it names, and the value that stands there."""
    text = str(error)
    match = _PATH.search(text)
    if match is None:
        return text
    try:
        value: Any = msgspec.json.decode(payload)
    except _UNREADABLE:  # a number that no computer holds is refused again
        return text
    for name, index in _STEP.findall(match[1]):
        if isinstance(value, Mapping) and name in value:
            value = value[name]
        elif isinstance(value, list) and index and int(index) < len(value):
            value = value[int(index)]
    return f"{match[1].lstrip('.') or 'message'}: {text[: match.start()]}, found {repr(value)[:120]}"


def is_boot(text: str) -> bool:
    """Whether a text is a boot id: a UUID in lower case."""
    return _BOOT.fullmatch(text) is not None
