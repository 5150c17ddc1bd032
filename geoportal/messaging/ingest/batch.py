"""From messages to what one transaction writes. No database and no broker here."""

from __future__ import annotations

import logging
import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from geoportal.messaging import messages as contract
from geoportal.messaging import topics
from geoportal.messaging.ingest.acks import Key
from geoportal.messaging.ingest.inbox import Message
from geoportal.messaging.ingest.registry import Known
from geoportal.messaging.messages import MalformedMessage, Sample, State

TOLERANCE = timedelta(hours=24)
"""Further than this from our clock a device's time is wrong."""
OLDEST = timedelta(days=90)
"""Back-fill older than this is taken for a wrong clock."""
DRIFT = timedelta(seconds=60)
"""A clock that no time server disciplines is believed as long as it agrees with ours this well."""
BUCKET_S = 300
"""The shortest roll-up."""
_KEPT_BYTES = 4096
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_NULL = "\\N"
_encode = msgspec.json.Encoder().encode

Lookup = Callable[[str], Known | None]
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Dead:
    """A message that could not be used, as its dead letter will say."""

    topic: str
    payload: bytes
    reason: str
    detail: str
    rx: float

    def row(self) -> tuple[Any, ...]:
        kept = contract.without_addresses(self.payload[: _KEPT_BYTES * 2])[:_KEPT_BYTES]
        topic = contract.without_addresses(self.topic.encode()[:1000]).decode("utf-8", "replace").replace("\0", "")
        detail = contract.without_addresses(self.detail.encode()[:2000]).decode("utf-8", "replace").replace("\0", "")
        return topic, kept, len(self.payload), self.reason, detail, datetime.fromtimestamp(self.rx, UTC)


@dataclass(slots=True)
class Latest:
    """What a batch says of the last state of one device."""

    seen_at: datetime | None = None
    sample: Sample | None = None
    sample_at: datetime | None = None
    clock_bad: bool | None = None
    info: bytes | None = None


@dataclass(slots=True)
class Batch:
    """Everything one transaction writes."""

    size: int = 0
    samples: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Lines of COPY by kind of device."""
    days: set[tuple[str, date]] = field(default_factory=set)
    """Kind and UTC day of the partitions that must be there."""
    buckets: set[tuple[int, int]] = field(default_factory=set)
    """Device and beginning (seconds since 1970) of the intervals of 5 minutes whose roll-ups these samples change."""
    events: list[str] = field(default_factory=list)
    results: list[tuple[uuid.UUID, int, contract.CommandResult, datetime]] = field(default_factory=list)
    """What devices say of commands: id of the command, device, result, time of arrival."""
    latest: dict[int, Latest] = field(default_factory=lambda: defaultdict(Latest))
    states: dict[int, list[tuple[State, datetime]]] = field(default_factory=lambda: defaultdict(list))
    received: dict[Key, list[int]] = field(default_factory=lambda: defaultdict(list))
    gaps: list[tuple[Key, int, int]] = field(default_factory=list)
    devices: dict[int, Known] = field(default_factory=dict)
    dead: list[Dead] = field(default_factory=list)
    unsure: set[tuple[int, str, int]] = field(default_factory=set)
    _moment: tuple[float, datetime, str] = (-1.0, datetime.fromtimestamp(0, UTC), "")

    def moment(self, rx: float) -> tuple[float, datetime, str]:
        """A time of our clock as seconds, UTC and text; messages that came in one piece share it."""
        if self._moment[0] != rx:
            at = datetime.fromtimestamp(rx, UTC)
            self._moment = rx, at, str(at)
        return self._moment


def interpret(messages: Sequence[Message], lookup: Lookup) -> Batch:
    """Read messages; whatever cannot be used becomes a dead letter of the batch."""
    batch = Batch(size=len(messages))
    routes: dict[str, tuple[Known, str]] = {}
    for message in messages:
        try:
            route = routes.get(message.topic)
            if route is None:
                route = routes[message.topic] = _route(message.topic, lookup)
            _READERS[route[1]](batch, route[0], message)
        except MalformedMessage as error:
            _refuse(batch, message, error.code, str(error), lookup)
        except _Refused as error:
            _refuse(batch, message, error.reason, str(error), lookup)
        except Exception as error:  # it would come again for ever and end every worker that reads it
            logger.exception("a message on %s cannot be read", message.topic[:200])
            _refuse(batch, message, "invalid", f"{type(error).__name__}: {error}", lookup)
    return batch


def only_dead(message: Message, reason: str, detail: str, lookup: Lookup) -> Batch:
    """A batch that holds nothing but the dead letter of one message."""
    batch = Batch(size=1)
    _refuse(batch, message, reason, detail, lookup)
    return batch


class _Refused(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        super().__init__(detail)


def _route(topic: str, lookup: Lookup) -> tuple[Known, str]:
    try:
        parsed = topics.parse_up(topic)
    except topics.TopicError as error:
        raise _Refused("bad_topic", str(error)) from error
    known = lookup(parsed.devid)
    if known is None:
        raise _Refused("unknown_device", f"{parsed.devid!r} is not in the inventory")
    if known.shard != parsed.shard:
        raise _Refused("wrong_shard", f"{parsed.devid!r} has shard {known.shard}, the topic says {parsed.shard}")
    return known, parsed.channel


def _refuse(batch: Batch, message: Message, reason: str, detail: str, lookup: Lookup) -> None:
    batch.dead.append(Dead(message.topic, message.payload, reason, detail, message.rx))
    if reason in ("bad_topic", "unknown_device", "wrong_shard"):
        return
    known = lookup(topics.parse_up(message.topic).devid)
    if known is not None:
        # Counted as received, or the device would send the same unusable message for ever.
        batch.devices[known.id] = known
        for boot, seq in contract.numbers_of(message.payload):
            batch.received[known.id, boot].append(seq)


def _touch(batch: Batch, known: Known, message: Message) -> tuple[Latest, datetime]:
    rx = batch.moment(message.rx)[1]
    latest = batch.latest[known.id]
    batch.devices[known.id] = known
    if not message.retain:  # what the broker had kept proves nothing about now
        latest.seen_at = rx
    return latest, rx


def _telemetry(batch: Batch, known: Known, message: Message) -> None:
    samples = known.kind.reader.read(message.payload)
    latest, rx = _touch(batch, known, message)
    kind = known.kind.code
    lines = batch.samples[kind]
    told = batch.moment(message.rx)[2]
    for sample in samples:
        batch.received[known.id, sample.boot].append(sample.seq)
        at, bad = judge_time(known, sample.ts, sample.hist, sample.clk, rx)
        if bad:
            key = (known.id, sample.boot, sample.seq)
            if key in batch.unsure:
                continue
            batch.unsure.add(key)
        lines.append(_line(known.id, at, told, bad, sample))
        batch.days.add((kind, at.date()))
        batch.buckets.add((known.id, int(at.timestamp()) // BUCKET_S * BUCKET_S))
        if sample.hist:
            continue
        latest.clock_bad = bad
        held = latest.sample
        newer = held is None or at > latest.sample_at or (sample.boot == held.boot and sample.seq > held.seq)  # type: ignore[operator]
        if newer:
            latest.sample, latest.sample_at = sample, at


def judge_time(known: Known, ts: datetime, hist: bool, clk: str | None, rx: datetime) -> tuple[datetime, bool]:
    """The time to store, UTC, and whether it is ours because the device's own clock is wrong."""
    ahead = ts - rx
    far = ahead > TOLERANCE or ahead < (-OLDEST if hist else -TOLERANCE) or clk == "unset"
    if not hist:
        close = abs(ahead) <= DRIFT
        if far or close or clk is not None:
            known.clock_bad = far or (not close and clk not in (None, "ntp"))
    if far or known.clock_bad:
        return rx, True
    return (ts if ts.tzinfo is UTC else ts.astimezone(UTC)), False


