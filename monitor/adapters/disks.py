"""Room on the disks of a watch."""

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskRoom:
    """Of one disk, in bytes."""

    free: int
    """For the user who asks."""
    usable: int
    """Used or free: as `df` counts, without what a file system reserves for root."""


def disk_room(path: Path) -> DiskRoom:
    """Room on the disk of a path, or of the folder in which it will be made.

    Raises:
        OSError: it cannot be asked.
    """
    there = next((one for one in (path, *path.parents) if one.exists()), path)
    found = shutil.disk_usage(there)
    return DiskRoom(free=found.free, usable=found.used + found.free)
