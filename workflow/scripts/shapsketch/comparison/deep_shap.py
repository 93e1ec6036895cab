"""DeepSHAP (Lundberg & Lee, NeurIPS 2017; DeepLIFT's rescale rule, Shrikumar et al., ICML 2017), of captum.

The mean over background draws of DeepLIFT from each of them. It passes finite differences through one layer after
another, which are not the Shapley values of the whole. DeepLIFT adds up to f(x) - f(z) if it has followed every layer;
where it does not add up, it is not shown.
"""

import warnings
from typing import TYPE_CHECKING

from . import Answer, Task

if TYPE_CHECKING:
    import torch

INDEX = None


def explain(task: Task) -> Answer:
    """Explain by DeepLIFT from background draws; see `Task`.

    Raises:
        UnsuitedError: the model has no gradients to follow, or layers that DeepLIFT does not know.
    """
    from captum.attr import DeepLift
    from captum.attr._core import deep_lift

    from .gradients import Elementwise, explain_by_differences, load_network

    network = load_network(task, "deep_shap", modules=True)
    deep_lift.SUPPORTED_NON_LINEAR[Elementwise] = deep_lift.nonlinear
    method = DeepLift(network.module)

    def attribute(inputs: "torch.Tensor", references: "torch.Tensor") -> "torch.Tensor":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of hooks that captum sets itself
            attributions: torch.Tensor = method.attribute(inputs, references)
        return attributions

    return explain_by_differences(task, "deep_shap", network, attribute)
