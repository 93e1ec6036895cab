"""The design of a masked explanation: which masks a sequence is asked with, and what each answer is for.

A plan of the q = 2 kind: an alphabet of two letters, absent and present, one free position per player. All sequences
share it, so it is made once. Masks are of two kinds. *Half* masks keep each player or not by the toss of a fair coin:
there parities are orthonormal, and a lattice of them has a fast transform. *Sized* masks keep a share of the players
that is uniform between none and all: those are the coalitions that Shapley values weigh. What is fitted is asked at
both kinds and at the empty mask; the prediction is the value of the full one. Hold-out masks of both kinds are asked
twice where the background is drawn anew each time: what the two answers share is the value function, what they do not
is the noise of the draws. Walks or pairs of coalitions check the Shapley values themselves (see `checks`). Where
every mask can be asked and answers are noisy, what is left is spent on all masks alike, several draws of each.

Students learn letters, whatever the masks. Where they do, and players are too many for walks, most of what is fitted is
*tilted* to the whole sequence: the share that stays is the largest of `TILT` uniform ones. A motif of w letters is
whole with a chance of u^w where the share u stays, so that is where its letters are told apart.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from ..sampling.plan import Design, Plan, Role
from ..sequences.alphabet import Alphabet
from ..sequences.background import Background
from ..sequences.rng import EVERY_STREAM, MASK_SIZE_STREAM, permuted, random_words
from ..sequences.template import Template
from ..settings.errors import InputError
from ..sparse_fourier.subsampling import CODED_ORDER, Lattice, fit_lattice
from .checks import pair_masks, walk_masks

ABSENT, PRESENT = "01"
HOLDOUT_SHARE, MAX_HOLDOUT = 0.0125, 1000  # of the masks of each kind
MIN_HOLDOUT, MAX_MIN_HOLDOUT_SHARE = 125, 0.05  # masks of each kind, if they are no larger share
VALIDATION_SHARE, MAX_VALIDATION = 0.025, 1000  # of the masks of each kind
SIZED_SHARE = 0.6  # of the masks that are fitted
QUIET_SIZED_SHARE = 0.25  # where there is no noise
TILTED_SHARE, TILT = 0.9, 3  # where students learn the answers, and players are many
ALONE_SIZED_SHARE = 0.15  # of a game alone, where only the lattice sees parities that have no weak parts
NOBODY_SHARE, MAX_NOBODY = 0.01, 100  # of the masks: the empty one, drawn anew each time
MIN_BINS = 16  # of one matrix, for a lattice to be of use
CHECK_SHARE = 0.4  # of the budget, for walks
QUIET_SHARE = 0.05  # for pairs where they are not
MIN_WALKS, MIN_PAIRS = 8, 8  # fewer walks share too few backgrounds, and fewer pairs give no standard error
MIN_WALKS_ALONE = 32  # of a game alone, whose noise does not cancel along a walk
PAIR_SHARE = 0.2  # of the budget, for pairs where answers are noisy and so many walks cannot be paid for
MIN_BUDGET = 100
MAX_EXHAUSTIVE = 16  # players
MAX_PLAYERS = 4094  # a support of five players is one 64-bit number

Estimator = Literal["auto", "dividends", "exact", "fourier", "trees", "regression", "student"]
Kind = Literal["sized", "half"]
KINDS: tuple[Kind, ...] = ("sized", "half")


@dataclass(frozen=True)
class Sized:
    """How many masks are of uniform size: to score, to choose between fits, and to be fitted."""

    holdout: int = 0
    validation: int = 0
    train: int = 0


@dataclass(frozen=True)
class MaskPlan:
    """The masks of every sequence.

    Attributes:
        plan: the roles of the half masks; codes are 0 (absent) and 1 (present).
        draws: backgrounds that each value is averaged over; 1 or more.
        noisy: whether one mask can have several values; then hold-out masks are asked twice, with other draws.
        every: answers that are divided evenly among all masks but the whole sequence's, whose value is no draw.
        sized: how many masks are of uniform size.
        nobody: answers at the empty mask, that are fitted.
        walks, pairs: units of `checks`; one of them is 0, and both are where every mask is asked without noise.
        tilted: whether `sized_train` is tilted to the whole.
    """

    plan: Plan
    draws: int = 1
    noisy: bool = False
    every: int = 0
    sized: Sized = Sized()
    nobody: int = 0
    walks: int = 0
    pairs: int = 0
    tilted: bool = False

    @property
    def players(self) -> int:
        """The number m of players."""
        return self.plan.template.n

    @property
    def units(self) -> tuple[int, int]:
        """How many units check the Shapley values, and how many masks each has."""
        return (self.walks, self.players) if self.walks else (self.pairs, 3)

    @property
    def exhaustive(self) -> bool:
        """Whether every mask is asked once, and its value is known."""
        return self.plan.design == "exhaustive"

    @property
    def evaluations(self) -> int:
        """How often the model is asked about one sequence, the whole sequence itself apart."""
        return self.draws * len(self.masks)

    @cached_property
    def parts(self) -> dict[str, slice]:
        """Where the masks are.

        `plan`; `half_again`, its hold-out for the second time; `every`; of uniform size `sized_holdout`, `sized_again`,
        `sized_validation` and, unless tilted, `sized_train`; `nobody`; and `checks`.
        """
        sized, twice = self.sized, int(self.noisy)
        sizes = {
            "plan": self.plan.size,
            "half_again": twice * self.plan.count("holdout"),
            "every": self.every,
            "sized_holdout": sized.holdout,
            "sized_again": twice * sized.holdout,
            "sized_validation": sized.validation,
            "sized_train": sized.train,
            "nobody": self.nobody,
            "checks": self.walks * self.players + 3 * self.pairs,
        }
        ends = np.cumsum(list(sizes.values())).tolist()
        return {name: slice(end - size, end) for (name, size), end in zip(sizes.items(), ends, strict=True)}

    @cached_property
    def masks(self) -> np.ndarray:
        """(N, m) uint8: the masks, as `parts` says."""
        seed, m, sized = self.plan.seed, self.players, self.sized
        half = self.plan.queries(0, self.plan.size)
        again = [half[block] for block in self.plan.blocks("holdout")] if self.noisy else []
        every = self.numbers[:, None] >> np.arange(m)[::-1] & 1
        ends = np.cumsum([0, sized.holdout, sized.validation, sized.train]).tolist()
        holdout, validation = (sized_masks(seed, ends[k], ends[k + 1], m) for k in range(2))
        others = validation, sized_masks(seed, ends[2], ends[3], m, TILT if self.tilted else 1)
        nobody = np.zeros((self.nobody, m), np.uint8)
        checks = (walk_masks(seed, m, self.walks), pair_masks(seed, m, self.pairs))
        twice = [holdout] if self.noisy else []
        return np.concatenate([half, *again, every.astype(np.uint8), holdout, *twice, *others, nobody, *checks])

    @cached_property
    def numbers(self) -> np.ndarray:
        """(every,) int64: the masks that all get their share of draws, by their binary numbers."""
        if not self.every:
            return np.zeros(0, np.int64)
        size = 2**self.players - 1
        rounds, rest = divmod(self.every, size)
        more = permuted(self.plan.seed, EVERY_STREAM, np.arange(rest), size).astype(np.int64)
        return np.append(np.tile(np.arange(size), rounds), more)

    @cached_property
    def backgrounds(self) -> np.ndarray:
        """(N,) int64: the number of each mask's draw of the background; the masks of a walk share theirs."""
        numbers = np.arange(len(self.masks))
        walks = self.parts["checks"]
        if self.walks:
            numbers[walks] = walks.start + np.repeat(np.arange(self.walks), self.players)
        return numbers

    def holdout(self, kind: Kind) -> tuple[slice, slice]:
        """Where the hold-out masks of a kind are, and where they are for the second time (the same, without noise)."""
        first = self.parts["sized_holdout"] if kind == "sized" else self._rows("holdout")
        return first, self.parts[f"{kind}_again"] if self.noisy else first

    @cached_property
    def validation(self) -> np.ndarray:
        """(V,) int64: the masks that choose between fits, of both kinds."""
        return _indices(self._rows("validation"), self.parts["sized_validation"])

    @cached_property
    def fitted(self) -> np.ndarray:
        """(F,) int64: the masks that are fitted, of both kinds and the empty one; the lattice's come last."""
        train, lattice = self._rows("train"), self._rows("lattice")
        return _indices(train, self.parts["sized_train"], self.parts["nobody"], lattice)

    def _rows(self, role: Role) -> slice:
        """Where the half masks of a role are; a slice of none if there are none."""
        return next(iter(self.plan.blocks(role)), slice(0, 0))


