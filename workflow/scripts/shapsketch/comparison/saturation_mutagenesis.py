"""Saturation mutagenesis in silico, of tangermeme: what a letter does while all others of its sequence stay.

f(x) less the mean of f over the background's letters at one position. It is the last step of every order in which
letters come, and Shapley values are the mean over all steps: where letters act together they differ. Under a uniform
background it is tangermeme's own score.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from ..settings.methods import runs_of
from . import Answer, Task, UnsuitedError

if TYPE_CHECKING:
    import torch

INDEX = None
NOTE = "its own definition: all other letters stay"


def explain(task: Task) -> Answer:
    """Ask for every single mutation of each sequence; see `Task`.

    Raises:
        UnsuitedError: there are too few evaluations for them.
    """
    import torch
    from tangermeme.saturation_mutagenesis import saturation_mutagenesis

    template = task.background.template
    (needed,), free = runs_of("saturation_mutagenesis", template, [], 0), template.free
    if task.evaluations < needed:
        raise UnsuitedError(
            f"Saturation mutagenesis takes {needed} evaluations of a sequence; it was given {task.evaluations}."
        )
    letters = int(template.sizes.max())
    onehot = torch.eye(letters)[torch.from_numpy(task.codes[:, free].astype(np.int64))].transpose(1, 2)
    asked = _asked(task, letters)
    whole, mutants = saturation_mutagenesis(asked, onehot, raw_outputs=True, batch_size=1024, fast=False, device="cpu")
    weights = np.zeros((letters, len(free)))
    for column, i in enumerate(free):
        weights[: template.sizes[i], column] = task.background.local[i]
    values = np.zeros(task.codes.shape)
    values[:, free] = whole.numpy() - np.einsum("af,naf->nf", weights, mutants.numpy()[..., 0])
    return Answer(values, None, None, 0, np.full(len(values), needed), NOTE)


def _asked(task: Task, letters: int) -> "torch.nn.Module":
    """The task's model as a module from (B, letters, free) one-hot letters to (B, 1) values.

    A letter that a position cannot have is not asked about; it has no weight.
    """
    import torch

    template = task.background.template
    free = template.free

    class Asked(torch.nn.Module):
        def forward(self, x: "torch.Tensor") -> "torch.Tensor":
            codes = np.zeros((len(x), template.n), np.uint8)
            codes[:, free] = x.argmax(1).numpy()
            possible = (codes < template.sizes).all(1)
            values: np.ndarray[Any, Any] = np.zeros(len(x))
            values[possible] = task.predict(codes[possible])
            return torch.from_numpy(values)[:, None]

    return Asked()
