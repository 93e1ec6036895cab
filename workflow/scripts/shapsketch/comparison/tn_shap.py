"""A tensor network fitted to each sequence's game, in the manner of TN-SHAP (Heidari et al. 2025, arXiv:2510.22138).

A balanced binary tree of tensors, with a vector at each leaf for a letter that is present and one for an absent one, is
multilinear in how far each is present: it is the multilinear extension of a game. So Shapley values are integrals of
its first derivatives along the diagonal, and interactions of higher ones (Owen 1972). As in the paper, it learns from
pairs of masks, with one player in and out and the others in with the chance of a Chebyshev node, by AdamW on the mean
squared error. What is ours: a start at which the tree is a sum of players, and a fifth of the pairs held out, which
choose the rank and the step; where every evaluation is noisy, the paper's fit of all that was asked does worse.
"""

import copy
import math
from itertools import combinations, product

import numpy as np
import torch
from torch import nn

from ..models.adam import Adam
from ..sequences.rng import generator
from ..spectrum.indices import Index
from ..spectrum.quadrature import index_weights, radau_nodes
from . import Answer, Task, UnsuitedError
from .game import Game, Solution, play

INDEX: Index = "SII"
Samples = tuple[torch.Tensor, torch.Tensor]  # (N, players) masks and (N,) values

LEAST = 24  # evaluations of a sequence
RANKS = (2, 4, 8)
HELD = 5  # of so many pairs one is held out
NODES = (1 + np.cos((2 * np.arange(8) + 1) * math.pi / 16)) / 2  # of Chebyshev, on [0, 1]
STEPS, LOOK, PATIENCE = 600, 20, 10  # at most; between two looks at the pairs held out; looks without a better one
RATE, DECAY, SPREAD = 2e-2, 1e-5, 0.1  # of AdamW as in the paper, and of the parameters at the start


class Tree(nn.Module):
    """Maps (B, players) presences, from 0 to 1, to (B,) values, multilinear in them.

    Attributes:
        leaves: (players, 2, rank), of what is absent and present.
        levels: (nodes, rank, rank, rank) each, of two parts into one, from the leaves up.
        root: (rank,).
    """

    def __init__(self, players: int, rank: int, draws: torch.Generator) -> None:
        super().__init__()
        self.players, size = players, 1 << max(1, (players - 1).bit_length())

        def start(*shape: int) -> nn.Parameter:
            return nn.Parameter(SPREAD * torch.randn(*shape, generator=draws))

        self.leaves, self.root = start(players, 2, rank), start(rank)
        self.levels = nn.ParameterList()
        with torch.no_grad():
            self.leaves[:, :, 0] += 1
            while size > 1:
                size //= 2
                level = start(size, rank, rank, rank)
                level[:, 0, 0, 0] += 1  # the first entry stays 1, the others are sums of the parts'
                for k in range(1, rank):
                    level[:, k, 0, k] += 1
                    level[:, 0, k, k] += 1
                self.levels.append(level)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Contract the tree from its leaves up: (B, players) to (B,)."""
        absent, present = self.leaves[:, 0], self.leaves[:, 1]
        parts = absent + z[..., None] * (present - absent)
        missing = 2 * self.levels[0].shape[0] - self.players
        if missing:
            padding = torch.zeros(len(z), missing, parts.shape[2], dtype=parts.dtype)
            padding[:, :, 0] = 1
            parts = torch.cat([parts, padding], 1)
        for level in self.levels:
            parts = torch.einsum("bpi,bpj,pijk->bpk", parts[:, ::2], parts[:, 1::2], level)
        return parts[:, 0] @ self.root


def explain(task: Task) -> Answer:
    """Fit a tree to the game of each sequence; see `Task`.

    Raises:
        UnsuitedError: there are too few evaluations.
    """
    if task.evaluations < LEAST:
        raise UnsuitedError(
            f"TN-SHAP needs at least {LEAST} evaluations of a sequence; it was given {task.evaluations}."
        )
    return explain_by(task, INDEX)


def explain_by(task: Task, index: Index) -> Answer:
    """Explain by any index up to the task's order, whose values of single letters are those of the index."""
    torch.set_num_threads(1)

    def solve(game: Game) -> Solution:
        tree, unit = fit(game)
        values, *others = (
            unit * derivatives(tree, index, order, task.order) for order in range(1, min(task.order, game.players) + 1)
        )
        if task.order < 2:
            return values, None
        terms: dict[tuple[int, ...], float] = {}
        for order, found in enumerate(others, 2):
            terms |= dict(zip(combinations(range(game.players), order), found.tolist(), strict=True))
        return values, terms

    return play(task, solve, distinct=False)


