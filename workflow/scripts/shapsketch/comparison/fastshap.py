"""FastSHAP: a network from sequences to Shapley values, trained on single coalitions (Jethani et al., ICLR 2022).

phi minimises E_x E_S (v_x(S) - E f - sum over i in S of phi_i(x))^2, S from the Shapley kernel; what its values lack to
f(x) - E f is then added in equal parts. The paper asks the model for every pair of x and S. Here v_x(S) is one sample
f(x_S, z) of the model itself (so no surrogate is needed that would read masks), and two sequences of the background, w
and u, are asked once and crossed again and again: x = (w_S, u_rest) makes f(w) a sample for S and f(u) one for its
complement, both without bias, and w alone is the full coalition, without noise. So masks come in pairs, and no
evaluation serves only once.
"""

import copy
import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ..models.adam import Adam
from ..sequences.background import Background
from ..sequences.rng import COALITION_STREAM, FASTSHAP_CHECK_STREAM, FASTSHAP_STREAM, content_keys, generator
from ..spectrum.coalitions import shapley_coalitions
from . import Answer, Task, UnsuitedError
from .game import draw_background

INDEX = None

LEAST = 200  # evaluations to train on
VALIDATION_SHARE, MAX_VALIDATION = 0.1, 5_000
HIDDEN = (256, 256)
CROSSED, WHOLE = 512, 256  # rows of a step: crossed ones, each with two coalitions, and sequences as they are
STEPS, EPOCH = 4_000, 200  # at most; between two looks at the validation loss
PATIENCE = 6  # epochs without a better one
RATE, DECAY, WARM_UP = 1e-3, 1e-2, 0.05
ROUND, DRAWN_AT_ONCE = 4096, 1 << 16  # sequences explained, and drawn, at once


class Explainer(nn.Module):
    """Maps (N, F, m) one-hot letters to (N, F) Shapley values: a perceptron beside a value for each letter.

    Args:
        positions: F.
        letters: m.
    """

    def __init__(self, positions: int, letters: int) -> None:
        super().__init__()
        widths = (positions * letters, *HIDDEN, positions)
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.letters = nn.Parameter(torch.zeros(positions, letters))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the (N, n) values of (N, n, letters) one-hot sequences, not yet efficient."""
        hidden = x.flatten(1)
        for layer in self.layers[:-1]:
            hidden = functional.gelu(layer(hidden))
        return self.layers[-1](hidden) + (x * self.letters).sum(2)

    def start(self, draws: torch.Generator) -> None:
        """Draw the layers' parameters, uniform within 1 / sqrt(inputs)."""
        with torch.no_grad():
            for layer in self.layers:
                parameters = list(layer.parameters())
                bound = 1 / math.sqrt(parameters[0].shape[1])
                for parameter in parameters:
                    parameter.uniform_(-bound, bound, generator=draws)


@dataclass(frozen=True)
class Asked:
    """Evaluated sequences of the background.

    Attributes:
        codes: (N, F) int64 local codes of the free positions.
        values: (N,) float32, standardised.
        letters: the largest number of letters of a position.
    """

    codes: torch.Tensor
    values: torch.Tensor
    letters: int

    def loss(self, explainer: Explainer, draws: np.random.Generator, crossed: int, whole: int) -> torch.Tensor:
        """The mean squared error, (), on freshly drawn crossings, and on as many whole sequences."""
        count, positions = self.codes.shape
        w = torch.from_numpy(draws.integers(0, count, crossed))
        u = (w + torch.from_numpy(draws.integers(1, count, crossed))) % count  # another sequence
        present = torch.from_numpy(shapley_coalitions(draws, crossed, positions))
        rows = torch.from_numpy(draws.integers(0, count, whole))
        x = torch.cat([torch.where(present, self.codes[w], self.codes[u]), self.codes[rows]])
        contributions = explainer(functional.one_hot(x, self.letters).float())
        inside = (contributions[:crossed] * present).sum(1)
        outside = contributions[:crossed].sum(1) - inside
        misses = [self.values[w] - inside, self.values[u] - outside, self.values[rows] - contributions[crossed:].sum(1)]
        return torch.stack([torch.mean(miss**2) for miss in misses]).sum()


