"""Ask the advisory database of PyPI about every package of an environment: `make audit-dependencies`.

pip-audit ends well when a package index does not know a package, or is none: nothing was checked then, and that is said
here and ends with 2. Known faults end with 1.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

OURS = frozenset({"scarpwatch"})
"""In no index."""


def verdict(packages: Sequence[Mapping[str, Any]]) -> tuple[int, list[str]]:
    """Exit code and words, of the packages as pip-audit lists them: `name`, `version`, `vulns` or `skip_reason`."""
    others = [one for one in packages if one["name"] not in OURS]
    unchecked = sorted(str(one["name"]) for one in others if "skip_reason" in one)
    found = [
        f"{one['name']} {one['version']}: {fault['id']}, mended in {', '.join(fault['fix_versions']) or 'no release'}"
        for one in others
        for fault in one.get("vulns", ())
    ]
    words = [
        *found,
        f"{len(others) - len(unchecked)} of {len(others)} packages were checked, {len(found)} known faults",
    ]
    if unchecked:
        words.append(f"Not checked, as the index does not tell of them: {', '.join(unchecked)}")
    return (1 if found else 2 if unchecked or not others else 0), words


def main(environment: Path) -> int:
    """Exit code of the command."""
    (packages,) = environment.glob("lib/python*/site-packages")
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", "--path"]
    ended = subprocess.run([*command, str(packages)], capture_output=True, text=True, check=False)
    try:
        listed = json.loads(ended.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = ended.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        sys.stderr.write(f"Nothing was checked: the advisory database could not be asked ({last[0]})\n")
        return 2
    code, words = verdict(listed)
    sys.stdout.write("\n".join(words) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
