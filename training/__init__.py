"""Trains, scores and exports the networks of the service; the service itself never imports this package."""

import torch

# torchvision from the usual index belongs to the CUDA build of torch. Beside a CPU build its compiled operators are
# missing, and importing it fails where it describes them; declaring them first lets it import. Nothing here calls them.
_OPERATORS = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
for _name in ("nms", "qnms"):
    if not hasattr(torch.ops.torchvision, _name):
        _OPERATORS.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")  # type: ignore[no-untyped-call]
