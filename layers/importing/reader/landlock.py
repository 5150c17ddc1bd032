"""Files out of a reading process's sight: what Linux's Landlock does not name, it cannot open.

Unlike rights of the user this holds for root too, and no process can widen it again. Source: landlock(7) and
include/uapi/linux/landlock.h (Linux 5.13 and later).
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG, _PATH_BENEATH = 1, 1
_WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE = 1 << 1, 1 << 2, 1 << 3, 1 << 14
_FILE_RIGHTS = (1 << 0) | _WRITE_FILE | _READ_FILE | _TRUNCATE
_RIGHTS_OF_VERSION = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
"""All rights that a version of the interface can take away; what is newer is 5's."""
_ALL_RIGHTS = (1 << 16) - 1
_LIBRARIES = ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib", "/usr/share/zoneinfo", "/etc/ld.so.cache")
_DEVICES = ("/dev/null", "/dev/urandom", "/dev/zero")
_OURS = ("layers", "geoportal", "ogc")


def confine(readable: Iterable[Path], writable: Iterable[Path]) -> bool:
    """Leave this process only these files and folders, beside its own code; False where the kernel has no Landlock."""
    libc = ctypes.CDLL(None, use_errno=True)
    version = int(libc.syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG))
    if version < 1:
        return False
    handled = _RIGHTS_OF_VERSION.get(version, _ALL_RIGHTS)
    attributes = ctypes.create_string_buffer(struct.pack("=Q", handled))
    ruleset = int(libc.syscall(_CREATE_RULESET, attributes, 8, 0))
    if ruleset < 0:
        return False
    try:
        for path in [*_code(), *readable]:
            _allow(libc, ruleset, path, handled & (_READ_FILE | _READ_DIR))
        for path in [*map(Path, _DEVICES), *writable]:
            _allow(libc, ruleset, path, handled)
        return int(libc.syscall(_RESTRICT_SELF, ruleset, 0)) == 0
    finally:
        os.close(ruleset)


def _code() -> list[Path]:
    """Python, its packages, the libraries they load, and our own packages; not the folder that holds the data."""
    base = Path(__file__).resolve().parents[3]
    named = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    named |= {str(Path(sys.base_prefix) / "lib"), *_LIBRARIES, *(str(base / name) for name in _OURS)}
    return [Path(name) for name in sorted(named)]


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not path.is_dir():
            rights &= _FILE_RIGHTS
        rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, handle))
        if libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0):
            raise OSError(ctypes.get_errno(), f"no Landlock rule for {path.name}")
    finally:
        os.close(handle)
