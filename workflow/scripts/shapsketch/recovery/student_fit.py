"""How students are trained: an estimator, and what trains learn from.

Kinds of networks are trained briefly on the samples of all outputs at once, and several of the kind that validates best
in full. Where perceptrons do, they err by their kind more than by chance, so that perceptrons of two kinds are trained,
and the kind that comes next if it is close; of the few sites of one molecule all kinds of perceptrons are. Kinds are
weighed, output by output, on the validation points. What students answer at millions of points fits a train (`train`),
or, where the template has few sequences, is transformed exactly.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import permutations
from typing import NamedTuple

import numpy as np
import torch

from ..fidelity.records import FitDetails
from ..sampling.plan import Plan
from ..spectrum.metrics import r_squared
from ..spectrum.scale import Scale
from ..spectrum.terms import Terms
from . import exact
from .base import Begin, Fit, Samples, silent
from .networks import (
    DEEP,
    EMBEDDED,
    PLACED,
    POOLED,
    SHARP,
    WIDE,
    Architecture,
    Network,
    centred_features,
    epochs_of,
    letter_features,
    train_network,
)
from .projection import project
from .stack import non_negative_weights
from .student import Student, predict_all
from .work import CORES, Shape, affordable, answer_seconds, projection_seconds, student_seconds

MIN_CONVOLUTION_LENGTH = 10  # free positions below which convolutions have nothing to share
PERCEPTRONS, SAMPLES_OF_FEW = 3, 16_000  # of each kind; fewer where more samples leave less to chance
RIVALS = {"placed": PLACED, "pooled": POOLED, "perceptron": WIDE}
HEAT = 0.25  # of the epochs, after which kinds are compared
COPIES, MAX_COPIES = 2, 4  # of convolutions
CLOSE = 2.0  # times the least error of the heat: what follows it closer than that may be trained, too
MIN_WEIGHT = 0.1  # of a kind of perceptrons; smaller ones cost more queries than they are worth
FREE_POINTS = 2_000_000  # a smaller space is evaluated in full
MAX_ORDER = 5  # of the tables that students become
FREE_SEED = 0x5EED  # free queries are other draws than the sketch's


class Choice(NamedTuple):
    """Networks to train.

    Attributes:
        kinds: of the networks.
        effort: the part of the usual epochs, and of what follows, that time allows.
        leader: the kind that was best in the heat; None without one.
    """

    kinds: tuple[Architecture, ...]
    effort: float = 1.0
    leader: str | None = None


def fit(samples: Samples, max_order: int | None, minutes: float | None = None) -> Fit:
    """Train students, and project their mean onto tables; minutes, as `work` counts them, are for all of it.

    Beyond them passes and points of the projection are cut alike.
    """
    top, shape = max_order or MAX_ORDER, shape_of([samples])

    def later(kinds: Sequence[Architecture]) -> float:
        if is_enumerable(samples.plan):
            return 0.0
        return answer_seconds(shape, kinds, FREE_POINTS) + projection_seconds(shape.positions, FREE_POINTS, top)

    choice = choose_kinds([samples], minutes, later)
    (student,), details = train_students([samples], choice)
    intercept, terms = distil(student, samples.plan, top, samples.threads, round(choice.effort * FREE_POINTS))
    return Fit(intercept, terms, details[0], student)


def rivals_of(outputs: Sequence[Samples]) -> dict[str, Architecture]:
    """Return the kinds of networks that the samples of some outputs choose from; none where all kinds are trained."""
    if len(outputs[0].plan.template.free) < MIN_CONVOLUTION_LENGTH:
        return {}
    bounded = any(output.bounds for output in outputs)
    return {name: replace(kind, bounded=bounded) for name, kind in RIVALS.items()}


def kinds_of(outputs: Sequence[Samples], leaders: Sequence[str]) -> list[Architecture]:
    """Return the networks to train on the samples of some outputs.

    Chance moves a deep network by much, so there are several: as many as take the time of two that keep their place.

    Args:
        outputs: the samples of each output.
        leaders: the best of their rivals, and the next if it is close; none where all kinds are trained.
    """
    rivals, shape = rivals_of(outputs), shape_of(outputs)
    if leaders and leaders[0] == "perceptron":
        best = rivals["perceptron"]
        others = [rivals[name] for name in leaders[1:] for _ in range(COPIES)]
        return [best, replace(EMBEDDED, bounded=best.bounded), *others]
    if leaders:
        best = rivals[leaders[0]]
        seconds = [student_seconds(shape, [kind]) for kind in (rivals["placed"], best)]
        return [best] * int(np.clip(COPIES * seconds[0] / seconds[1], COPIES, MAX_COPIES))
    copies = int(np.clip(round(PERCEPTRONS * math.sqrt(SAMPLES_OF_FEW / shape.samples)), 1, PERCEPTRONS))
    return [kind for kind in (WIDE, DEEP, SHARP) for _ in range(copies)]


def choose_kinds(
    outputs: Sequence[Samples],
    minutes: float | None = None,
    later: Callable[[Sequence[Architecture]], float] = lambda kinds: 0.0,
    begin: Begin = silent,
) -> Choice:
    """Choose kinds of networks by a heat of `rivals_of`, and how much of the work time allows for.

    Args:
        outputs: the samples of each output; queries are the same.
        minutes: that all of it may take on two cores, as `work` counts them; None for any number.
        later: the seconds of one core of what follows the training of some networks.
        begin: called before the heat with the number of samples that will be passed over.
    """
    rivals, shape = rivals_of(outputs), shape_of(outputs)
    heat = HEAT * student_seconds(shape, list(rivals.values()))

    def seconds(kinds: Sequence[Architecture]) -> float:
        return student_seconds(shape, kinds) + later(kinds)

    ends = [kinds_of(outputs, leaders) for leaders in permutations(rivals, 2)] or [kinds_of(outputs, ())]
    effort = affordable(minutes, heat + max(seconds(kinds) for kinds in ends))  # the slowest kinds may lead
    leaders = _Lesson.of(outputs).leaders(rivals, HEAT * effort, begin)
    kinds = kinds_of(outputs, leaders)
    left = None if minutes is None else minutes - effort * heat / (60 * CORES)
    return Choice(tuple(kinds), affordable(left, seconds(kinds)), leaders[0] if leaders else None)


def shape_of(outputs: Sequence[Samples]) -> Shape:
    """Return what the time depends on that outputs take together."""
    first = outputs[0]
    features = letter_features(first.plan.template).shape[2]
    return Shape(len(first.all_values), len(first.plan.template.free), features, len(outputs))


def train_students(
    outputs: Sequence[Samples], choice: Choice, begin: Begin = silent
) -> tuple[list[Student], list[FitDetails]]:
    """Train the students of some outputs together, two networks at once on two threads, and weigh them.

    Networks of one architecture differ by chance alone, and weigh the same.

    Args:
        outputs: the samples of each output; queries are the same.
        choice: of the networks.
        begin: called with the number of samples that will be passed over.

    Returns:
        A student of each output, and for its record `students`, `student_r2` on the validation points, `kind` where
        there was a choice, and `effort` where it is cut.
    """
    lesson, kinds, effort = _Lesson.of(outputs), list(choice.kinds), choice.effort
    networks = lesson.learn(kinds, effort, begin("students", lesson.passes(kinds, effort)))
    answers = np.stack([lesson.answers(kind, network) for kind, network in zip(kinds, networks, strict=True)], 2)
    different = sorted(set(kinds), key=kinds.index)
    share = np.array([[(a == kind) / kinds.count(kind) for kind in different] for a in kinds])
    students, details = [], []
    for o, checks in enumerate(lesson.checks.T):
        weights = share @ non_negative_weights(answers[:, o] @ share, checks, MIN_WEIGHT)
        student = lesson.student(kinds, networks, weights, o)
        students.append(student.in_units(Scale(float(lesson.means[o]), float(lesson.scales[o]))))
        score = r_squared(checks, answers[:, o] @ weights)
        details.append(FitDetails(students=int((weights > 0).sum()), student_r2=score))
        if choice.leader:
            details[-1]["kind"] = choice.leader
        if effort < 1:
            details[-1]["effort"] = effort
    return students, details


class _Lesson(NamedTuple):
    """What networks learn from, and are checked by.

    Attributes:
        outputs: the samples of each output.
        codes: (N, p) uint8 local codes of the free positions.
        targets, checks: (N, outputs) float32 and (V, outputs) float64, the values to fit and those of the validation
            points, standardised.
        means, scales: (outputs,) float64, undo that.
        features: (p, m, w); see `centred_features`.
        bounds: (outputs, 2); see `Network.start`.
    """

    outputs: Sequence[Samples]
    codes: np.ndarray
    targets: torch.Tensor
    checks: np.ndarray
    means: np.ndarray
    scales: np.ndarray
    features: np.ndarray
    bounds: np.ndarray

    @classmethod
    def of(cls, outputs: Sequence[Samples]) -> "_Lesson":
        """Standardise the samples of some outputs."""
        first, free = outputs[0], outputs[0].plan.template.free
        values = np.stack([samples.all_values for samples in outputs], 1)
        means, scales = values.mean(0), np.where(values.std(0) > 0, values.std(0), 1.0)
        ends = np.array([samples.bounds or (math.nan, math.nan) for samples in outputs])
        return cls(
            outputs,
            np.ascontiguousarray(first.all_codes[:, free]),
            torch.as_tensor((values - means) / scales, dtype=torch.float32),
            (np.stack([samples.all_validation_values for samples in outputs], 1) - means) / scales,
            means,
            scales,
            centred_features(first.plan.background)[free],
            (ends - means[:, None]) / scales[:, None],
        )

    def leaders(self, rivals: Mapping[str, Architecture], effort: float, begin: Begin) -> list[str]:
        """Which of some kinds validates best after a part of the usual epochs, and the next if it is close."""
        if not rivals:
            return []
        kinds = list(rivals.values())
        networks = self.learn(kinds, effort, begin("kinds of students", self.passes(kinds, effort)))
        missed = [self.answers(*trained) - self.checks for trained in zip(kinds, networks, strict=True)]
        errors = {name: float(np.square(miss).mean()) for name, miss in zip(rivals, missed, strict=True)}
        best, second = sorted(errors, key=errors.__getitem__)[:2]
        return [best, second] if errors[second] <= CLOSE * errors[best] else [best]

    def epochs(self, kind: Architecture, effort: float) -> int:
        """How many passes over the samples a part of the usual ones is."""
        return max(1, round(effort * epochs_of(kind, len(self.codes))))

    def passes(self, kinds: Sequence[Architecture], effort: float) -> int:
        """How many samples are passed over when networks are trained."""
        return sum(self.epochs(kind, effort) for kind in kinds) * len(self.codes)

    def learn(
        self, kinds: Sequence[Architecture], effort: float, finished: Callable[[int], object]
    ) -> tuple[Network, ...]:
        """Train networks."""
        first = self.outputs[0]

        def one(number: int) -> Network:
            return train_network(
                kinds[number], self.codes, self.targets, self.features, 1000 * (first.plan.seed % 2**31) + number,
                epochs=self.epochs(kinds[number], effort), bounds=self.bounds, finished=finished,
            )  # fmt: skip

        with ThreadPoolExecutor(first.threads) as pool:
            return tuple(pool.map(one, range(len(kinds))))

    def student(
        self, kinds: Sequence[Architecture], networks: Sequence[Network], weights: np.ndarray, output: int
    ) -> Student:
        """A weighted sum of networks for one output, in standardised units."""
        positions = self.outputs[0].plan.template.free
        chosen = tuple(kinds), tuple(networks), tuple(weights.tolist())
        return Student(*chosen, output, 0.0, 1.0, positions, self.features)

    def answers(self, kind: Architecture, network: Network) -> np.ndarray:
        """What a network answers at the validation points, (V, outputs) float64."""
        first = self.outputs[0]
        alone = [self.student([kind], [network], np.ones(1), o) for o in range(len(self.outputs))]
        return predict_all(alone, first.all_validation_codes, first.threads)


def is_enumerable(plan: Plan) -> bool:
    """Whether students can be asked about every sequence of the template."""
    return plan.template.space <= FREE_POINTS


def distil(
    student: Student, plan: Plan, max_order: int, threads: int, points: int = FREE_POINTS
) -> tuple[float, Terms]:
    """Turn a student into dividends: exactly where the space is small, otherwise by projection from so many points."""
    background = plan.background
    if is_enumerable(plan):
        codes = replace(plan, design="exhaustive", near=None).queries(0, background.template.space)
        return exact.transform(background, codes, student.predict(codes, threads), max_order)
    codes = np.asfortranarray(plan.fresh(points, plan.seed ^ FREE_SEED).queries(0, points))
    return project(background, codes, student.predict(codes, threads), max_order)
