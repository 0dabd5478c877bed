"""Files that are either complete or not there.

A file is written under a hidden name beside its final one, flushed to the disk, and renamed. A
process killed half-way leaves at most such a hidden file; the next write in the folder takes it away.
"""

import errno
import fcntl
import itertools
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rasterio._err import CPLE_BaseError  # rasterio.shutil raises these bare; there is no public name
from rasterio.errors import RasterioError

from monitor.errors import DiskFull

_PART = ".part"
_STALE_S = 86_400.0
_FULL = (errno.ENOSPC, errno.EDQUOT)
_sequence = itertools.count()


def write_atomic(path: Path, content: bytes) -> None:
    """Make `path` hold `content`, or leave it as it was. Folders are made as needed.

    What killed processes left half-written in the folder is taken away.

    Raises:
        DiskFull: no space; the partial file is gone again.
    """
    with disk_full_as_error(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part:
            part.write_bytes(content)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A hidden file beside `path` to be written; it takes the name when all went well, and is gone otherwise."""
    part = part_path(path)
    try:
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    for orphan in leftovers(path.parent, path.stat().st_mtime):
        orphan.unlink(missing_ok=True)
    sync_folder(path.parent)


def part_path(path: Path) -> Path:
    """A hidden name beside `path` that no other thread, process or host uses now."""
    owner = f"{socket.gethostname()}-{os.getpid()}-{threading.get_ident()}-{next(_sequence)}"
    return path.with_name(f".{path.name}.{owner}{_PART}")


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[None]:
    """The lock of a folder, or of a file that is made for it, across threads, processes and hosts that share the files.

    The kernel gives it back when its holder dies.

    Raises:
        BlockingIOError: another has it, and we do not wait.
    """
    opened = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(opened)


def sync_folder(folder: Path) -> None:
    """Make the renames in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def leftovers(folder: Path, now_s: float) -> list[Path]:
    """Hidden parts in one folder whose writer is gone: dead on this host, or older than a day.

    Args:
        now_s: seconds since the epoch on the file system's clock, for example the mtime of a new file.
    """
    return [part for part in folder.glob(f".*{_PART}") if _is_orphan(part, now_s)]


@contextmanager
def disk_full_as_error(path: Path, needed_bytes: int = 65_536) -> Iterator[None]:
    """Turn every "no space left" into DiskFull naming `path`.

    GDAL reports it in its own exceptions and in various words, or as a file it cannot read back; so
    when one of those fails, the disk itself is asked whether `needed_bytes` would still fit.
    """
    try:
        yield
    except (OSError, RasterioError, CPLE_BaseError) as err:
        full = isinstance(err, OSError) and err.errno in _FULL
        if full or _says_full(err) or _free_bytes(path) < needed_bytes:
            raise disk_full(path) from err
        raise


def disk_full(path: Path) -> DiskFull:
    """The error for a write to `path` that found no space."""
    return DiskFull(
        "no space left on the disk",
        item=str(path),
        remedy="Free space on that file system, or move `products` in config.yaml to a larger one; it is tried again.",
    )


def _says_full(err: BaseException) -> bool:
    chain: list[str] = []
    current: BaseException | None = err
    while current is not None:
        chain.append(str(current))
        current = current.__cause__ or current.__context__
    return any("no space left" in text.lower() or "disk quota" in text.lower() for text in chain)


def _free_bytes(path: Path) -> int:
    """Space left where `path` would lie."""
    folder = next((parent for parent in path.parents if parent.is_dir()), Path("/"))
    free = os.statvfs(folder)
    return free.f_bavail * free.f_frsize


def _is_orphan(part: Path, now_s: float) -> bool:
    try:
        age_s = now_s - part.stat().st_mtime
    except FileNotFoundError:
        return False
    pid = part.name.removesuffix(_PART).split("-")[-3:][0]
    if f".{socket.gethostname()}-{pid}-" in part.name and pid.isdigit():
        return not _is_alive(int(pid))
    return age_s > _STALE_S


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