def _line(device: int, at: datetime, rx: str, bad: bool, sample: Sample) -> str:
    extra = _NULL if sample.extra is None else sample.extra.decode().translate(_ESCAPES)
    # Numbers, truth values and nothing: the text of their JSON is what COPY reads, but for the name of nothing.
    values = _encode(sample.values)[1:-1].replace(b"null", b"\\N").replace(b",", b"\t").decode()
    return f"{device}\t{at}\t{sample.boot}\t{sample.seq}\t{rx}\t{sample.hist}\t{bad}\t{values}\t{extra}\n"


def _state(batch: Batch, known: Known, message: Message) -> None:
    if not message.payload:
        return  # a retained message was cleared
    state = contract.read_state(message.payload)
    # A will is sent by the broker: it does not show that the device lives.
    if state.s == "lost":
        batch.devices[known.id] = known
        rx = datetime.fromtimestamp(message.rx, UTC)
    else:
        latest, rx = _touch(batch, known, message)
        if state.s == "online" and state.clk is not None:
            off = state.ts is not None and abs(state.ts - rx) > DRIFT and not message.retain
            known.clock_bad = state.clk == "unset" or (state.clk != "ntp" and off)
            latest.clock_bad = known.clock_bad
    batch.states[known.id].append((state, rx))


def _info(batch: Batch, known: Known, message: Message) -> None:
    if not message.payload:
        return
    info = contract.read_info(message.payload)
    latest, _ = _touch(batch, known, message)
    latest.info = info


def _event(batch: Batch, known: Known, message: Message) -> None:
    event = contract.read_event(message.payload)
    _, rx = _touch(batch, known, message)
    at, bad = judge_time(known, event.ts, event.hist, None, rx)
    key = (known.id, event.boot)
    batch.received[key].append(event.seq)
    if event.ev == "gap":
        _gap(batch, known, event.d)
    data = msgspec.json.encode(event.d).decode()
    _add_event(batch, known.id, f"{event.boot}:{event.seq}", "event", event.ev, at, rx, bad, event.hist, data)


def _gap(batch: Batch, known: Known, told: dict[str, Any]) -> None:
    """The device says that it threw messages away: they are not missing any more."""
    boot, first, last = told.get("boot"), told.get("from"), told.get("to")
    if isinstance(boot, str) and type(first) is int and type(last) is int and contract.is_boot(boot):
        batch.gaps.append(((known.id, boot), first, last))


def _result(batch: Batch, known: Known, message: Message) -> None:
    result = contract.read_result(message.payload)
    _, rx = _touch(batch, known, message)
    at, bad = judge_time(known, result.ts, False, None, rx)
    if result.boot is not None and result.seq is not None:
        batch.received[known.id, result.boot].append(result.seq)
    data = msgspec.json.encode({"id": result.id, "code": result.code, "out": result.out}).decode()
    _add_event(batch, known.id, f"cmd:{result.id}:{result.st}", "cmdres", result.st, at, rx, bad, False, data)
    try:
        batch.results.append((uuid.UUID(result.id), known.id, result, rx))
    except ValueError:
        return  # ours are UUIDs: this one was sent by someone else, and is kept as an event only


def _add_event(batch: Batch, device: int, dedup: str, *values: Any) -> None:
    fields = [str(value).translate(_ESCAPES) for value in (device, dedup, *values)]
    batch.events.append("\t".join(fields) + "\n")


_READERS: dict[str, Callable[[Batch, Known, Message], None]] = {
    "tele": _telemetry,
    "state": _state,
    "info": _info,
    "event": _event,
    "cmdres": _result,
}
