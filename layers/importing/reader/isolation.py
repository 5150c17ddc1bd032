"""What a reading process gives up before it looks at a file: memory, time, files, network, other programs.

The kernel does it for good: neither the process nor anything it starts can take a limit back. Sources: setrlimit(2),
unshare(2), prctl(2) PR_SET_SECCOMP, Linux `seccomp_filter` and classic BPF.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import signal
import struct
from dataclasses import dataclass

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP = 1, 38, 22
_SECCOMP_MODE_FILTER = 2
_CAPABILITY_VERSION_3, _CAP_DAC_READ_SEARCH = 0x20080522, 1 << 2
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_EPERM = 1
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_X32_CALLS = 0x40000000

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_REFUSED_CALLS: dict[str, dict[str, int]] = {
    # Numbers of asm/unistd_64.h and asm-generic/unistd.h.
    "x86_64": {
        "socket": 41, "connect": 42, "socketpair": 53, "fork": 57, "vfork": 58, "execve": 59, "ptrace": 101,
        "mount": 165, "unshare": 272, "process_vm_readv": 310, "process_vm_writev": 311, "bpf": 321, "execveat": 322,
        "io_uring_setup": 425,
    },
    "aarch64": {
        "mount": 40, "unshare": 97, "ptrace": 117, "socket": 198, "socketpair": 199, "connect": 203, "execve": 221,
        "process_vm_readv": 270, "process_vm_writev": 271, "bpf": 280, "execveat": 281, "io_uring_setup": 425,
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ProcessLimits:
    """Caps on one reading process."""

    cpu_s: int = 3600
    memory_bytes: int = 8 * 1024**3
    """Of address space: pyarrow and GDAL reserve more than they use."""
    file_bytes: int = 20 * 1024**3
    """Of any file it writes (what it takes out of an archive, a COG)."""
    open_files: int = 128


def isolate(limits: ProcessLimits) -> list[str]:
    """Give it all up; the names of what this kernel did not allow to give up.

    The process must have one thread. Afterwards it dies with the process that started it.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, limits.cpu_s),
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files),
    ):
        _soft, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        # SIGXCPU at the soft limit tells why; SIGKILL at the hard one cannot be ignored.
        spare = 5 if what == resource.RLIMIT_CPU and hard == resource.RLIM_INFINITY else 0
        resource.setrlimit(what, (most, most + spare))
    missing = []
    if not _without_network():
        missing.append("network namespace")
    _without_capabilities()
    if not _without_calls():
        missing.append("system call filter")
    return missing


def _without_network() -> bool:
    """An empty network of its own: as root, or by a user namespace where the system allows those to anyone."""
    for flags in (os.CLONE_NEWNET, os.CLONE_NEWUSER | os.CLONE_NEWNET):
        try:
            os.unshare(flags)
        except OSError:
            continue
        return True
    return False


def _without_capabilities() -> None:
    """Root keeps only the right to read files: it could take limits back otherwise. Others have nothing to lose."""
    if os.geteuid() == 0:
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        data = (ctypes.c_uint32 * 6)(_CAP_DAC_READ_SEARCH, _CAP_DAC_READ_SEARCH, 0, 0, 0, 0)
        if ctypes.CDLL(None, use_errno=True).capset(header, data):
            raise OSError(ctypes.get_errno(), "the reader cannot give up root's rights")


def _without_calls() -> bool:
    """A filter on system calls: no socket of any family (also a database's Unix socket), no other program, no peeking.

    It needs no privilege, so it holds where namespaces are not allowed.
    """
    machine = platform.machine()
    if machine not in _ARCHITECTURES or os.uname().sysname != "Linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    program = _program(_ARCHITECTURES[machine], sorted(_REFUSED_CALLS[machine].values()), machine == "x86_64")
    code = ctypes.create_string_buffer(program)
    fprog = _SockFprog(len(program) // 8, ctypes.addressof(code))
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return False
    return bool(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(fprog), 0, 0) == 0)


class _SockFprog(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def _program(architecture: int, calls: list[int], has_x32: bool) -> bytes:
    """Classic BPF over `struct seccomp_data`: offset 0 is the call's number, 4 the architecture."""

    def step(code: int, value: int, if_so: int = 0, if_not: int = 0) -> bytes:
        return struct.pack("=HBBI", code, if_so, if_not, value)

    steps = [step(_LOAD, 4), step(_IF_EQUAL, architecture, if_so=1), step(_RETURN, _KILL), step(_LOAD, 0)]
    if has_x32:
        # The other numbering of the same calls would be a way around the list.
        steps += [step(_IF_AT_LEAST, _X32_CALLS, if_not=1), step(_RETURN, _ERRNO | _EPERM)]
    for call in calls:
        steps += [step(_IF_EQUAL, call, if_not=1), step(_RETURN, _ERRNO | _EPERM)]
    return b"".join([*steps, step(_RETURN, _ALLOW)])
