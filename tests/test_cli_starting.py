"""What a command loads before it works: help, wrong usage and mistakes of the configuration answer at once."""

import json
import subprocess
import sys
from pathlib import Path

_HEAVY = frozenset(
    {
        "alembic",
        "apscheduler",
        "dask",
        "fastapi",
        "httpx",
        "matplotlib",
        "monitor.adapters.store",
        "monitor.wiring",
        "odc.geo",
        "onnxruntime",
        "rasterio",
        "scipy.ndimage",
        "scipy.sparse",
        "uvicorn",
        "xarray",
    }
)
"""Each takes a good part of a second to import, or brings one that does. Import them where they are used."""

_PROGRAM = """
import contextlib, io, json, sys
from monitor.__main__ import main
codes = []
for arguments in json.loads(sys.argv[1]):
    sys.argv[1:] = arguments
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            main()
        except SystemExit as end:
            codes.append(end.code)
print(json.dumps([codes, sorted(sys.modules)]))
"""


def test_what_does_not_work_yet_loads_nothing_heavy(tmp_path: Path) -> None:
    """Neither help nor version, wrong usage or a mistake in the configuration waits for rasters and databases."""
    config = tmp_path / "config.yaml"
    config.write_text("regions: {atsuma: {geometry: 3}}\n")
    asked = [["--help"], ["--version"], ["nonsense"], ["declare", "--help"], ["status", "--config", str(config)]]
    ended = subprocess.run([sys.executable, "-c", _PROGRAM, json.dumps(asked)], capture_output=True, check=True)
    codes, loaded = json.loads(ended.stdout)
    assert codes == [0, 0, 2, 0, 2]
    assert not _HEAVY.intersection(loaded)
