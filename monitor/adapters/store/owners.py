"""Who holds a lease, and whether that process still lives.

An owner is `host:pid:starttime`. `host` is the host name and a mark of this boot and process namespace, because
two containers or two machines may share a name, and a pid means nothing in another namespace. `starttime` tells a
process from a later one with the same pid; both come from /proc. On systems without it the lease alone decides.
"""

import hashlib
import os
import socket
from pathlib import Path

_PROC = Path("/proc")


def make_owner() -> str:
    """The owner string of this process."""
    pid = os.getpid()
    return f"{_host()}:{pid}:{_start_time(pid)}"


def owner_is_dead(owner: str | None) -> bool:
    """True only when the owner ran here and is certainly gone; elsewhere nobody can know, and the lease decides."""
    host, _, rest = (owner or "").partition(":")
    pid, _, start_time = rest.partition(":")
    if host != _host() or not pid.isdecimal() or not start_time or not _start_time(os.getpid()):
        return False
    return _start_time(int(pid)) != start_time


def _host() -> str:
    parts = [_text(_PROC / "sys/kernel/random/boot_id")]
    try:
        parts.append(os.readlink(_PROC / "self/ns/pid"))
    except OSError:
        parts.append("")
    mark = hashlib.sha256("|".join(parts).encode()).hexdigest()[:8]
    return f"{socket.gethostname().replace(':', '-')}@{mark}"


def _start_time(pid: int) -> str | None:
    """Clock ticks from boot to the start of a process; None when there is no such process (or no /proc)."""
    stat = _text(_PROC / str(pid) / "stat")
    if not stat:
        return None
    # Fields after the command name, which may itself hold spaces and brackets; proc(5).
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else fields[18]


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