def _indices(*rows: slice) -> np.ndarray:
    return np.concatenate([np.arange(some.start, some.stop) for some in rows])


def sized_masks(seed: int, start: int, stop: int, players: int, tilt: int = 1) -> np.ndarray:
    """Return (stop - start, m) uint8 masks of uniform size, by their numbers.

    A chance u is uniform in [0, 1], and each player stays with that chance; so every size from 0 to m is as likely, and
    all masks of a size are. Tilted, u is the largest of so many uniform chances.
    """
    words = random_words(seed, MASK_SIZE_STREAM, start, stop, players + tilt)
    return (words[:, tilt:] < words[:, :tilt].max(1, keepdims=True)).astype(np.uint8)


def half_masks(seed: int, stream: int, count: int, players: int) -> np.ndarray:
    """Return (count, m) uint8 masks that keep each player or not by the toss of a fair coin."""
    return (random_words(seed, stream, 0, count, players) >> np.uint32(31)).astype(np.uint8)


def make_mask_plan(
    players: int,
    budget: int,
    *,
    seed: int = 0,
    draws: int = 1,
    noisy: bool = True,
    estimator: Estimator = "auto",
    batch_size: int = 1024,
    drawn: bool = False,
    taught: bool = False,
) -> MaskPlan:
    """Divide a budget of evaluations per sequence.

    Without noise every mask is asked once where the budget allows. Otherwise a fortieth of the masks (or 250 where that
    is less than a tenth), half of it of uniform size, is held out (and asked twice if the game is noisy), and walks or
    pairs check the Shapley values. If all masks can be asked with the rest, they are, again and again. If not, a
    twentieth validates, a hundredth is empty, and three fifths of what is left are of uniform size (a quarter if the
    game has no noise; 15 % if it is alone, without walks, for `auto`; nine tenths, tilted to the whole, if students
    learn the answers and players are many). As much as can be of the others lies on the lattice of the sparse Fourier
    transform, with coded offsets, if that has enough bins to be of use. To regression and trees the lattice's masks
    are as good as random ones, which make up the rest.

    Args:
        players: m.
        budget: evaluations, never exceeded.
        seed: of the masks.
        draws: backgrounds that each value is averaged over.
        noisy: whether one mask can have several values.
        estimator: `exact` asks every mask; `fourier` needs a lattice; `dividends`, `trees` and `regression` need none.
        batch_size: sequences per call of the model.
        drawn: whether noise is that of a background, which the masks of a walk share; a game alone has noise in each
            answer.
        taught: whether students learn the answers.

    Raises:
        InputError: there are too many players, or the budget is too small.
    """
    values = budget // draws
    if players > MAX_PLAYERS:
        raise InputError(f"{players} players are to be masked, and at most {MAX_PLAYERS} can be.")

    def plan(design: Design, sizes: dict[Role, int], lattice: Lattice | None = None) -> Plan:
        background = Background.uniform(Template(Alphabet(ABSENT + PRESENT), "*" * players))
        return Plan({}, ("value",), background, design, seed, batch_size, (sizes,), False, lattice)

    small = players <= MAX_EXHAUSTIVE and estimator in ("auto", "exact")
    if small and not noisy and 2**players <= values:
        return MaskPlan(plan("exhaustive", {"train": 2**players}), draws)
    if values < MIN_BUDGET:
        each = f", which is {values} values of {draws} draws each" if draws > 1 else ""
        raise InputError(
            f"explain.masks.budget is {budget}{each}; at least {MIN_BUDGET * draws} are needed to fit, choose and "
            f"score: raise it{', or lower explain.masks.draws' if draws > 1 else ''}."
        )
    holdout = _holdout(values)
    alone = noisy and not drawn
    walks, pairs = _checks(players, values, noisy, MIN_WALKS_ALONE if alone else MIN_WALKS)
    left = values - len(KINDS) * (1 + noisy) * holdout - walks * players - 3 * pairs
    if small and noisy and 2**players <= left:
        half = plan("random", {"holdout": holdout})
        return MaskPlan(half, draws, noisy, left, Sized(holdout), walks=walks, pairs=pairs)
    if estimator == "exact":
        raise InputError(
            f"explain.masks.estimator is exact, which asks all 2^{players} masks of a sequence (of up to "
            f"{MAX_EXHAUSTIVE} players), and explain.masks.budget leaves {left if noisy else values}."
        )
    tilted = taught and noisy and not walks
    if tilted:
        share = TILTED_SHARE
    elif alone and estimator == "auto" and not walks:
        share = ALONE_SIZED_SHARE
    else:
        share = SIZED_SHARE if noisy else QUIET_SIZED_SHARE
    sizes, sized, nobody, lattice = _fitted_masks(players, values, left, holdout, noisy, estimator, share)
    half = plan("fourier" if lattice else "random", sizes, lattice)
    return MaskPlan(half, draws, noisy, 0, sized, nobody, walks, pairs, tilted)


