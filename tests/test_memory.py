"""Earlier looks out of an archive of which files were lost."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from monitor.adapters.looks import LookFiles
from monitor.errors import AssetUnavailable
from monitor.memory import Memory
from monitor.records import KeptLook
from tests.fake_watch import TILE, acquisition, look


@pytest.fixture
def rows(tmp_path: Path) -> list[KeptLook]:
    """Eight looks at a tile, newest first."""
    archive = LookFiles(tmp_path)
    made = []
    for index in range(8):
        of = acquisition(index)
        seen = replace(look(TILE, of), acquisition_id=f"{of.id}{index}")
        made.append(
            KeptLook(
                acquisition_key=of.key,
                acquisition_version=of.version,
                sensing_time=of.sensing_time + timedelta(days=index),
                relative_orbit=of.relative_orbit,
                model_version="1",
                look_href=archive.write(seen, "1"),
            )
        )
    return made[::-1]


def last(folder: Path, rows: list[KeptLook], depth: int = 3) -> tuple[list[int], str]:
    """Places in `rows` of the looks that a memory finds for the whole tile, and what it complains of."""
    memory = Memory(LookFiles(folder))
    found, looks = memory.last(rows, np.ones((256, 256), dtype=np.bool_), depth)
    for row, one in zip(found, looks, strict=True):
        assert one.acquisition_id in row.look_href
    return [rows.index(row) for row in found], memory.complaint()


def test_nothing_is_lost(tmp_path: Path, rows: list[KeptLook]) -> None:
    """The newest looks, newest first, and nothing to complain of."""
    assert last(tmp_path, rows) == ([0, 1, 2], "")
    assert last(tmp_path, rows[:2]) == ([0, 1], "")
    assert last(tmp_path, []) == ([], "")


def test_older_looks_fill_up(tmp_path: Path, rows: list[KeptLook]) -> None:
    """A deleted look and a truncated one are left out, two older ones take their places, and both are named."""
    gone, cut = (tmp_path / str(rows[index].look_href) for index in (0, 2))
    gone.unlink()
    cut.write_bytes(cut.read_bytes()[:1000])
    places, complaint = last(tmp_path, rows)
    assert places == [1, 3, 4]
    assert complaint.startswith("2 kept looks are gone or broken: ")
    assert all(str(rows[index].look_href) in complaint for index in (0, 2))
    assert "backup" in complaint


def test_all_that_was_asked_for_is_lost(tmp_path: Path, rows: list[KeptLook]) -> None:
    """One look found is enough to go on; none at all is a product folder that is not there."""
    memory = Memory(LookFiles(tmp_path))
    memory.check()
    for row in rows[1:]:
        (tmp_path / row.look_href).unlink()
    assert memory.recall(rows[1].look_href) is None
    with pytest.raises(AssetUnavailable, match=r"none of 1 kept looks.*mounted.*forget-looks"):
        memory.check()
    assert memory.recall(rows[0].look_href) is not None
    memory.check()


def test_everything_is_lost(tmp_path: Path, rows: list[KeptLook]) -> None:
    """All rows are tried, nothing is found, and the complaint stays short."""
    for row in rows:
        (tmp_path / row.look_href).unlink()
    places, complaint = last(tmp_path, rows)
    assert places == []
    assert complaint.startswith("8 kept looks are gone or broken: ")
    assert "and 5 more" in complaint
    assert complaint.count(".tif") == 3


def test_one_lost_look(tmp_path: Path, rows: list[KeptLook]) -> None:
    """Only what was asked for and is lost is complained of; put back, it is used again."""
    path = tmp_path / rows[1].look_href
    content = path.read_bytes()
    path.unlink()
    memory = Memory(LookFiles(tmp_path))
    hrefs = [row.look_href for row in rows[:3]]
    assert len(memory.recall_all(hrefs)) == 2
    assert memory.complaint().startswith(f"1 kept look is gone or broken: {hrefs[1]};")
    path.write_bytes(content)
    assert last(tmp_path, rows) == ([0, 1, 2], "")


def test_only_what_is_needed_is_read(tmp_path: Path, rows: list[KeptLook]) -> None:
    """A lost look beyond those that are needed is not even noticed; looks that show nothing wanted are passed over."""
    (tmp_path / rows[4].look_href).unlink()
    assert last(tmp_path, rows) == ([0, 1, 2], "")
    nothing = np.zeros((256, 256), dtype=np.bool_)
    assert Memory(LookFiles(tmp_path)).last(rows, nothing, 3) == ([], [])
