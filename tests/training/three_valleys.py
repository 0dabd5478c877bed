"""Three simulated valleys of one chip, in the time of one."""

import shutil
from pathlib import Path

import h5py

from training.simulated.valley_command import describe_valleys, make_valley, order_of
from training.simulated.valley_files import file_of

SEEDS = (1, 2, 3)
SIZE_PX = 160


def make_three(folder: Path) -> None:
    """The second and third are the first with its chips turned."""
    make_valley(folder, 1, order_of(SIZE_PX, quiet=3, after=3))
    for seed in SEEDS[1:]:
        turned(file_of(folder, 1), file_of(folder, seed), seed)
    describe_valleys(folder)


def turned(source: Path, target: Path, seed: int) -> None:
    """Another valley in a second instead of ten: rows (2) or rows and columns (3) of every chip reversed."""
    shutil.copy(source, target)
    with h5py.File(target, "r+") as file:
        file.attrs["seed"] = seed
        for name in file:
            chips = file[name][:][..., ::-1, :]
            file[name][:] = chips if seed == 2 else chips[..., ::-1]
