"""The design of a sketch: how a budget is divided between what is fitted, what is chosen by and what is scored."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..sequences.background import Background
from ..sequences.template import Template
from ..settings.errors import InputError
from ..settings.rounds import round_ends
from ..sparse_fourier.subsampling import Lattice, fit_lattice, least_queries
from .near import Near
from .plan import NEAR, Design, Plan, Role, draws_without_replacement

HOLDOUT_SHARE, MAX_HOLDOUT = 0.1, 10_000
VALIDATION_SHARE, MAX_VALIDATION = 0.05, 10_000
LATTICE_SHARE = {"auto": 0.25, "fourier": 0.85}  # of what is left for fitting
MIN_BUDGET = 100


def make_plan(
    model: dict[str, Any],
    outputs: Sequence[str],
    background: Background,
    *,
    budget: int,
    until_r2: float | None = None,
    design: Design = "auto",
    seed: int = 0,
    batch_size: int = 1024,
    table_rows: int | None = None,
    checked: int = 0,
    near: Near | None = None,
) -> Plan:
    """Divide a budget of evaluations into roles and rounds.

    A table is sampled by its rows, all of them if it is complete and the budget allows. A space that
    the budget covers is enumerated. Otherwise a tenth of the budget (at most 10,000) is held out, a
    twentieth validates, and the rest is fitted: for `auto` a quarter of it on the lattice of the
    sparse Fourier transform, if the background is uniform, all free positions have equally many
    letters, and that quarter holds enough bins to be of use.

    What a first look at the model has `checked` is taken off the budget before. Where sequences are named that queries
    are drawn `near`, that share of every role is; of the lattice, none.

    Raises:
        InputError: the design cannot be had with this template, background or budget.
    """
    template = background.template
    ends = [end - checked for end in round_ends(budget, until_r2 is not None)]
    budget -= checked
    if table_rows is not None:
        budget, design = min(budget, table_rows), "table"
    elif design == "exhaustive" or _asks_all(template, budget, design):
        if template.space > budget:
            raise InputError(
                f"sketch.design is exhaustive, but the template has {template.space} sequences and "
                f"sketch.budget is {budget + checked}."
            )
        budget, design = template.space, "exhaustive"

    def plan(rounds: tuple[dict[Role, int], ...], design: Design, lattice: Lattice | None = None) -> Plan:
        common = (model, tuple(outputs), background, design, seed, batch_size, rounds)
        drawn_near = near if design in ("random", "fourier") else None
        distinct = not drawn_near and draws_without_replacement(background, budget)
        return Plan(*common, distinct, lattice, until_r2, checked, drawn_near)

    if design in ("table", "exhaustive") and budget == template.space:
        return plan(({"train": budget}, *({} for _ in ends[1:])), design)
    if budget + checked < MIN_BUDGET:
        raise InputError(
            f"A budget of {budget + checked} evaluations is too small to fit, choose and score; give at least "
            f"{MIN_BUDGET}."
        )
    lattice = None
    if design in LATTICE_SHARE:
        drawn = budget - _scoring(budget)
        queries = int((drawn - int(drawn * near.share) if near else drawn) * LATTICE_SHARE[design])
        lattice = _fit_lattice(background, queries, design == "fourier")
    if design == "auto":
        design = "fourier" if lattice else "random"
    share = near.share if near else 0.0
    return plan(_divide([min(end, budget) for end in ends], lattice, share), design, lattice)


def left_for_checks(template: Template, budget: int, design: Design) -> int:
    """Return how many evaluations a first look at the model may take: what enumerating all sequences leaves."""
    return budget - template.space if _asks_all(template, budget, design) else budget


def _asks_all(template: Template, budget: int, design: Design) -> bool:
    return design in ("auto", "exhaustive") and template.space <= budget


def _scoring(budget: int) -> int:
    """Evaluations of a budget that are not fitted."""
    return min(int(budget * HOLDOUT_SHARE), MAX_HOLDOUT) + min(int(budget * VALIDATION_SHARE), MAX_VALIDATION)


def _divide(ends: list[int], lattice: Lattice | None, near: float) -> tuple[dict[Role, int], ...]:
    """Give every round the share of each role that a budget up to its end would have; the lattice comes last."""
    roles: tuple[Role, ...] = ("holdout", "validation", "train", *NEAR)
    totals = np.array([[0] * len(roles), *(_shares(end, near) for end in ends)])
    totals[:, 2] = np.minimum(totals[:, 2], totals[-1, 2] - (lattice.size if lattice else 0))
    kept = roles if near else roles[: -len(NEAR)]
    rounds: list[dict[Role, int]] = [dict(zip(kept, step, strict=False)) for step in np.diff(totals, axis=0).tolist()]
    if lattice:
        rounds[-1]["lattice"] = lattice.size
    return tuple(rounds)


def _shares(budget: int, near: float) -> list[int]:
    """The evaluations that a budget has to hold out, to validate, and to fit: from the background, then near."""
    holdout, scoring = min(int(budget * HOLDOUT_SHARE), MAX_HOLDOUT), _scoring(budget)
    parts = (holdout, scoring - holdout, budget - scoring)
    at_sequences = [int(near * part) for part in parts]
    return [*(part - own for part, own in zip(parts, at_sequences, strict=True)), *at_sequences]


def _fit_lattice(background: Background, queries: int, required: bool) -> Lattice | None:
    """The lattice that `queries` can pay for; without need of one, only if it has enough bins to be of use."""
    template = background.template
    radix, free = template.radix, len(template.free)
    if radix is None or not background.is_uniform:
        if required:
            raise InputError(
                "sketch.design is fourier, which needs a uniform background and equally many letters "
                "at every free position; use auto or random."
            )
        return None
    lattice = fit_lattice(radix, free, queries)
    if lattice is None and required:
        raise InputError(
            f"sketch.design is fourier, which needs at least {least_queries(radix, free)} lattice queries for "
            f"this template; the budget leaves {queries}."
        )
    if lattice and not required and lattice.matrices * lattice.bins < (radix - 1) * free:
        return None
    return lattice