def explain(task: Task) -> Answer:
    """Train on all evaluations but one for each sequence, which makes its values efficient.

    Raises:
        UnsuitedError: the evaluations are too few.
    """
    fixed = task.evaluations - len(task.codes)
    if fixed < LEAST:
        raise UnsuitedError(
            f"FastSHAP trains on at least {LEAST} evaluations and asks one more of each sequence; "
            f"{task.evaluations} for {len(task.codes)} sequences are too few."
        )
    torch.set_num_threads(1)
    free = task.background.template.free
    key = content_keys(task.seed, COALITION_STREAM, np.zeros((1, 0), np.uint8))[0]
    starts = range(0, fixed, DRAWN_AT_ONCE)
    codes = np.concatenate([draw_background(task.background, key, a, min(a + DRAWN_AT_ONCE, fixed)) for a in starts])
    targets = task.predict(codes)
    mean, scale = float(targets.mean()), float(targets.std()) or 1.0
    values, per_sequence = np.zeros(task.codes.shape), np.ones(len(task.codes), np.int64)
    gaps = task.predict(task.codes) - mean
    if len(free) > 1:
        explainer = train(task.background, codes[:, free], (targets - mean) / scale, task.seed)
        values[:, free] = scale * _values(explainer, task.codes[:, free], int(task.background.template.sizes.max()))
    values[:, free] += ((gaps - values.sum(1)) / len(free))[:, None]
    return Answer(values, None, None, fixed, per_sequence, "trained on crossings of sequences that were asked once")


def train(background: Background, codes: np.ndarray, targets: np.ndarray, seed: int) -> Explainer:
    """Train an explainer; the step of least validation loss counts, and training ends when none is better for long.

    Args:
        background: with the template.
        codes: (N, F) uint8 local codes of the free positions, drawn from the background.
        targets: (N,) the model there, standardised.
        seed: of all draws.
    """
    letters = int(background.template.sizes.max())
    points, y = torch.from_numpy(codes.astype(np.int64)), torch.from_numpy(targets.astype(np.float32))
    held = min(int(VALIDATION_SHARE * len(y)), MAX_VALIDATION)
    known, unseen = Asked(points[held:], y[held:], letters), Asked(points[:held], y[:held], letters)
    explainer = Explainer(codes.shape[1], letters)
    explainer.start(torch.Generator().manual_seed(seed % 2**31))
    best, least, idle = explainer, math.inf, 0
    adam = Adam(explainer.parameters(), DECAY)
    draws = generator(seed, FASTSHAP_STREAM)
    for step in range(STEPS):
        done = step / STEPS
        decay = 0.5 * (1 + math.cos(math.pi * max(0.0, (done - WARM_UP) / (1 - WARM_UP))))
        rate = RATE * min(1.0, done / WARM_UP + 1e-3) * decay
        loss = known.loss(explainer, draws, CROSSED, WHOLE)
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step(rate)
        if (step + 1) % EPOCH == 0:
            with torch.inference_mode():
                missed = unseen.loss(explainer, generator(seed, FASTSHAP_CHECK_STREAM), 4 * held, held).item()
            idle = 0 if missed < least else idle + 1
            if missed < least:
                best, least = copy.deepcopy(explainer), missed
            if idle == PATIENCE:
                break
    return best


def _values(explainer: Explainer, codes: np.ndarray, letters: int) -> np.ndarray:
    """(N, F) float64 values of (N, F) local codes: one forward pass."""
    with torch.inference_mode():
        parts = [
            explainer(functional.one_hot(torch.from_numpy(part.astype(np.int64)), letters).float()).numpy()
            for part in np.array_split(codes, max(1, -(-len(codes) // ROUND)))
        ]
    return np.concatenate(parts).astype(np.float64)
