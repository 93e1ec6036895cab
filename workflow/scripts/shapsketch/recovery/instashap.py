"""InstaSHAP: an additive model trained under masks, so that its terms are dividends (Enouen & Liu, ICLR 2025).

g(x, S) = b + sum over T in S of f_T(x_T): a term is on where all its positions are in S (output masking). The minimiser
of E_x E_S (v_x(S) - g(x, S))^2 has the dividends for its terms, from which Shapley values are one look-up.

v_x(S) = E f(x_S, z) is replaced by one sample of it. g reads x on S alone, where x is the sequence w = (x_S, z) that
was asked, and a product background makes w independent of S: every evaluated sequence is a sample of the loss for every
S, and takes part in the mean over a fixed set of masks. No evaluation is spent twice. (The paper also trains on real
sequences, whose letters depend on one another. Those terms are dividends of no product background, so no Spectrum.)

A network for each f_T could be no more than a table over the letters at T. The tables are sums of products of the
background's contrasts, so they have mean zero along every axis whatever the parameters: purified, exactly.

Under a product background the full set alone (plain least squares) has the same optimum, and what a mask hides is
noise. Masks also keep a term from leaning on others, as dropout does (Wager et al., NeurIPS 2013), which pays where
samples are few. Their weight against the full set is chosen on the validation points, none among them, and falls with
what is left unexplained. Subsets of higher order are those that stand out of what the others leave, as in sparse
interaction additive networks (Enouen & Liu, NeurIPS 2022), each with a prior from its own variance.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from torch import nn

from ..sequences.background import Background
from ..sequences.rng import INSTASHAP_STREAM, generator
from ..spectrum.basis import ProductBasis
from ..spectrum.coalitions import shapley_coalitions
from ..spectrum.terms import Support
from .base import Fit, Samples, background_r2
from .screening import candidates, screen

MAX_ORDER = 4
MAX_SCREENED = 20_000  # candidates of one order
MAX_UNKNOWNS = 20_000  # coefficients of one order; up to it every pair has a term
ROUNDS_PER_ORDER = 4  # of one order: what is weak stands out once the strong is fitted
MIN_VARIANCE = 1e-8  # of the strongest support: weaker ones are dropped
MIN_GAIN = 0.01  # of the unexplained variance: supports that add less add nothing
MASK_PAIRS = 64  # with their complements
MASK_WEIGHTS = (0.0, 1.0, 4.0)  # of their mean loss times what is left unexplained, against the full set's 1
MAX_STEPS = 60  # of L-BFGS at most
TOLERANCE = 1e-9
SEQUENCES_AT_ONCE = 2048  # sequences at once


class AdditiveModel(nn.Module):
    """g(x, S) over chosen subsets.

    Args:
        background: whose contrasts make up the tables.
        prior_variances: the subsets T, each with the variance that its term is expected to have.
    """

    def __init__(self, background: Background, prior_variances: Mapping[Support, float]) -> None:
        super().__init__()
        self.basis = ProductBasis.build(background, list(prior_variances))
        degrees = np.bincount(self.basis.owners)
        spread = np.sqrt(np.array([prior_variances[s] for s in self.basis.terms.supports]) / degrees)
        self.spread = torch.from_numpy(spread[self.basis.owners]).float()
        self.base = nn.Parameter(torch.zeros(()))
        self.weights = nn.Parameter(torch.zeros(len(self.basis)))
        self.blocks = [
            (
                torch.from_numpy(cells.ravel()),
                torch.from_numpy(places),
                [torch.from_numpy(f).float() for f in functions],
            )
            for cells, places, functions in self.basis.blocks
        ]

    def tables(self) -> torch.Tensor:
        """All tables one after another, (cells,) in the layout of `Terms.tables`."""
        tables, coefficients = torch.zeros(len(self.basis.terms.tables)), self.spread * self.weights
        for cells, places, functions in self.blocks:
            stack = coefficients[places].view(len(places), *(f.shape[2] for f in functions))
            for axis, f in enumerate(functions, 1):
                stack = torch.einsum("g...k,gak->g...a", stack.movedim(axis, -1), f).movedim(-1, axis)
            tables = tables.index_copy(0, cells, stack.reshape(-1))
        return tables

    def cells(self, codes: np.ndarray) -> torch.Tensor:
        """(N, T) int32: where in `tables` each of (N, n) local codes reads each term."""
        terms = self.basis.terms
        cells = np.empty((len(codes), len(terms)), np.int32)
        for index, positions, tables in terms.groups():
            places = np.zeros((len(codes), len(index)), np.int32)
            for column, size in zip(positions.T, tables.shape[1:], strict=True):
                places = places * size + codes[:, column]
            cells[:, index] = terms.table_offsets[index] + places
        return torch.from_numpy(cells)

    def forward(self, tables: torch.Tensor, cells: torch.Tensor, on: torch.Tensor) -> torch.Tensor:
        """Return (N, M) g(x, S) of N sequences under M masks.

        Args:
            tables: what `tables` returns.
            cells: (N, T) of the sequences, from `cells`.
            on: (T, M) float32, 1 where a term is on.
        """
        dividends = tables.index_select(0, cells.long().view(-1)).view(cells.shape)
        return self.base + dividends @ on

    def switches(self, masks: np.ndarray) -> torch.Tensor:
        """(T, M) float32: which terms are on under (M, n) masks, true where present."""
        return torch.from_numpy(np.stack([masks[:, list(s)].all(1) for s in self.basis.terms.supports])).float()


def _masks(samples: Samples) -> np.ndarray:
    """(`MASK_PAIRS` + 1, n) bool, true where present: the full set, then coalitions of the Shapley kernel in pairs."""
    template = samples.plan.template
    masks = np.ones((MASK_PAIRS + 1, template.n), bool)
    chosen = shapley_coalitions(generator(samples.plan.seed, INSTASHAP_STREAM), MASK_PAIRS // 2, len(template.free))
    masks[1::2, template.free], masks[2::2, template.free] = chosen, ~chosen
    return masks


@dataclass(frozen=True)
class _Scored:
    """A fit, with its R2 on the validation points and the variance of each of its terms."""

    score: float
    fit: Fit
    prior_variances: dict[Support, float]


def fit(samples: Samples, max_order: int | None) -> Fit:
    """Train a model of order 1, then add pairs, triples and quadruples for as long as that validates better."""
    free = samples.plan.template.free
    variance = float(samples.values.var())
    best = _train(samples, {(i,): variance / len(free) for i in free.tolist()}, variance, 0.0)
    weights: Sequence[float] = MASK_WEIGHTS
    idle = 0
    for order in range(2, min(max_order or MAX_ORDER, MAX_ORDER, len(free)) + 1):
        before = best.score
        for _ in range(ROUNDS_PER_ORDER):
            trained = _next(samples, order, best, weights)
            worthwhile = 1 - trained.score < (1 - MIN_GAIN) * (1 - best.score)
            best = trained if trained.score > best.score else best
            if not worthwhile:
                break
            weights = sorted({0.0, best.fit.details["mask_weight"]})
        idle = 0 if best.score > before else idle + 1
        if idle == 2:
            break
    return best.fit


def _next(samples: Samples, order: int, best: _Scored, weights: Sequence[float]) -> _Scored:
    """Add supports of an order to a model, and return what validates best of one training for each mask weight."""
    noise = (1 - best.score) * float(samples.validation_values.var())
    least = MIN_VARIANCE * max(best.prior_variances.values())
    prior_variances = {s: e for s, e in best.prior_variances.items() if e > least or len(s) == 1} | _chosen(
        samples, order, best
    )
    with ThreadPoolExecutor(samples.threads) as pool:
        trained = pool.map(lambda weight: _train(samples, prior_variances, noise, weight), weights)
        return max(trained, key=lambda scored: scored.score)


def _chosen(samples: Samples, order: int, best: _Scored) -> dict[Support, float]:
    """The supports of an order to add, with their variances: every pair if they are few, else what stands out."""
    background = samples.plan.background
    free, sizes = background.template.free.tolist(), background.template.sizes
    drawn = len(samples.values) - len(samples.lattice_values)
    codes = np.asfortranarray(samples.codes[:drawn])
    residual = samples.values[:drawn] - best.fit.intercept - best.fit.terms.predict(codes)
    if order == 2:
        pairs = list(combinations(free, 2))
        if sum((sizes[i] - 1) * (sizes[j] - 1) for i, j in pairs) <= MAX_UNKNOWNS:
            return dict.fromkeys({*pairs} - {*best.prior_variances}, float(residual.var()) / len(pairs))
    below = {s: e for s, e in best.prior_variances.items() if len(s) == order - 1}
    looked_at = sorted({*candidates(background, order, below, MAX_SCREENED)} - {*best.prior_variances})
    screened = screen(background, looked_at, codes, residual)
    degrees = np.array([np.prod(sizes[list(s)] - 1) for s in screened])
    most = int(np.searchsorted(np.cumsum(degrees), min(drawn, MAX_UNKNOWNS), "right"))
    noise = degrees * residual.var() / drawn
    return {s: e - float(v) for (s, e), v, _ in zip(screened.items(), noise, range(most), strict=False)}


def _train(samples: Samples, prior_variances: Mapping[Support, float], noise: float, weight: float) -> _Scored:
    """Train one model on all samples.

    Args:
        samples: to fit.
        prior_variances: the supports, each with the variance that its term is expected to have: a normal prior.
        noise: the variance of what the model cannot fit.
        weight: of the mean squared error over the masks times the share of `noise`, against that of the full set.
    """
    torch.set_num_threads(1)
    values = samples.values
    mean, scale = float(values.mean()), float(values.std()) or 1.0
    share = noise / scale**2
    model = AdditiveModel(samples.plan.background, {s: e / scale**2 for s, e in prior_variances.items()})
    masks = _masks(samples) if weight else np.ones((1, samples.plan.template.n), bool)
    shares = torch.full((len(masks),), weight * share / max(len(masks) - 1, 1))
    shares[0] = 1.0
    targets = torch.as_tensor((values - mean) / scale, dtype=torch.float32)
    _minimise(model, model.cells(samples.codes), targets, model.switches(masks), shares, share / len(values))
    coefficients = scale * (model.spread * model.weights).detach().numpy().astype(np.float64)
    terms = model.basis.to_terms(coefficients)
    result = Fit(
        mean + scale * model.base.item(), terms, {"max_order": max(map(len, prior_variances)), "mask_weight": weight}
    )
    variances = np.bincount(model.basis.owners, coefficients**2, len(terms)).tolist()
    score = background_r2(samples, result.intercept, terms)
    return _Scored(score, result, dict(zip(terms.supports, variances, strict=True)))


def _minimise(
    model: AdditiveModel,
    cells: torch.Tensor,
    targets: torch.Tensor,
    on: torch.Tensor,
    shares: torch.Tensor,
    ridge: float,
) -> None:
    """Minimise the weighted squared error under all masks, plus a ridge: convex, by L-BFGS on all sequences.

    Args:
        model: changed in place.
        cells: (N, T), see `AdditiveModel.forward`.
        targets: (N,) float32.
        on: (T, M) which terms are on under each mask.
        shares: (M,) weights of the masks.
        ridge: of the squared weights of the model.
    """
    optimizer = torch.optim.LBFGS(
        model.parameters(),
        max_iter=MAX_STEPS,
        tolerance_grad=1e-7,
        tolerance_change=TOLERANCE,
        line_search_fn="strong_wolfe",
    )

    def loss() -> float:
        optimizer.zero_grad()
        tables, penalty = model.tables(), ridge * (model.weights**2).sum()
        total, leaf = penalty.item(), tables.detach().requires_grad_()
        for start in range(0, len(targets), SEQUENCES_AT_ONCE):
            block = slice(start, start + SEQUENCES_AT_ONCE)
            residual = model(leaf, cells[block], on) - targets[block, None]
            part = (residual**2).sum(0) @ shares / len(targets)
            part.backward()
            total += part.item()
        penalty.backward()
        tables.backward(leaf.grad)
        return total

    optimizer.step(loss)
