"""DeepLIFT/SHAP (Shrikumar et al., ICML 2017; Lundberg & Lee, NeurIPS 2017), of tangermeme.

What `deep_shap` is of captum: the mean over background draws of DeepLIFT from each of them, by tangermeme's own rules
for the layers of sequence models (pooling, softmax, normalisation, products). Its references are draws of the declared
background, not shuffles of the sequence. Where the attributions do not add up to f(x) - f(z), they are not shown.
"""

import warnings
from typing import TYPE_CHECKING

from . import Answer, Task

if TYPE_CHECKING:
    import torch

INDEX = None


def explain(task: Task) -> Answer:
    """Explain by DeepLIFT/SHAP from background draws; see `Task`.

    Raises:
        UnsuitedError: the model has no gradients to follow, or layers that DeepLIFT does not know.
    """
    from tangermeme.deep_lift_shap import _nonlinear, deep_lift_shap

    from .gradients import BATCH, Elementwise, explain_by_differences, load_network

    network = load_network(task, "deep_lift_shap", modules=True).channels_first()

    def attribute(inputs: "torch.Tensor", references: "torch.Tensor") -> "torch.Tensor":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sums that are not right: they are checked, and told once
            multipliers = deep_lift_shap(
                network.module,
                inputs[:1],
                references=references[None],
                additional_nonlinear_ops={Elementwise: _nonlinear},
                batch_size=BATCH,
                raw_outputs=True,
                only_warn=True,
                dtype=inputs.dtype,
                device=network.device,
            )
        attributions: torch.Tensor = (inputs - references) * multipliers[0].to(inputs.device)
        return attributions

    return explain_by_differences(task, "deep_lift_shap", network, attribute)
