"""Whether this machine's clock can be trusted, and which boot it is in."""

import ctypes
import time
import uuid
from pathlib import Path

_KERNEL_BOOT = Path("/proc/sys/kernel/random/boot_id")
_EARLIEST = 1_767_225_600.0
"""2026-01-01 UTC: a clock before this has no battery and has not been set yet."""
_STA_UNSYNC = 0x40
_STATUS_AT = 40
"""Byte offset of `status` in struct timex of 64-bit Linux: modes, offset, freq, maxerror, esterror, status."""
_TIMEX_BYTES = 256
"""The structure has 208 bytes; the kernel writes no further."""


def clock_quality() -> str:
    """`ntp` when the kernel says the clock is disciplined, `unset` when it is absurd, else `free`.

    Source: adjtimex(2), status bit STA_UNSYNC.
    """
    if time.time() < _EARLIEST:
        return "unset"
    if ctypes.sizeof(ctypes.c_long) != 8:
        return "free"
    buffer = ctypes.create_string_buffer(_TIMEX_BYTES)  # modes = 0: read only
    try:
        result = ctypes.CDLL(None).adjtimex(buffer)
    except (AttributeError, OSError):
        return "free"
    status = int.from_bytes(buffer.raw[_STATUS_AT : _STATUS_AT + 4], "little")
    return "ntp" if result >= 0 and not status & _STA_UNSYNC else "free"


def kernel_boot() -> str:
    """An id of this boot of the machine; where the kernel has none, a new one per process."""
    try:
        return _KERNEL_BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return str(uuid.uuid4())


def uptime_s() -> int:
    """Seconds since the machine started."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME))
