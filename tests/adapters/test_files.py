"""Files are complete or not there."""

import errno
import os
from pathlib import Path

import pytest

from monitor.adapters.files import disk_full_as_error, leftovers, part_path, write_atomic
from monitor.errors import DiskFull


def test_content_replaces_content_and_nothing_else_is_left(tmp_path: Path) -> None:
    """Folders are made, the newest content wins, no hidden file stays."""
    path = tmp_path / "a" / "b" / "file.bin"
    write_atomic(path, b"old")
    write_atomic(path, b"new")

    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_rename_takes_its_part_away(tmp_path: Path) -> None:
    """Where a folder is in the way the error comes through and no hidden file stays."""
    path = tmp_path / "taken"
    (path / "inside").mkdir(parents=True)

    with pytest.raises(OSError, match="taken"):
        write_atomic(path, b"content")

    assert list(tmp_path.iterdir()) == [path]


def test_parts_of_the_living_are_left_alone_until_they_are_a_day_old(tmp_path: Path) -> None:
    """Ours is alive however old; another host's counts as left behind after a day."""
    ours = part_path(tmp_path / "x.tif")
    theirs = tmp_path / ".x.tif.other-host-12-34-0.part"
    for part in (ours, theirs):
        part.write_bytes(b"half")
    now_s = ours.stat().st_mtime

    assert leftovers(tmp_path, now_s + 3_600) == []
    assert leftovers(tmp_path, now_s + 90_000) == [theirs]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_no_space_and_no_quota_are_disk_full(tmp_path: Path, code: int) -> None:
    """Both name the file and the remedy; the cause stays attached."""
    path = tmp_path / "x.tif"

    with pytest.raises(DiskFull, match="Free space") as caught, disk_full_as_error(path):
        raise OSError(code, os.strerror(code))

    assert caught.value.item == str(path)
    assert isinstance(caught.value.__cause__, OSError)


def test_other_errors_stay_what_they_are(tmp_path: Path) -> None:
    """A missing permission is not a full disk."""
    with pytest.raises(PermissionError), disk_full_as_error(tmp_path / "x.tif"):
        raise PermissionError(errno.EACCES, "no")
