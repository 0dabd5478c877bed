"""Real processes that run the command line without paying for its imports each time.

They are forked from one clean server process that has imported everything once (`forkserver`), so a process that
is killed dies in its work and not while it imports.
"""

import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from rich.console import Console

from monitor import shipped
from monitor.adapters import illustrations, products
from monitor.adapters.imagery import RasterImageSource
from monitor.adapters.looks import LookFiles
from monitor.adapters.store import SqlStore, events
from monitor.cli.parts import Parts
from monitor.cli.run import run
from monitor.records import Bands, SceneItem, Tile
from monitor.wiring import build
from tests.pipeline.world import START, Ended, World

CLAIMED = '"claimed"'
"""What the log says when work on an acquisition begins."""
_CONTEXT = multiprocessing.get_context("forkserver")
# It starts with the first process; workers of Dask are forked from it as well.
_CONTEXT.set_forkserver_preload(["tests.pipeline.processes", "tests.pipeline.dask_cluster"])
_TIMEOUT_S = 120.0

Setup = Callable[[], None]


class Running:
    """A command in a process of its own."""

    def __init__(self, world: World, *arguments: str, setup: Setup | None = None, now: datetime = START) -> None:
        """`setup` (a function of a module) is called in the process before the command."""
        folder = world.folder / "runs"
        folder.mkdir(exist_ok=True)
        stem = f"{len(list(folder.iterdir())):03d}"
        self._out, self._err = folder / f"{stem}.out", folder / f"{stem}.err"
        self._err.touch()
        whole = (*arguments, "--config", str(world.config))
        target = (whole, str(self._out), str(self._err), setup, now)
        self._process: ForkServerProcess = _CONTEXT.Process(target=_run, args=target)
        self._process.start()

    def wait_for(self, text: str) -> bool:
        """Until the log says this; False when the command ended without."""
        deadline = time.monotonic() + _TIMEOUT_S
        while text not in self._err.read_text(encoding="utf-8"):
            if self._process.exitcode is not None:
                return text in self._err.read_text(encoding="utf-8")
            assert time.monotonic() < deadline, f"the log does not say {text!r}"
            time.sleep(0.002)
        return True

    def kill(self) -> bool:
        """SIGKILL, and wait until the system has noticed; False when it had ended by itself."""
        self._process.kill()
        self._process.join(_TIMEOUT_S)
        return self._process.exitcode == -signal.SIGKILL

    def end(self) -> Ended:
        """Wait for its end."""
        self._process.join(_TIMEOUT_S)
        code = self._process.exitcode
        assert code is not None, "the command does not end"
        out = self._out.read_text(encoding="utf-8") if self._out.exists() else ""
        return Ended(code=code, out=out, err=self._err.read_text(encoding="utf-8"))


def kill_at(running: Running, delay_s: float) -> bool:
    """SIGKILL so long after the first acquisition was claimed; False when the command had ended before."""
    if running.wait_for(CLAIMED):
        time.sleep(delay_s)
    return running.kill()


def new_seed() -> int:
    """A seed to print, so that a failure can be repeated."""
    return random.SystemRandom().randrange(1_000_000)


def _run(arguments: tuple[str, ...], out: str, err: str, setup: Setup | None, now: datetime) -> None:
    """The child: its output goes to files, its exit code is the command's."""
    for name in [one for one in os.environ if one.startswith("SCARPWATCH_")]:
        del os.environ[name]
    for descriptor, path in ((1, out), (2, err)):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(opened, descriptor)
        os.close(opened)
    if setup is not None:
        setup()

    sys.exit(run(arguments, Parts(build=build, demo=no_demo, clock=lambda: now)))


def no_demo(folder: Path, seed: int, check: bool, console: Console) -> bool:
    """For `Parts`: no command here runs the demonstration."""
    raise AssertionError("no command here runs the demonstration")


def be_another_version() -> None:
    """Another version of Scarpwatch, that works with the same tables."""
    _replace(shipped, "version", lambda _name: "0.0.9")


def be_impatient() -> None:
    """Wait a fraction of a second for the database instead of 15."""
    SqlStore.__init__.__defaults__ = (timedelta(milliseconds=200), None, None)


def die_reading(scene: str) -> None:
    """From now on, reading this scene brings the process down, as one would that needs more memory than there is."""
    read = RasterImageSource.read

    def deadly(source: RasterImageSource, items: Sequence[SceneItem], bands: Sequence[str], tile: Tile) -> Bands:
        if any(item.id == scene for item in items):
            _die()
        return read(source, items, bands, tile)

    _replace(RasterImageSource, "read", deadly)


STEPS: Mapping[str, tuple[object, str]] = {
    "claim": (SqlStore, "claim"),
    "look": (LookFiles, "write"),
    "lease": (SqlStore, "extend"),
    "rasters": (products, "_write_layers"),
    "rename": (os, "replace"),
    "item": (products.ProductFolder, "_put"),
    "lists": (products.ProductFolder, "_list"),
    "chips": (illustrations, "write_chips"),
    "picture": (illustrations, "write_picture"),
    "illustrate": (illustrations.Illustrations, "illustrate"),
    "events": (events, "write"),
    "commit": (SqlStore, "complete"),
}
"""The steps of an acquisition's life, and the function that takes each; "events" is in the middle of the transaction
that "commit" ends."""


def die_after(step: str, turn: int, acquisition: int) -> None:
    """Die right after a step was taken for the `turn`-th time while the `acquisition`-th one is processed (from 1)."""
    claimed = _counting(SqlStore, "claim")
    owner, name = STEPS[step]
    take = getattr(owner, name)  # after the counting, which "claim" must go through
    taken = [0]

    def deadly(*arguments: object, **named: object) -> object:
        result = take(*arguments, **named)
        taken[0] += claimed[0] == acquisition
        if taken[0] == turn:
            _die()
        return result

    _replace(owner, name, deadly)


def _counting(owner: object, name: str) -> list[int]:
    """Count the calls of a function, in the one number of the list."""
    take = getattr(owner, name)
    calls = [0]

    def counted(*arguments: object, **named: object) -> object:
        calls[0] += 1
        return take(*arguments, **named)

    _replace(owner, name, counted)
    return calls


def _replace(owner: object, name: str, function: Callable[..., object]) -> None:
    """The process ends soon: nothing needs to be put back."""
    setattr(owner, name, function)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
