"""Where a run may start: the mean of networks that began alike.

Wortsman et al. 2022, "Robust fine-tuning of zero-shot models" (doi 10.1109/CVPR52688.2022.00780): between a network
that was taught caution and one that was not lies one that keeps most of what either can, on ground neither has seen.
It answers as fast as one. A short training at a low rate settles it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.utils.data import DataLoader

from monitor.errors import BadModel
from training.batches import Sources, VariedChips, order_seed
from training.experiment import Experiment
from training.networks.build import build_network


def average(experiment: Experiment, parts: Sequence[nn.Module], sources: Sources) -> nn.Module:
    """The mean of `parts`, with the statistics of its layers from one pass over the chips.

    The mean of the parts' own statistics is not that of the mean network, which answers otherwise inside.

    Raises:
        BadModel: the parts are not of the experiment's network.
    """
    network = build_network(experiment.network, experiment.data.channels, initial=False)
    wanted = {name: value.shape for name, value in network.state_dict().items()}
    states = [part.state_dict() for part in parts]
    if any({name: value.shape for name, value in state.items()} != wanted for state in states):
        raise BadModel(
            f"not all of {', '.join(experiment.average)} are of the network of {experiment.name}",
            item=experiment.name,
            remedy="Average runs of one network that differ in their data or order alone.",
        )
    network.load_state_dict({name: _mean([state[name] for state in states]) for name in wanted})
    _measure_statistics(network, experiment, sources)
    return network


def _mean(values: Sequence[torch.Tensor]) -> torch.Tensor:
    return torch.stack([value.double() for value in values]).mean(dim=0).to(values[0].dtype)


def _measure_statistics(network: nn.Module, experiment: Experiment, sources: Sources) -> None:
    """Mean and variance of every batch normalisation over the batches of one epoch, all alike."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.momentum = None  # torch takes the plain mean of all batches
    schedule = experiment.schedule
    half = schedule.precision != "32-true"
    chips = VariedChips(sources, experiment.variation, seed=order_seed(schedule), epoch=0)
    network.train()
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=half):
        for inputs, _ in DataLoader(chips, schedule.batch_size, drop_last=len(chips) > schedule.batch_size):
            network(inputs.contiguous(memory_format=torch.channels_last))
    network.eval()
