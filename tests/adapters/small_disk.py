"""A disk that is really full: code run in its own mount namespace, on a file system of a few hundred kilobytes."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]


def run_on_small_disk(folder: Path, kilobytes: int, script: str) -> str:
    """Run Python code with `folder` (a Path named `disk` there) on a tmpfs of that size; gives what it printed.

    Skips where the kernel does not allow an unprivileged mount namespace.
    """
    folder.mkdir(parents=True, exist_ok=True)
    mount = f"mount -t tmpfs -o size={kilobytes}k tmpfs '{folder}'"
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    try:
        allowed = subprocess.run([*command, mount], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        allowed = False
    if not allowed:
        pytest.skip("no unprivileged mount namespaces here")
    prelude = (
        f"from pathlib import Path\nimport sys\nsys.path.insert(0, {str(_ROOT)!r})\ndisk = Path({str(folder)!r})\n"
    )
    code = folder.parent / "on_small_disk.py"
    code.write_text(prelude + textwrap.dedent(script), encoding="utf-8")
    done = subprocess.run(
        [*command, f"{mount} && exec '{sys.executable}' '{code}'"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
