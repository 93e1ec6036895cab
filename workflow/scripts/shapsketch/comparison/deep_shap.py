"""DeepSHAP (Lundberg & Lee, NeurIPS 2017; DeepLIFT's rescale rule, Shrikumar et al., ICML 2017), of captum.

The mean over background draws of DeepLIFT from each of them. It passes finite differences through one layer after
another, which are not the Shapley values of the whole. DeepLIFT adds up to f(x) - f(z) if it has followed every layer;
where it does not add up, it is not shown.
"""

import warnings

import numpy as np

from ..sequences.rng import COALITION_STREAM, content_keys
from . import Answer, Task, UnsuitedError
from .game import draw_background

INDEX = None
NOTE = "its own definition: differences layer by layer; two evaluations include a gradient"
TOLERANCE = 1e-3  # of f(x) - f(z)


def explain(task: Task) -> Answer:
    """Explain by DeepLIFT from background draws; see `Task`.

    Raises:
        UnsuitedError: the model has no gradients to follow, or layers that DeepLIFT does not know.
    """
    from captum.attr import DeepLift
    from captum.attr._core import deep_lift

    from .gradients import BATCH, Elementwise, load_network

    draws = task.evaluations // 2
    if draws < 1:
        raise UnsuitedError("DeepSHAP needs at least 2 evaluations of a sequence.")
    network = load_network(task, "deep_shap", modules=True)
    deep_lift.SUPPORTED_NON_LINEAR[Elementwise] = deep_lift.nonlinear
    method = DeepLift(network.module)
    keys = content_keys(task.seed, COALITION_STREAM, task.codes)
    values = np.zeros(task.codes.shape)
    for row, key in enumerate(keys):
        for start in range(0, draws, BATCH):
            z = draw_background(task.background, key, start, min(start + BATCH, draws))
            inputs, references = (network.encode(c) for c in (np.repeat(task.codes[row : row + 1], len(z), 0), z))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of hooks that captum sets itself
                try:
                    attributions, missed = method.attribute(inputs, references, return_convergence_delta=True)
                except (RuntimeError, AssertionError, TypeError) as error:
                    reason = " ".join(str(error).split())[:200].rstrip(".")
                    raise UnsuitedError(f"captum's DeepLIFT fails on this network: {reason}.") from error
            contributions = network.by_position(attributions)
            _check_sum(contributions, missed.double().cpu().numpy())
            values[row] += contributions.sum(0) / draws
    values[:, task.background.template.sizes == 1] = 0.0
    return Answer(values, None, None, 0, np.full(len(values), 2 * draws), NOTE)


def _check_sum(contributions: np.ndarray, missed: np.ndarray) -> None:
    """Refuse (B, n) attributions that miss f(x) - f(z) by (B,) `missed`: some layers were passed over."""
    most, whole = float(np.abs(missed).max()), float(np.abs(contributions.sum(1) - missed).max())
    if most > TOLERANCE * whole + 1e-5:
        raise UnsuitedError(
            f"DeepSHAP does not add up on this network (it misses {most:.3g} of {whole:.3g}): it has layers that "
            "captum's DeepLIFT does not follow."
        )
