"""The design of a masked explanation: which masks a sequence is asked with, and what each answer is for.

A plan of the q = 2 kind: an alphabet of two letters, absent and present, one free position per player. All sequences
share it, so it is made once. Hold-out masks are asked twice where the background is drawn anew each time: what the
two answers share is the value function, what they do not is the noise of the draws.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from ..alphabet import Alphabet
from ..background import Background
from ..design import Design, Plan, Role
from ..errors import InputError
from ..lattice import CORRECT, Lattice, fit_lattice
from ..template import Template

ABSENT, PRESENT = "01"
HOLDOUT_SHARE, HOLDOUT_MOST = 0.025, 2000
HOLDOUT_LEAST = 200  # masks, if a tenth are as many
VALIDATION_SHARE, VALIDATION_MOST = 0.05, 2000
LEAST_BINS = 16  # of one matrix, for a lattice to be of use
LEAST_BUDGET = 100
MOST_EXHAUSTIVE = 16  # players
MOST_PLAYERS = 4094  # a support of five players is one 64-bit number

Estimator = Literal["auto", "exact", "fourier", "trees", "regression"]


@dataclass(frozen=True)
class MaskPlan:
    """The masks of every sequence.

    Attributes:
        plan: their roles; codes are 0 (absent) and 1 (present).
        draws: backgrounds that each value is averaged over; 1 or more.
        twice: whether hold-out masks are asked twice, with other draws.
    """

    plan: Plan
    draws: int = 1
    twice: bool = False

    @property
    def players(self) -> int:
        """The number m of players."""
        return self.plan.template.n

    @property
    def exhaustive(self) -> bool:
        """Whether every mask is asked."""
        return self.plan.design == "exhaustive"

    @property
    def evaluations(self) -> int:
        """How often the model is asked about one sequence, the whole sequence itself apart."""
        return self.draws * (self.plan.size + (self.plan.count("holdout") if self.twice else 0))

    @cached_property
    def masks(self) -> np.ndarray:
        """(N, m) uint8: the masks; the hold-out's come again at the end if they are asked twice."""
        masks = self.plan.queries(0, self.plan.size)
        again = [masks[block] for block in self.plan.blocks("holdout")] if self.twice else []
        return np.concatenate([masks, *again])

    def rows(self, role: Role) -> slice:
        """Where the masks of a role are; a slice of none if there are none."""
        return next(iter(self.plan.blocks(role)), slice(0, 0))


def make_mask_plan(
    players: int,
    budget: int,
    *,
    seed: int = 0,
    draws: int = 1,
    noisy: bool = True,
    estimator: Estimator = "auto",
    batch_size: int = 1024,
) -> MaskPlan:
    """Divide a budget of evaluations per sequence.

    Every mask is asked where the budget allows. Otherwise a fortieth of the masks, or 200 where that is less than a
    tenth, is held out (and asked twice if the game is noisy), a twentieth validates, and as much of the rest as can
    be lies on the lattice of the sparse Fourier transform, with coded offsets, if that has enough bins to be of use.
    To regression and trees the lattice's masks are as good as random ones, which make up what is left.

    Args:
        players: m.
        budget: evaluations, never exceeded.
        seed: of the masks.
        draws: backgrounds that each value is averaged over.
        noisy: whether one mask can have several values.
        estimator: `exact` asks every mask; `fourier` needs a lattice; `trees` and `regression` need none.
        batch_size: sequences per call of the model.

    Raises:
        InputError: there are too many players, or the budget is too small.
    """
    if players > MOST_PLAYERS:
        raise InputError(
            f"The sequences have {players} players; at most {MOST_PLAYERS} can be masked one by one: "
            "set explain.masks.players to segments."
        )
    values = budget // draws
    sizes: dict[Role, int]
    design: Design
    lattice, twice = None, False
    if _asks_all(players, values, estimator):
        design, sizes = "exhaustive", {"train": 2**players}
    elif values < LEAST_BUDGET:
        raise InputError(
            f"explain.masks.budget is {budget}, which is {values} values of {draws} draws each; "
            f"at least {LEAST_BUDGET} are needed to fit, choose and score."
        )
    else:
        sizes, lattice = _divide(players, values, noisy, estimator)
        design, twice = "fourier" if lattice else "random", noisy
    background = Background.uniform(Template(Alphabet(ABSENT + PRESENT), "*" * players))
    plan = Plan({}, ("value",), background, design, seed, batch_size, (sizes,), False, lattice)
    return MaskPlan(plan, draws, twice)


def _asks_all(players: int, values: int, estimator: Estimator) -> bool:
    """Whether every mask is to be asked."""
    small = players <= MOST_EXHAUSTIVE and 2**players <= values
    if estimator == "exact" and not small:
        raise InputError(
            f"explain.masks.estimator is exact, which asks all 2^{players} masks of a sequence (of up to "
            f"{MOST_EXHAUSTIVE} players), and explain.masks.budget leaves {values}."
        )
    return small and estimator in ("auto", "exact")


def _divide(players: int, values: int, noisy: bool, estimator: Estimator) -> tuple[dict[Role, int], Lattice | None]:
    """How many masks there are of each role, and the lattice."""
    holdout = max(min(int(values * HOLDOUT_SHARE), HOLDOUT_MOST), min(HOLDOUT_LEAST, values // 10))
    validation = min(int(values * VALIDATION_SHARE), VALIDATION_MOST)
    left = values - (2 if noisy else 1) * holdout - validation
    lattice = _lattice(players, left, estimator)
    sizes: dict[Role, int] = {"holdout": holdout, "validation": validation}
    sizes["train"] = left - (lattice.size if lattice else 0)
    if lattice:
        sizes["lattice"] = lattice.size
    return sizes, lattice


def _lattice(players: int, left: int, estimator: Estimator) -> Lattice | None:
    """The lattice that is paid for, where it is of use."""
    if estimator in ("trees", "regression") or players <= CORRECT:
        return None
    lattice = fit_lattice(2, players, left)
    if lattice and lattice.bins >= LEAST_BINS:
        return lattice
    if estimator == "fourier":
        raise InputError(
            f"explain.masks.estimator is fourier, which needs a larger lattice for {players} players than "
            "explain.masks.budget pays for; raise it, or use auto."
        )
    return None
