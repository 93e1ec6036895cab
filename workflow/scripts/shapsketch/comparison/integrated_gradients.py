"""Integrated gradients (Sundararajan et al., ICML 2017), of captum, along the one-hot input.

The path starts at the mean of the background's one-hot inputs, a point between letters that the network was never
trained on: its values sum to f(x) - f(mean input), and not to f(x) - E f.
"""

import numpy as np

from . import Answer, Task, UnsuitedError

INDEX = None
NOTE = "its own definition: a path between letters; an evaluation includes a gradient"
MAX_STEPS = 512  # more do not change the sum
MIN_STEPS = 8


def explain(task: Task) -> Answer:
    """Explain by integrated gradients; see `Task`.

    Raises:
        UnsuitedError: the model has no gradients to follow, or there are too few evaluations.
    """
    from captum.attr import IntegratedGradients

    from .gradients import BATCH, load_network

    steps = min(task.evaluations, MAX_STEPS)
    if steps < MIN_STEPS:
        raise UnsuitedError(f"Integrated gradients need at least {MIN_STEPS} evaluations of a sequence.")
    network = load_network(task, "integrated_gradients")
    method, start = IntegratedGradients(network.module), network.mean_input()
    values = np.zeros(task.codes.shape)
    for row in range(len(task.codes)):
        inputs = network.encode(task.codes[row : row + 1])
        attributions = method.attribute(inputs, start, n_steps=steps, internal_batch_size=BATCH)
        values[row] = network.by_position(attributions)[0]
    values[:, task.background.template.sizes == 1] = 0.0
    return Answer(values, None, None, 0, np.full(len(values), steps), NOTE)
