"""What is made of the answer of pip-audit: silence is no clean bill."""

from collections.abc import Mapping
from typing import Any

import pytest

from deploy.audit_dependencies import verdict

CLEAN: Mapping[str, Any] = {"name": "numpy", "version": "2.4.6", "vulns": []}
UNKNOWN: Mapping[str, Any] = {"name": "scipy", "skip_reason": "Dependency not found on PyPI"}
OURS: Mapping[str, Any] = {"name": "scarpwatch", "skip_reason": "distribution marked as editable"}
FAULTY: Mapping[str, Any] = {
    "name": "pillow",
    "version": "10.0.0",
    "vulns": [{"id": "PYSEC-2023-227", "fix_versions": ["10.0.1"]}, {"id": "GHSA-x", "fix_versions": []}],
}


@pytest.mark.parametrize(
    ("packages", "code", "words"),
    [
        ([CLEAN, OURS], 0, ["1 of 1 packages were checked, 0 known faults"]),
        (
            [CLEAN, UNKNOWN],
            2,
            [
                "1 of 2 packages were checked, 0 known faults",
                "Not checked, as the index does not tell of them: scipy",
            ],
        ),
        ([OURS], 2, ["0 of 0 packages were checked, 0 known faults"]),
        (
            [FAULTY, CLEAN],
            1,
            [
                "pillow 10.0.0: PYSEC-2023-227, mended in 10.0.1",
                "pillow 10.0.0: GHSA-x, mended in no release",
                "2 of 2 packages were checked, 2 known faults",
            ],
        ),
    ],
)
def test_the_verdict(packages: list[Mapping[str, Any]], code: int, words: list[str]) -> None:
    """Known faults end with 1, what could not be asked with 2; our own package is in no index."""
    assert verdict(packages) == (code, words)
