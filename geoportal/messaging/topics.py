"""The topic tree of the device contract `cremona/v1`. Pure functions: agents, ingest and tests all use these.

    cremona/v1/<shard>/<devid>/up/<channel>     what a device says: state, info, tele, event, cmdres
    cremona/v1/<shard>/<devid>/dn/<channel>     what the centre says: cmd, cfg, ack
    cremona/v1/srv/state/<first>-<last>         whether the centre listens to these shards

See docs/mqtt-contract.md. No Django import here: the agents run without it.
"""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

ROOT = "cremona/v1"
SERVER_STATE = f"{ROOT}/srv/state"
"""Below it each worker of ingest keeps one retained message for its range of shards: one's end is not the others'."""
SERVER_STATES = f"{SERVER_STATE}/+"
SERVER_PROBE = f"{ROOT}/srv/probe"
"""Where ingest sends itself a message to know that its whole way through the broker works."""
SHARDS = 16

UP_CHANNELS = frozenset({"state", "info", "tele", "event", "cmdres"})
DOWN_CHANNELS = frozenset({"cmd", "cfg", "ack"})

_DEVID = re.compile(r"[a-z0-9-]{3,32}")
_STATE = re.compile(rf"{SERVER_STATE}/([0-9a-f]{{2}})-([0-9a-f]{{2}})")
_UP = re.compile(rf"{ROOT}/([0-9a-f]{{2}})/([a-z0-9-]{{3,32}})/up/([a-z]+)")


class TopicError(ValueError):
    """A topic or a device id that is not of the contract's form."""


@dataclass(frozen=True, slots=True)
class UpTopic:
    """Where an upward message came from."""

    shard: str
    devid: str
    channel: str


def check_devid(devid: str) -> str:
    """The id itself when it is valid: 3 to 32 of a-z, 0-9 and "-". Raises TopicError."""
    if not _DEVID.fullmatch(devid):
        raise TopicError(f"device id {devid!r} is not 3 to 32 characters of a-z, 0-9 and '-'")
    return devid


def shard_of(devid: str) -> str:
    """The shard of a device, two hex digits: CRC-32 of its id modulo 16. Fixed at enrolment, then stored."""
    return f"{zlib.crc32(check_devid(devid).encode()) % SHARDS:02x}"


def up(devid: str, channel: str, shard: str | None = None) -> str:
    """The topic on which a device publishes."""
    if channel not in UP_CHANNELS:
        raise TopicError(f"unknown upward channel {channel!r}; known: {', '.join(sorted(UP_CHANNELS))}")
    return f"{ROOT}/{shard or shard_of(devid)}/{check_devid(devid)}/up/{channel}"


def down(devid: str, channel: str, shard: str | None = None) -> str:
    """The topic on which a device listens."""
    if channel not in DOWN_CHANNELS:
        raise TopicError(f"unknown downward channel {channel!r}; known: {', '.join(sorted(DOWN_CHANNELS))}")
    return f"{ROOT}/{shard or shard_of(devid)}/{check_devid(devid)}/dn/{channel}"


def parse_up(topic: str) -> UpTopic:
    """Read an upward topic. Raises TopicError when it is not one."""
    match = _UP.fullmatch(topic)
    if match is None or match[3] not in UP_CHANNELS:
        raise TopicError(f"topic {topic[:120]!r} is not {ROOT}/<shard>/<devid>/up/<channel>")
    return UpTopic(shard=match[1], devid=match[2], channel=match[3])


def server_state(shards: Sequence[str]) -> str:
    """Where the worker that listens to a range of shards says so."""
    return f"{SERVER_STATE}/{shards[0]}-{shards[-1]}"


def concerns(topic: str, shard: str) -> bool:
    """Whether a topic of the centre's state speaks for this shard."""
    match = _STATE.fullmatch(topic)
    return match is not None and match[1] <= shard <= match[2]


def subscription(shard: str) -> str:
    """The filter that receives everything the devices of one shard say."""
    return f"{ROOT}/{shard}/+/up/#"
