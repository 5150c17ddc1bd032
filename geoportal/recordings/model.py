"""What every adapter makes of a recording."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


class BadRecording(ValueError):
    """The file is not the recording that was said; the text names what was looked for and what was found."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample: its number within its boot, its time (UTC), its measurements by the contract's names."""

    boot: str
    seq: int
    ts: datetime
    m: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RecordedDevice:
    """One device of a recording. `samples` are in the order in which they were recorded, repeated ones included; none:
    the recording calls it offline.
    """

    devid: str
    kind: str
    name: str
    info: Mapping[str, Any]
    samples: Sequence[Sample] = field(default_factory=tuple)


def boot_of(*parts: object) -> str:
    """A boot id that is the same whenever the same recording is read."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, "/".join(map(str, parts))))


def code_of(prefix: str, secret: str) -> str:
    """A device code from an identifier that must not be told, such as the address of a network card."""
    return f"{prefix}-{hashlib.blake2b(secret.encode(), digest_size=6).hexdigest()}"
