"""The network as Lightning trains it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import lightning
import torch
from lightning.pytorch.utilities.types import LRSchedulerConfigType, OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.optim import Adam, AdamW, NAdam, Optimizer
from torch.optim.lr_scheduler import ConstantLR, OneCycleLR, ReduceLROnPlateau

from training.experiment import Experiment
from training.losses import distillation_loss, segmentation_loss
from training.metrics import BINS, EDGES, scores
from training.networks.build import build_network, encoder_parameters

HELD_OUT_LOSS: Final = "held_out_loss"
"""Mean loss on the threshold chips after an epoch."""
_OPTIMIZERS: Final[dict[str, type[Optimizer]]] = {"adamw": AdamW, "adam": Adam, "nadam": NAdam}
_RISE: Final = 0.1
"""Share of the steps over which a one-cycle rate rises."""


def network_parameters(experiment: Experiment) -> dict[str, Any]:
    """What a checkpoint says of its network, so that no other experiment continues it."""
    return {"network": experiment.network.model_dump(mode="json"), "bands": list(experiment.data.bands)}


class SegmentationModule(lightning.LightningModule):
    """Learns from (inputs, labels); shows best F1 and PR-AUC on the threshold chips after every epoch.

    inputs: (N, C, H, W) float32 normalised. labels: (N, 1, H, W) int8, -1 unlabelled, 0 stable, 1 landslide.
    """

    def __init__(self, experiment: Experiment, *, initial: bool = True, teachers: Sequence[nn.Module] = ()) -> None:
        """`initial` loads pretrained weights; a checkpoint needs none. Teachers answer with logits."""
        super().__init__()
        self.experiment = experiment
        self.save_hyperparameters(network_parameters(experiment))
        network = build_network(experiment.network, experiment.data.channels, initial=initial)
        # Convolutions on CPU and GPU are fastest with the bands last in memory.
        self.network: nn.Module = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._counts = torch.zeros(2, BINS)
        self._inner_edges = torch.from_numpy(EDGES[1:])
        # In a tuple they are no part of the module: neither trained nor saved.
        self._teachers = tuple(teacher.requires_grad_(False).eval() for teacher in teachers)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (N, 1, H, W) float32."""
        logits: Tensor = self.network(inputs.contiguous(memory_format=torch.channels_last))
        return logits.float()

    def training_step(self, batch: tuple[Tensor, Tensor], _index: int) -> Tensor:
        inputs, labels = batch
        logits = self(inputs)
        loss = segmentation_loss(logits, labels, self.experiment.loss)
        if self._teachers:
            share = self.experiment.distillation.share
            loss = (1 - share) * loss + share * distillation_loss(logits, self._taught(inputs), labels)
        self.log("loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=len(inputs))
        return loss

    def _taught(self, inputs: Tensor) -> Tensor:
        """The teachers' mean probability, (N, 1, H, W)."""
        with torch.no_grad():
            answers = [torch.sigmoid(teacher(inputs).float()) for teacher in self._teachers]
        return torch.stack(answers).mean(dim=0)

    def on_fit_start(self) -> None:
        for teacher in self._teachers:
            teacher.to(self.device)

    def on_validation_epoch_start(self) -> None:
        self._counts = torch.zeros(2, BINS, device=self.device)
        self._inner_edges = torch.from_numpy(EDGES[1:]).to(self.device)

    def validation_step(self, batch: tuple[Tensor, Tensor], _index: int) -> None:
        inputs, labels = batch
        logits = self(inputs)
        self.log(HELD_OUT_LOSS, segmentation_loss(logits, labels, self.experiment.loss), batch_size=len(inputs))
        bins = torch.bucketize(torch.sigmoid(logits), self._inner_edges, right=True)
        for label in (0, 1):
            self._counts[label] += torch.bincount(bins[labels == label], minlength=BINS)

    def on_validation_epoch_end(self) -> None:
        counts = self.all_gather(self._counts)
        assert isinstance(counts, Tensor)
        found = scores(counts.reshape(-1, 2, BINS).sum(0).cpu().numpy(), threshold=0.5)
        self.log("f1_best", found.f1_best, prog_bar=True)
        self.log("pr_auc", found.pr_auc, prog_bar=True)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        schedule = self.experiment.schedule
        pretrained = encoder_parameters(self.network) if self.experiment.network.pretrained else set()
        named = list(self.network.named_parameters())
        rates = [schedule.learning_rate * schedule.encoder_rate, schedule.learning_rate]
        groups = [
            {"params": [value for name, value in named if (name in pretrained) == inside]} for inside in (True, False)
        ]
        kept = [(group, rate) for group, rate in zip(groups, rates, strict=True) if group["params"]]
        parameters = [{**group, "lr": rate} for group, rate in kept]
        made = _OPTIMIZERS[schedule.optimizer](parameters, weight_decay=schedule.weight_decay)  # type: ignore[call-arg]
        return {"optimizer": made, "lr_scheduler": self._course(made, [rate for _, rate in kept])}

    def _course(self, optimizer: Optimizer, rates: list[float]) -> LRSchedulerConfigType:
        """How the learning rates go on."""
        schedule = self.experiment.schedule
        if schedule.course == "plateau":
            lowered = ReduceLROnPlateau(
                optimizer, factor=schedule.plateau_factor, patience=schedule.plateau_epochs, mode="min"
            )
            return {"scheduler": lowered, "interval": "epoch", "monitor": HELD_OUT_LOSS}
        if schedule.course == "constant":
            return {"scheduler": ConstantLR(optimizer, factor=1.0), "interval": "epoch"}
        steps = int(self.trainer.estimated_stepping_batches)
        cycle = OneCycleLR(
            optimizer,
            max_lr=rates,
            # A rise that ends with the first step takes no time, by which it is divided.
            total_steps=steps + 1 if steps * _RISE == 1 else steps,
            pct_start=_RISE,
            cycle_momentum=False,
        )
        return {"scheduler": cycle, "interval": "step"}
