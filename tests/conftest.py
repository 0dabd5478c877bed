"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A loaded machine is slow, not wrong.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

ROOT = Path(__file__).resolve().parent.parent
LONGEST_FIRST = ("pipeline", "training", "sandbox", "benchmarks", "adapters")
"""Folders of long files; `core` is last. At the end files of a second are left, and no worker waits for another."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files in this order are handed to the workers in this order (`--no-loadscope-reorder`)."""
    items.sort(key=_place)  # stable: a file stays whole, its tests in order


def _place(item: pytest.Item) -> int:
    folder = item.path.relative_to(ROOT / "tests").parts[0]
    between = len(LONGEST_FIRST)
    return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else between + (folder == "core")


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real satellite and catalog data: SCARPWATCH_DATA, or ../shared/data beside the project."""
    folder = Path(os.environ.get("SCARPWATCH_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"real data are required in CI, but {folder} is not there (set SCARPWATCH_DATA)")
        pytest.skip(f"no real data in {folder} (set SCARPWATCH_DATA)")
    return folder
