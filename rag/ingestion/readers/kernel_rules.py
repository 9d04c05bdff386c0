"""Two ways of Linux to bind one's own process for good, without privileges: Landlock and seccomp.

Landlock (https://docs.kernel.org/userspace-api/landlock.html) leaves reading below some places; seccomp with a filter
(https://docs.kernel.org/userspace-api/seccomp_filter.html) refuses system calls by number. Both need no_new_privs. The
structures and numbers are the kernel's, from its headers.
"""

import contextlib
import ctypes
import os
import platform
import struct
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""Rights to files that each version of Landlock knows, as a number of bits."""
_TCP, _SCOPES = 0b11, 0b11
_PR_SET_SECCOMP, _FILTER_MODE = 22, 2
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | 1  # the call fails with EPERM
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_X32 = 0x40000000

# socket, execve, execveat, ptrace, process_vm_readv, process_vm_writev, kill, tkill, tgkill, rt_sigqueueinfo,
# rt_tgsigqueueinfo, pidfd_send_signal, io_uring_setup, bpf, perf_event_open, add_key, request_key, keyctl, mount,
# unshare, setns, userfaultfd
_CALLS = {
    "x86_64": (
        0xC000003E,
        (41, 59, 322, 101, 310, 311, 62, 200, 234, 129, 297, 424, 425, 321, 298, 248, 249, 250, 165, 272, 308, 323),
    ),
    "aarch64": (
        0xC00000B7,
        (198, 221, 281, 117, 270, 271, 129, 130, 131, 138, 240, 424, 425, 280, 241, 217, 218, 219, 40, 97, 268, 282),
    ),
}


def allow_reading_only(libc: ctypes.CDLL, places: Iterable[Path], listed: Iterable[Path] = ()) -> bool:
    """Leave nothing of the file system but reading below `places`, and the names of what is below `listed`.

    False where the kernel has no Landlock; then nothing has changed.
    """
    call = libc.syscall
    call.restype = ctypes.c_long
    version = call(ctypes.c_long(_CREATE_RULESET), None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    if version < 1:
        return False
    rules = (1 << _FILE_RIGHTS.get(version, 16)) - 1
    attributes = struct.pack("=QQQ", rules, _TCP, _SCOPES)[: 8 if version < 4 else 16 if version < 6 else 24]
    ruleset = call(ctypes.c_long(_CREATE_RULESET), attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    if ruleset < 0:
        return False
    for rights, group in ((_READ_FILE | _READ_DIR, places), (_READ_DIR, listed)):
        for place in group:
            with contextlib.suppress(OSError):  # what is not there needs no rule
                _allow(libc, ruleset, place, rights)
    is_bound = call(ctypes.c_long(_RESTRICT_SELF), ctypes.c_int(ruleset), ctypes.c_uint32(0)) == 0
    os.close(ruleset)
    return bool(is_bound)


def _allow(libc: ctypes.CDLL, ruleset: int, place: Path, rights: int) -> None:
    descriptor = os.open(place, getattr(os, "O_PATH", 0) | os.O_CLOEXEC)
    try:
        rule = struct.pack("=Qi", rights if place.is_dir() else rights & _READ_FILE, descriptor)
        libc.syscall(ctypes.c_long(_ADD_RULE), ctypes.c_int(ruleset), ctypes.c_int(1), rule, ctypes.c_uint32(0))
    finally:
        os.close(descriptor)


def deny_system_calls(libc: ctypes.CDLL) -> bool:
    """Refuse calls that reach the network, other processes or programs. False where that cannot be done."""
    known = _CALLS.get(platform.machine())
    if known is None or sys.maxsize < 2**32:  # a 32-bit Python uses other numbers
        return False
    program = _program(*known)
    code = ctypes.create_string_buffer(b"".join(program))
    header = struct.pack("@HP", len(program), ctypes.addressof(code))
    return bool(libc.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_FILTER_MODE), header) == 0)


def _program(architecture: int, calls: Sequence[int]) -> list[bytes]:
    """Instructions of the filter: another architecture and each call jump to the last one, which refuses."""

    def step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("=HBBI", code, if_true, if_false, value)

    count = len(calls)
    return [
        step(_LOAD, 4),
        step(_EQUAL, architecture, 0, count + 3),
        step(_LOAD, 0),
        step(_AT_LEAST, _X32, count + 1, 0),
        *(step(_EQUAL, number, count - at) for at, number in enumerate(calls)),
        step(_RETURN, _ALLOW),
        step(_RETURN, _REFUSE),
    ]
