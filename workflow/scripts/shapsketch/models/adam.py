"""Adam by PyTorch's function of that name.

Its classes do the same to the bit, and import PyTorch's compiler, which takes a second of every process that trains.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

BETAS, EPSILON = (0.9, 0.999), 1e-8  # PyTorch's


class Adam:
    """Adam (Kingma & Ba 2015), or AdamW where weights decay (Loshchilov & Hutter 2019), and its moments.

    Args:
        tensors: what is trained.
        decay: of the weights in each step, times the rate.

    Attributes:
        tensors: what is trained.
        first, second: of each the running means of its gradient and of the square of that.
        steps: of each, how many were taken, a () tensor.
    """

    def __init__(self, tensors: "Iterable[torch.Tensor]", decay: float = 0.0) -> None:
        import torch

        self.tensors, self.decay = list(tensors), decay
        self.first, self.second = ([torch.zeros_like(t, requires_grad=False) for t in self.tensors] for _ in BETAS)
        self.steps = [torch.zeros((), device=t.device) for t in self.tensors]

    def step(self, rate: float) -> None:
        """Take a step down the gradients, which are cleared; a tensor without one stays as it is."""
        import torch
        from torch.optim.adam import adam

        moved = [k for k, t in enumerate(self.tensors) if t.grad is not None]
        states = [[column[k] for k in moved] for column in (self.tensors, self.first, self.second, self.steps)]
        gradients = [t.grad for t in states[0] if t.grad is not None]
        with torch.no_grad():
            adam(
                states[0], gradients, states[1], states[2], [], states[3], lr=rate, beta1=BETAS[0], beta2=BETAS[1],
                eps=EPSILON, weight_decay=self.decay, decoupled_weight_decay=self.decay > 0, fused=True, amsgrad=False,
                maximize=False,
            )  # fmt: skip
        for t in self.tensors:
            t.grad = None
