"""A document of a known device into the store of ingest: same tables, same de-duplication, same judgement.

A message is made of it as the device would have sent it by MQTT. Its number is the uptime in seconds, its boot the one
whose beginning lies where this uptime points; the same document sent twice is stored once.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
import psycopg2

from geoportal.messaging import kinds, topics
from geoportal.messaging.ingest.batch import Batch, Dead, interpret
from geoportal.messaging.ingest.inbox import Message
from geoportal.messaging.ingest.registry import Known
from geoportal.messaging.ingest.store import Store, connect
from geoportal.messaging.messages import MalformedMessage
from wifi.models import AccessPoint, NetJsonBoot
from wifi.netjson.document import measurements, read

SAME_BOOT = timedelta(seconds=120)
"""Two documents speak of one boot when their uptimes point this near to each other: clocks and networks jitter."""
_REFUSED = (psycopg2.DataError, psycopg2.IntegrityError)


class StoreAway(Exception):
    """The database does not answer: the device keeps the document and sends it again."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request: the device's own time for it, ours, and whether it says that nothing newer waits."""

    body: bytes
    taken_at: datetime
    rx: datetime
    is_current: bool


def receive(device: AccessPoint, arrival: Arrival) -> str:
    """Store a document. Returns why it was refused, or an empty text. Raises StoreAway."""
    known = Known(device.pk, device.devid, device.shard or topics.shard_of(device.devid), kinds.kind(device.kind))
    try:
        message = _message(device, known, arrival)
        batch = interpret([message], lambda _: known)
        # Numbers have holes here, and there is nobody to tell which of them are missing.
        batch.received.clear()
        refused = batch.dead[0].detail if batch.dead else ""
    except MalformedMessage as error:
        batch, refused = _dead(known, arrival, error.code, str(error)), str(error)
    with _store() as store:
        try:
            store.write(batch, arrival.rx)
        except _REFUSED as error:
            refused = str(error).strip()
            store.write(_dead(known, arrival, "rejected_by_database", refused), arrival.rx)
    return refused


def _message(device: AccessPoint, known: Known, arrival: Arrival) -> Message:
    """The document as a sample of the contract. Raises MalformedMessage."""
    document = read(arrival.body)
    measured = measurements(document)
    if not measured:
        raise MalformedMessage("invalid", "nothing in it is a measurement that is kept")
    uptime = measured.get("uptime", 0)
    started = (arrival.rx if arrival.is_current else arrival.taken_at) - timedelta(seconds=uptime)
    said = {
        "boot": str(_boot(device, started)),
        "seq": uptime,
        "ts": arrival.taken_at,
        "hist": not arrival.is_current,
        "m": measured,
    }
    topic = topics.up(known.devid, "tele", known.shard)
    return Message(0, 0, 1, topic, msgspec.json.encode(said), False, arrival.rx.timestamp())


def _boot(device: AccessPoint, started: datetime) -> uuid.UUID:
    """The boot that began then: a known one, or a new one whose name follows from its beginning."""
    near = NetJsonBoot.objects.filter(
        device=device, started_at__range=(started - SAME_BOOT, started + SAME_BOOT)
    ).order_by("started_at")
    held = near.first()
    if held is not None:
        return held.boot
    moment = started.astimezone(UTC).replace(microsecond=0)
    boot = uuid.uuid5(uuid.NAMESPACE_URL, f"{device.devid}/{moment.isoformat()}")
    NetJsonBoot.objects.get_or_create(boot=boot, defaults={"device": device, "started_at": moment})
    return boot


def _dead(known: Known, arrival: Arrival, reason: str, detail: str) -> Batch:
    """Nothing of the document is kept with its dead letter: it may name clients and their leases."""
    topic = topics.up(known.devid, "tele", known.shard)
    batch = Batch(size=1)
    batch.dead.append(Dead(topic, b"", reason, f"NetJSON, {len(arrival.body)} bytes: {detail}", arrival.rx.timestamp()))
    return batch


_own = threading.local()


@contextmanager
def _store() -> Iterator[Store]:
    """This thread's store, over a connection of its own. Raises StoreAway; then the next one connects anew."""
    try:
        if getattr(_own, "store", None) is None:
            _own.connection = connect("ingest-netjson")
            _own.store = Store(_own.connection)
        yield _own.store
    except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
        _own.store = None
        raise StoreAway(str(error).strip()) from error
