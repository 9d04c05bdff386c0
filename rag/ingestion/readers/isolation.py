"""What the reading process gives up before it sees a foreign file: memory, privileges, network, processes and files.

Nothing here is required: each step holds where the system allows it, and `isolation` tells which ones do, by trying.
Linux offers user and network namespaces, Landlock (5.13, in most distributions and containers) and seccomp; elsewhere
only the limits hold.
"""

import contextlib
import ctypes
import errno
import mimetypes
import os
import signal
import socket
import sys
import sysconfig
from pathlib import Path

from rag.ingestion.readers.kernel_rules import allow_reading_only, deny_system_calls

PACKAGE = Path(__file__).resolve().parents[2]
"""The folder of `rag`."""
LIMITS = {"RLIMIT_CORE": 0, "RLIMIT_FSIZE": 0, "RLIMIT_NOFILE": 256}
_FIRST_UID, _UIDS = 61_184, 4_336
"""Numbers that no account has: systemd keeps them for services with a dynamic user."""
_CLONE_NEWUTS, _CLONE_NEWIPC, _CLONE_NEWUSER, _CLONE_NEWNET = 0x04000000, 0x08000000, 0x10000000, 0x40000000
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITIES_V3 = 0x20080522
_SYSTEM = (
    *("/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share", "/lib", "/lib64", "/nix/store", "/gnu/store"),
    *("/etc/ld.so.cache", "/etc/localtime", "/etc/fonts", "/dev/null", "/dev/urandom", "/dev/random"),
    *("/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu"),
    *mimetypes.knownfiles,
)


def isolate(memory_mb: int, *, fully: bool = True) -> None:
    """Limit this process, and unless `fully` is False take its rights away. Call it while there is one thread."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the parent, which then ends this process
    limit(memory_mb)
    _be_first_to_go()
    if fully and sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # no libc that can be asked, or one without these calls
            _give_up_rights(ctypes.CDLL(None, use_errno=True))


def limit(memory_mb: int) -> None:
    """Bound memory and descriptors, and forbid core dumps and writing to files."""
    try:
        import resource
    except ImportError:  # pragma: no cover - Windows has no such limits
        return
    for name, most in {"RLIMIT_AS": memory_mb * 2**20, **LIMITS}.items():
        with contextlib.suppress(OSError, ValueError):  # a stricter limit is set already, or macOS refuses this one
            resource.setrlimit(getattr(resource, name), (most, most))


def isolation(parent: int, secret: str) -> dict[str, bool]:
    """What holds, by trying: `network`, `environment` of `parent`, reading the `files` of the bot (`secret` is one),
    starting `programs`. True where it is out of reach."""
    return {
        "network": not _reaches_network(),
        "environment": sys.platform == "linux" and not _can_read(f"/proc/{parent}/environ"),
        "files": not _can_read(secret),
        "programs": not _may_start_programs(),
    }


def has_own_user(uid: int) -> bool:
    """Whether a user number as the system shows it is one of those that `isolate` takes."""
    return _FIRST_UID <= uid < _FIRST_UID + _UIDS


def _be_first_to_go() -> None:
    """Where memory runs out the kernel ends this process rather than the bot."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _give_up_rights(libc: ctypes.CDLL) -> None:
    code = _code()
    network = _CLONE_NEWNET | _CLONE_NEWIPC | _CLONE_NEWUTS
    is_apart = libc.unshare(network) == 0  # root may do without a user namespace
    if os.geteuid() == 0 and all(map(_is_readable_by_all, code)):
        _become_nobody()
    if libc.unshare(_CLONE_NEWUSER if is_apart else _CLONE_NEWUSER | network) != 0 and not is_apart:
        libc.unshare(_CLONE_NEWUSER)
    _drop_capabilities(libc)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, *map(ctypes.c_ulong, (1, 0, 0, 0)))
    allow_reading_only(libc, [*code, *map(Path, _SYSTEM)], [PACKAGE.parent])
    deny_system_calls(libc)


def _code() -> list[Path]:
    """Where Python and the libraries are that readers import later. Settings and stores may lie beside them, so that of
    the import path only what packages are installed in is taken: another environment's folder, by a `.pth` file."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    places = {sysconfig.get_path(name) for name in names}
    places |= {os.path.join(prefix, "lib") for prefix in (sys.prefix, sys.base_prefix)}
    places |= {entry for entry in sys.path if entry and any(Path(entry).glob("*.dist-info"))}
    places |= set(filter(None, os.environ.get("LD_LIBRARY_PATH", "").split(":")))
    return [PACKAGE, *(Path(place).resolve() for place in sorted(places) if place and os.path.isdir(place))]


def _is_readable_by_all(place: Path) -> bool:
    """Whether any user may list a folder; otherwise a user of our own could import nothing."""
    try:
        may_enter = all(folder.stat().st_mode & 0o001 for folder in place.parents)
        return may_enter and place.stat().st_mode & 0o005 == 0o005
    except OSError:
        return False


def _become_nobody() -> None:
    number = _FIRST_UID + os.getpid() % _UIDS  # another one for each reader: none reaches another
    with contextlib.suppress(OSError):  # a container may have no such user
        os.setgroups([])
        os.setresgid(number, number, number)
        os.setresuid(number, number, number)


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_V3, 0)
    none = (ctypes.c_uint32 * 6)()
    libc.capset(header, none)


def _reaches_network() -> bool:
    """A datagram socket is tied to an address without a packet; in a network of its own not even this host is there."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("127.0.0.1", 9))
    except OSError:
        return False
    return True


def _may_start_programs() -> bool:
    """One that is not there: the answer tells whether the call itself is refused."""
    try:
        os.execv("/nowhere/at/all", ["nothing"])  # noqa: S606 - never starts
    except OSError as error:
        return error.errno != errno.EPERM


def _can_read(file: str) -> bool:
    try:
        return bool(Path(file).read_bytes())
    except OSError:
        return False