def _fitted_masks(
    players: int, values: int, left: int, holdout: int, noisy: bool, estimator: Estimator, share: float
) -> tuple[dict[Role, int], Sized, int, Lattice | None]:
    """Divide what is left: how many half masks have which role, how many are sized (a share) and empty, the lattice."""
    validation = min(int(values * VALIDATION_SHARE), MAX_VALIDATION)
    nobody = max(1, min(int(values * NOBODY_SHARE), MAX_NOBODY)) if noisy else 1
    left -= len(KINDS) * validation + nobody
    sized = 0 if estimator == "fourier" else int(left * share)
    lattice = _lattice(players, left - sized, estimator)
    sizes: dict[Role, int] = {"holdout": holdout, "validation": validation}
    sizes["train"] = left - sized - (lattice.size if lattice else 0)
    if lattice:
        sizes["lattice"] = lattice.size
    return sizes, Sized(holdout, validation, sized), nobody, lattice


def _holdout(values: int) -> int:
    """How many masks of each kind score the fit, each time that they are asked."""
    return max(min(int(values * HOLDOUT_SHARE), MAX_HOLDOUT), min(MIN_HOLDOUT, int(values * MAX_MIN_HOLDOUT_SHARE)))


def _checks(players: int, values: int, noisy: bool, least: int) -> tuple[int, int]:
    """How many walks or pairs check the Shapley values: walks where they are noisy and enough can be paid for."""
    walks = int(values * CHECK_SHARE) // players
    if players == 1 or (noisy and walks >= least):
        return walks, 0
    return 0, max(MIN_PAIRS, int(values * (PAIR_SHARE if noisy else QUIET_SHARE)) // 3)


def _lattice(players: int, left: int, estimator: Estimator) -> Lattice | None:
    """The lattice that is paid for, where it is of use."""
    if estimator in ("dividends", "trees", "regression", "student") or players <= CODED_ORDER:
        return None
    lattice = fit_lattice(2, players, left)
    if lattice and lattice.bins >= MIN_BINS:
        return lattice
    if estimator == "fourier":
        raise InputError(
            f"explain.masks.estimator is fourier, which needs a larger lattice for {players} players than "
            "explain.masks.budget pays for; raise it, or use auto."
        )
    return None
