"""The training loop: plain torch, resumable after every epoch."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from training.augment import DEFAULT, Variation, dithered, plain
from training.batches import Batch, Sources, epoch_batches, steps_per_epoch
from training.data import Patches
from training.loss import bce_dice_loss
from training.metrics import histogram, scores
from training.networks.resunetpp import ResUNetPlusPlus

CHECKPOINT: Final = "checkpoint.pt"
WARM_UP: Final = 0.15
"""Share of the steps over which the learning rate rises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How long and how fast to learn."""

    epochs: int = 30
    batch_size: int = 16
    learning_rate: float = 2e-3
    """Peak of `one_cycle`."""
    weight_decay: float = 1e-2
    averaging: float = 0.995
    """Decay per step of the running average of the weights, which is what is exported."""
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochReport:
    """One line of progress."""

    epoch: int
    epochs: int
    loss: float
    seconds: float
    f1_best: float
    """On the threshold blocks, which are not trained on."""
    pr_auc: float


class Trainer:
    """Network, running average, optimizer and generator: all that a checkpoint holds."""

    def __init__(self, schedule: Schedule, steps: int) -> None:
        """`steps` is the number of batches in one epoch."""
        torch.manual_seed(schedule.seed)
        self.schedule = schedule
        self.network = _channels_last(ResUNetPlusPlus())
        self.average = _channels_last(ResUNetPlusPlus())
        self.average.load_state_dict(self.network.state_dict())
        self.average.eval()
        self.optimizer = torch.optim.AdamW(self.network.parameters(), weight_decay=schedule.weight_decay)
        self.steps_total = schedule.epochs * steps
        self.rng = np.random.default_rng(schedule.seed)
        self.epoch = 0
        self.steps_done = 0

    def step(self, batch: Batch) -> float:
        """Learn from one batch; returns its loss."""
        inputs, targets = (torch.from_numpy(array) for array in batch)
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        self.network.train()
        # bfloat16 halves the time on processors with matrix units and is harmless elsewhere;
        # batch normalisation, loss and weights stay in float32.
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = self.network(inputs)
        loss = bce_dice_loss(logits.float(), targets)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = one_cycle(self.steps_done, self.steps_total, self.schedule.learning_rate)
        self.optimizer.step()
        self._average_weights()
        return float(loss.detach())

    def save(self, folder: Path) -> None:
        """Write the checkpoint; a reader never sees half of one."""
        state = {
            "schedule": asdict(self.schedule),
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "rng": self.rng.bit_generator.state,
            "epoch": self.epoch,
            "steps_done": self.steps_done,
        }
        part = folder / f"{CHECKPOINT}.part"
        torch.save(state, part)
        os.replace(part, folder / CHECKPOINT)

    def load(self, folder: Path) -> None:
        """Continue from the folder's checkpoint; only the number of epochs may have changed."""
        state = read_checkpoint(folder)
        started = {**state["schedule"], "epochs": self.schedule.epochs}
        if started != asdict(self.schedule):
            raise ValueError(f"{folder} was started with another schedule: {state['schedule']}")
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.rng.bit_generator.state = state["rng"]
        self.epoch, self.steps_done = state["epoch"], state["steps_done"]

    def start_from(self, folder: Path) -> None:
        """Begin with the averaged weights of another run; everything else begins anew."""
        average = read_checkpoint(folder)["average"]
        self.network.load_state_dict(average)
        self.average.load_state_dict(average)

    @torch.no_grad()
    def _average_weights(self) -> None:
        self.steps_done += 1
        # A short memory at first, so that the random start is forgotten quickly.
        decay = min(self.schedule.averaging, (1 + self.steps_done) / (10 + self.steps_done))
        average, current = self.average.state_dict(), self.network.state_dict()
        for name, value in average.items():
            if value.dtype.is_floating_point:
                value.lerp_(current[name], 1 - decay)


def one_cycle(step: int, total: int, peak: float) -> float:
    """Learning rate: a linear rise over the first part, then a half cosine to almost nothing.

    After Smith & Topin 2019, https://arxiv.org/abs/1708.07120, without the cycle of momentum.
    """
    rise = max(1.0, WARM_UP * total)
    if step < rise:
        return peak * (0.04 + 0.96 * step / rise)
    fallen = min(1.0, (step - rise) / max(1.0, total - rise))
    return peak * (1e-4 + (1 - 1e-4) * 0.5 * (1 + math.cos(math.pi * fallen)))


def read_checkpoint(folder: Path) -> dict[str, Any]:
    """The checkpoint's dictionary; FileNotFoundError when nothing was saved yet."""
    state: dict[str, Any] = torch.load(folder / CHECKPOINT, map_location="cpu", weights_only=True)
    return state


def fit(
    sources: Sources,
    held_out: Patches,
    schedule: Schedule,
    folder: Path,
    report: Callable[[EpochReport], None],
    clock: Callable[[], float],
    start_from: Path | None = None,
    variation: Variation = DEFAULT,
) -> None:
    """Train to the end of the schedule, saving and reporting after every epoch.

    A folder that already holds a checkpoint of the same schedule is continued.
    `held_out` is scored after each epoch to show progress; nothing is chosen by it here.
    """
    trainer = Trainer(schedule, steps_per_epoch(sources, schedule.batch_size))
    if (folder / CHECKPOINT).exists():
        trainer.load(folder)
    elif start_from is not None:
        trainer.start_from(start_from)
    while trainer.epoch < schedule.epochs:
        started = clock()
        losses = [trainer.step(batch) for batch in epoch_batches(sources, schedule.batch_size, trainer.rng, variation)]
        trainer.epoch += 1
        trainer.save(folder)
        found = scores(_counts(trainer.average, held_out), threshold=0.5)
        line = EpochReport(
            epoch=trainer.epoch,
            epochs=schedule.epochs,
            loss=float(np.mean(losses)),
            seconds=clock() - started,
            f1_best=found.f1_best,
            pr_auc=found.pr_auc,
        )
        with (folder / "epochs.jsonl").open("a") as log:
            log.write(json.dumps(asdict(line)) + "\n")
        report(line)


@torch.no_grad()
def _counts(network: nn.Module, patches: Patches) -> np.ndarray[Any, np.dtype[np.int64]]:
    total = np.zeros((2, 1), np.int64)
    for inputs, mask in _scored_batches(patches):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = network(inputs.contiguous(memory_format=torch.channels_last))
        probability = torch.sigmoid(logits.float())[:, 0].numpy()
        total = total + histogram(probability, mask)
    return total


def _scored_batches(patches: Patches, size: int = 16) -> Iterator[tuple[Tensor, Any]]:
    rng = np.random.default_rng(0)
    for start in range(0, len(patches.ids), size):
        part = slice(start, start + size)
        inputs = np.stack([plain(dithered(rgb, rng)) for rgb in patches.rgb[part]])
        yield torch.from_numpy(inputs), patches.mask[part]


def _channels_last(network: ResUNetPlusPlus) -> ResUNetPlusPlus:
    moved: ResUNetPlusPlus = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return moved
