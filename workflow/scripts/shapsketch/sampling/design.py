"""The design of a sketch: how a budget is divided between what is fitted, what is chosen by and what is scored.

It decides which estimators can work with the sketch.
"""

from collections.abc import Sequence
from typing import get_args

import numpy as np

from ..models import ModelIdentity
from ..sequences.background import Background
from ..sequences.template import Template
from ..settings.errors import InputError
from ..settings.estimators import ESTIMATORS
from ..settings.rounds import round_ends
from ..sparse_fourier.subsampling import Lattice, fit_lattice, least_queries
from .near import Near
from .plan import NEAR, Design, Plan, Role, draws_without_replacement

HOLDOUT_SHARE, MAX_HOLDOUT = 0.1, 10_000
VALIDATION_SHARE, MAX_VALIDATION = 0.05, 10_000
LATTICE_SHARE = {"auto": 0.25, "fourier": 0.85}  # of what is left for fitting
MIN_BUDGET = 100


def make_plan(
    model: ModelIdentity,
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

    Args:
        model: its identity.
        outputs: their names.
        background: what sequences are drawn from, with its template.
        budget: evaluations, all of them.
        until_r2: rounds are sampled until every output's R2 is above this; None: all are.
        design: as in the config.
        seed: of every draw.
        batch_size: sequences per call of the model.
        table_rows: of a table of values; None for a model.
        checked: evaluations of the first look at the model.
        near: the sequences that a share is drawn near.

    Raises:
        InputError: the design cannot be had with this template, background or budget.
    """
    if design not in (known := [name for name in get_args(Design) if name != "table"]):
        raise InputError(f"The design {design!r} is not one of {', '.join(known)}.")
    template, share = background.template, near.share if near else 0.0
    left, design = _settle(template, background.is_product, budget - checked, checked, design, table_rows)
    ends = [min(end - checked, left) for end in round_ends(budget, until_r2 is not None)]
    rounds: tuple[dict[Role, int], ...] = ({"train": left}, *({} for _ in ends[1:]))
    lattice = None
    if design not in ("table", "exhaustive") or left < template.space:
        _check_budget(left + checked)
        lattice = _lattice(background, left, design, share)
        design = ("fourier" if lattice else "random") if design == "auto" else design
        rounds = _divide(ends, lattice, share)
    near = near if design in ("random", "fourier") else None
    distinct = not near and draws_without_replacement(background, left, lattice.size if lattice else 0)
    _check_space(background, left - (lattice.size if lattice else 0), design, bool(near))
    common = (model, tuple(outputs), background, design, seed, batch_size, rounds)
    return Plan(*common, distinct, lattice, until_r2, checked, near)


def available_estimators(plan: Plan) -> list[str]:
    """Return the estimators that a plan serves, the cheapest first; of a Markov background those of trains."""
    held = {"validation", "lattice"} if plan.lattice else {"validation"}
    served = held if plan.count("validation") else {"all"}
    return [
        name
        for name, estimator in ESTIMATORS.items()
        if estimator.needs in served and (plan.background.is_product or estimator.any_background)
    ]


def check_estimator(plan: Plan, estimator: str) -> None:
    """Refuse an estimator, if it is not `auto`, that cannot work with a plan.

    Raises:
        InputError: it cannot; the sentence says which can.
    """
    available = available_estimators(plan)
    if estimator != "auto" and estimator not in available:
        raise InputError(
            f"recovery.estimator is {estimator}, which {_asked_of(plan)} does not serve; "
            f"it serves {', '.join(available)}."
        )


def _settle(
    template: Template, is_product: bool, budget: int, checked: int, design: Design, table_rows: int | None
) -> tuple[int, Design]:
    """What can be spent, and the design: that of a table, all sequences where the budget covers them, or as asked."""
    if not is_product:
        if table_rows is not None or design == "exhaustive":
            what = "a table" if table_rows is not None else "sketch.design exhaustive"
            raise InputError(f"{what} asks each sequence once, which does not go with a Markov background.")
        return budget, design
    if table_rows is not None:
        return min(budget, table_rows), "table"
    if design != "exhaustive" and not _asks_all(template, budget, design):
        return budget, design
    if template.space > budget:
        raise InputError(
            f"sketch.design is exhaustive, but the template has {template.space} sequences and "
            f"sketch.budget is {budget + checked}."
        )
    return template.space, "exhaustive"


def _check_budget(budget: int) -> None:
    if budget < MIN_BUDGET:
        raise InputError(
            f"A budget of {budget} evaluations is too small to fit, choose and score; give at least {MIN_BUDGET}."
        )


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
    near_parts = [int(near * part) for part in parts]
    return [*(part - at for part, at in zip(parts, near_parts, strict=True)), *near_parts]


def _check_space(background: Background, drawn: int, design: Design, near: bool) -> None:
    """Refuse to draw more sequences than there are: some would be fitted and scored alike."""
    space = background.template.space
    if design in ("random", "fourier") and background.is_uniform and not near and drawn > space:
        raise InputError(
            f"sketch.design is {design}, which would draw {drawn} different sequences, but the template has {space}; "
            "use auto or exhaustive, which evaluate each once, or lower sketch.budget."
        )


def _lattice(background: Background, budget: int, design: Design, near: float) -> Lattice | None:
    """The lattice that a design's share pays for; of `auto`, only if it can be had and has enough bins to be of use."""
    if design not in LATTICE_SHARE:
        return None
    template, required = background.template, design == "fourier"
    radix, free = template.radix, len(template.free)
    fitted = budget - _scoring(budget)
    queries = int((fitted - int(fitted * near)) * LATTICE_SHARE[design])
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


def _asked_of(plan: Plan) -> str:
    return f"the design {plan.design}" if plan.background.is_product else "a Markov background"
