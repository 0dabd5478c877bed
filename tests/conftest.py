"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A loaded machine is slow, not wrong.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real satellite and catalog data: SCARPWATCH_DATA, or ../shared/data beside the project."""
    folder = Path(os.environ.get("SCARPWATCH_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"real data are required in CI, but {folder} is not there (set SCARPWATCH_DATA)")
        pytest.skip(f"no real data in {folder} (set SCARPWATCH_DATA)")
    return folder