def fit(game: Game) -> tuple[Tree, float]:
    """Spend a game's evaluations on pairs of masks; return the tree that does best where pairs were held out.

    Returns:
        The tree, in float64, and the unit of its values.
    """
    masks = pairs_of_masks(game.players, game.task.evaluations - 1, game.seed)
    pairs = len(masks)
    values = game(masks.reshape(-1, game.players)).reshape(pairs, 2)
    held = np.arange(pairs) % HELD == HELD - 1
    ends = np.stack([np.zeros(game.players), np.ones(game.players)])
    known = np.concatenate([masks[~held].reshape(-1, game.players), ends])
    targets = np.concatenate([values[~held].ravel(), game(ends)])
    mean, unit = float(targets.mean()), float(targets.std()) or 1.0
    unseen, checks = masks[held].reshape(-1, game.players), values[held].ravel()
    learnt, checked = (
        (torch.from_numpy(x.astype(np.float32)), torch.from_numpy(((y - mean) / unit).astype(np.float32)))
        for x, y in ((known, targets), (unseen, checks))
    )
    draws = torch.Generator().manual_seed(game.seed)
    found = [train(Tree(game.players, rank, draws), learnt, checked) for rank in RANKS]
    best, _ = min(found, key=lambda pair: pair[1])
    return best.double(), unit


def pairs_of_masks(players: int, evaluations: int, seed: int) -> np.ndarray:
    """Return (P, 2, players) bool masks: a player in and out, the others in with the chance of a Chebyshev node.

    There are as many as cost no more than so many evaluations; those with all players or none cost nothing.
    """
    draws = generator(seed, 0)
    order, chances = (
        np.concatenate([draws.permutation(of) for _ in range(-(-evaluations // len(of)))])[:evaluations]
        for of in (np.arange(players), NODES)
    )
    masks = np.repeat((draws.random((evaluations, players)) < chances[:, None])[:, None], 2, axis=1)
    masks[np.arange(evaluations), :, order] = [True, False]
    sizes = masks.sum(2)
    costs = ((sizes > 0) & (sizes < players)).sum(1).cumsum()
    return masks[: np.searchsorted(costs, evaluations, "right")]


def train(tree: Tree, learnt: Samples, checked: Samples) -> tuple[Tree, float]:
    """Train a tree on masks and values; return it as it was at the least error of those held out, and that error."""
    (x, y), (unseen, checks) = learnt, checked
    adam, best, least, idle = Adam(tree.parameters(), DECAY), tree, math.inf, 0
    for step in range(STEPS):
        loss = torch.mean((tree(x) - y) ** 2)
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step(RATE * 0.5 * (1 + math.cos(math.pi * step / STEPS)))
        if (step + 1) % LOOK == 0:
            with torch.no_grad():
                missed = float(torch.mean((tree(unseen) - checks) ** 2))
            idle = 0 if missed < least else idle + 1
            if missed < least:
                best, least = copy.deepcopy(tree), missed
            if idle == PATIENCE:
                break
    return best, least


def derivatives(tree: Tree, index: Index, order: int, max_order: int) -> np.ndarray:
    """Return an index of every support of an order, (supports,) float64 in the order of `itertools.combinations`.

    It is a functional of the derivatives by the players of a support along the diagonal; see `quadrature`. The last of
    them is a gradient, those before are differences, which are exact, as the tree is multilinear.
    """
    players = tree.players
    firsts = torch.tensor(list(combinations(range(players), order - 1)), dtype=torch.long)
    corners = torch.tensor(list(product((0.0, 1.0), repeat=order - 1)), dtype=torch.float64)
    signs = (2 * corners - 1).prod(1)
    later = torch.arange(players) > firsts.max(1, keepdim=True).values if order > 1 else torch.ones(1, players) > 0
    total = np.zeros(int(later.sum()))
    nodes = radau_nodes(players)[0], index_weights(index, order, max_order, players)
    for t, weight in zip(*nodes, strict=True):
        points = torch.full((len(firsts), len(corners), players), t, dtype=torch.float64)
        points.scatter_(2, firsts[:, None].expand(-1, len(corners), -1), corners.expand(len(firsts), -1, -1))
        points.requires_grad_()
        (slopes,) = torch.autograd.grad(tree(points.flatten(0, 1)).sum(), points)
        total += weight * (slopes * signs[:, None]).sum(1)[later].numpy()
    return total
