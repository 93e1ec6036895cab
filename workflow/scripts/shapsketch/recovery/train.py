"""Trains: one product of small matrices for all outputs, fitted to what students answer and to the model's own values.

A train regresses the model, not a coefficient of it, so it takes queries of the background and near ones as they are.
Adam (Kingma & Ba 2015) with one cycle of the rate (Smith & Topin 2019); cores start at the identity and a little noise.
"""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import reduce
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ..fidelity.records import FitDetails
from ..sampling.plan import NEAR
from ..sequences.background import Background
from ..sequences.rng import TRAIN_STREAM, generator
from ..spectrum.rounding import cut_within, values_of
from ..spectrum.terms import Terms
from ..spectrum.trains import Train
from . import train_steps
from .base import Begin, Fit, Samples, silent, validation_r2
from .networks import Architecture
from .student import Student, predict_all
from .student_fit import (
    COPIES,
    FREE_SEED,
    MAX_ORDER,
    RIVALS,
    choose_kinds,
    distil,
    is_enumerable,
    shape_of,
    train_students,
)
from .work import Shape, affordable, answer_seconds, train_seconds

RANK, STEPS = 24, 8_000
FEW_OUTPUTS, RANK_OF_MORE = 3, 2  # outputs that share such a rank, and what each further one adds to it
LARGE_RANK, LARGE_STEPS = 48, 14_000
MAX_STATES = 192  # of a bond under a Markov background: rank times letters
MANY_SAMPLES = 40_000  # from which on they pay,
LARGE_SHARE = 0.75  # where they and their answers take at most so much of the time: beyond that students want it more
FREE_ANSWERS, MAX_FREE_ANSWERS = 500_000, 1_500_000  # at least, and at most where a train has more numbers than that
PACE = 512, 0.99  # sequences of a step, and what Adam keeps of the squared gradients
LARGE_PACE, MANY_VALUES = (1_024, 0.999), 1_000_000  # from so many on: smaller steps would see each a few times only
RATE = 6e-3  # the largest, of ranks up to RANK; with more it falls, since products of larger cores are steeper
START_RATE, WARM_UP = 0.04, 0.04  # the first rate as a part of the largest; the part of the steps until that
NOISE = 0.07  # of the first cores, over the root of the rank
DECAY = 0.15  # times the rate: what a step takes from the differences between the letters of a position
DECAYS_ALONE = (DECAY, 0.03)  # without students: rare words want little of it, and weak ones much
MAX_NORM = 1.0  # of a gradient
MAX_CUT = 0.01  # of what a train leaves unexplained: what cutting its bonds may add
REPEATS = 3  # of the model's own values among the students' answers


class _Parameters(NamedTuple):
    """What a train of all outputs is made of, as views of one vector; see `train_steps.gradient`."""

    cores: np.ndarray
    start: np.ndarray
    heads: np.ndarray

    @classmethod
    def of(cls, vector: np.ndarray, n: int, letters: int, rank: int) -> "_Parameters":
        """Divide a (..., L) vector."""
        begin, end = n * letters * rank**2, n * letters * rank**2 + rank
        shape = vector.shape[:-1]
        return cls(
            vector[..., :begin].reshape(*shape, n, letters, rank, rank),
            vector[..., begin:end],
            vector[..., end:].reshape(*shape, rank + 1, -1),
        )


def fit_outputs(
    outputs: Sequence[Samples],
    max_order: int | None = None,
    begin: Begin = silent,
    minutes: float | None = None,
) -> list[Fit]:
    """Train students of some outputs together, and fit a train of all of them to their answers.

    Where the template has so few sequences that students can be asked about all, their answers are transformed exactly.

    Args:
        outputs: the samples of each output; queries are the same.
        max_order: the highest order of a dividend; None keeps all.
        begin: called when a step of the work begins.
        minutes: that all of it may take on two cores, as `work` counts them: passes, answers and steps are cut alike.

    Returns:
        A fit of each output: an intercept and a train, or terms where they are exact.
    """
    first, shape, size = outputs[0], shape_of(outputs), _size(outputs, minutes)

    def later(kinds: Sequence[Architecture]) -> float:
        if is_enumerable(first.plan):
            return 0.0
        return answer_seconds(shape, kinds, size.answers) + _train_seconds(shape, size)

    choice = choose_kinds(outputs, minutes, later, begin)
    students, details = train_students(outputs, choice, begin)
    if is_enumerable(first.plan) and first.plan.background.is_product:
        return [
            Fit(*distil(student, first.plan, max_order or MAX_ORDER, first.threads), detail, student)
            for student, detail in zip(students, details, strict=True)
        ]
    count = round(size.answers * choice.effort)
    near = int(count * near_share(first))
    codes = first.plan.fresh(count - near, first.plan.seed ^ FREE_SEED, near).queries(0, count)
    answers = predict_all(students, codes, first.threads, begin("free answers", count))
    asked = np.stack([samples.all_values for samples in outputs], 1)
    codes = np.concatenate([codes, *[first.all_codes] * REPEATS])
    values = np.concatenate([answers, *[asked] * REPEATS])
    fits = _fit(outputs, codes, values, students, details, begin, size, choice.effort)
    return fits if max_order is None else [_truncated(fit, max_order) for fit in fits]


def _truncated(fit: Fit, max_order: int) -> Fit:
    return replace(fit, trains=tuple(train.truncate(max_order) for train in fit.trains))


def fit_alone(
    outputs: Sequence[Samples],
    max_order: int | None = None,
    begin: Begin = silent,
    minutes: float | None = None,
    decays: Sequence[float] = DECAYS_ALONE,
    most_effort: float = 1.0,
) -> list[Fit]:
    """Fit a train to the model's own values: fast, and less right than with students where evaluations are few.

    One is fitted for each of the decays; of each output the one that validates best is kept.

    Args:
        outputs, max_order, begin, minutes: see `fit_outputs`.
        decays: what a step takes from the differences between letters, over the rate.
        most_effort: the part of the steps to take, where `minutes` allow them.
    """
    values = np.stack([samples.all_values for samples in outputs], 1)
    none: list[Student | None] = [None] * len(outputs)
    size = _size(outputs)
    seconds = len(decays) * train_seconds(shape_of(outputs), size.rank, size.steps, _pace(len(values))[0])
    effort = min(most_effort, affordable(minutes, seconds))
    rivals = []
    for decay in decays:
        details: list[FitDetails] = [{"decay": decay, **({"effort": effort} if effort < 1 else {})} for _ in outputs]
        rivals.append(_fit(outputs, outputs[0].all_codes, values, none, details, begin, size, effort, decay))
    fits = [max(rival, key=lambda fit: fit.details["train_r2"]) for rival in zip(*rivals, strict=True)]
    return fits if max_order is None else [_truncated(fit, max_order) for fit in fits]


class _Size(NamedTuple):
    """How large a train is: its rank, its steps, and the free answers that it is fitted to."""

    rank: int
    steps: int
    answers: int


def _size(outputs: Sequence[Samples], minutes: float | None = None) -> _Size:
    """The size of a train for so many samples and outputs; a large one where it may take its share of the minutes."""
    shape = shape_of(outputs)
    if shape.samples < MANY_SAMPLES:
        return _size_of(outputs, RANK, STEPS)
    large = _size_of(outputs, LARGE_RANK, LARGE_STEPS)
    slowest = max(RIVALS.values(), key=lambda kind: answer_seconds(shape, [kind], 1))
    seconds = answer_seconds(shape, [slowest] * COPIES, large.answers) + _train_seconds(shape, large)
    return large if affordable(minutes, seconds / LARGE_SHARE) == 1 else _size_of(outputs, RANK, STEPS)


def _size_of(outputs: Sequence[Samples], rank: int, steps: int) -> _Size:
    """A size with the rank that several outputs need, and as many answers as numbers, or it learns them by heart."""
    background = outputs[0].plan.background
    template = background.template
    rank = max(rank, min(LARGE_RANK, RANK + RANK_OF_MORE * (len(outputs) - FEW_OUTPUTS)))
    if not background.is_product:
        rank = max(1, min(rank, MAX_STATES // int(template.sizes.max())))
    numbers = len(template.free) * int(template.sizes.max()) * rank**2
    return _Size(rank, steps, int(np.clip(numbers, FREE_ANSWERS, MAX_FREE_ANSWERS)))


def _train_seconds(shape: Shape, size: _Size) -> float:
    """The seconds of one core that fitting free answers and the model's own values takes."""
    return train_seconds(shape, size.rank, size.steps, _pace(size.answers + REPEATS * shape.samples)[0])


def _pace(count: int) -> tuple[int, float]:
    """How many sequences a step takes, of so many to fit, and what Adam keeps of the squared gradients."""
    return LARGE_PACE if count >= MANY_VALUES else PACE


def near_share(samples: Samples) -> float:
    """Return the share of near queries in a plan."""
    plan = samples.plan
    return sum(plan.count(role) for role in NEAR) / plan.size


def _fit(
    outputs: Sequence[Samples],
    codes: np.ndarray,
    values: np.ndarray,
    students: Sequence[Student | None],
    details: Sequence[FitDetails],
    begin: Begin,
    size: _Size,
    effort: float,
    decay: float = DECAY,
) -> list[Fit]:
    first, free = outputs[0], outputs[0].plan.template.free
    letters = int(first.plan.template.sizes.max())
    rank, steps = size.rank, max(1, round(size.steps * effort))
    finished = begin("train", steps)
    scales = np.where(values.std(0) > 0, values.std(0), 1.0)
    means = values.mean(0)
    seen = np.ascontiguousarray(codes[:, free])
    targets = np.ascontiguousarray((values - means) / scales, np.float32)
    seed = first.plan.seed
    parameters = _descend(seen, targets, letters, rank, steps, decay, seed, first.threads, finished)
    fits = []
    for o, samples in enumerate(outputs):
        scale, mean = float(scales[o]), float(means[o])
        cores = _cores(parameters, o, samples.plan.background)
        constant, checked = mean + scale * float(parameters.heads[-1, o]), samples.all_validation_codes[:, free]
        cut = 0.0
        if first.plan.background.is_product:
            missed = samples.all_validation_values - constant - scale * values_of(cores, checked)
            unexplained = float(np.mean(missed**2)) / scale**2
            cores, change = cut_within(cores, _free_letters(samples.plan.background), checked, MAX_CUT * unexplained)
            cut = change / unexplained if unexplained else 0.0
        train = _train_of(cores, samples.plan.background).scaled(scale)
        intercept = constant + train.mean
        terms = Terms.build(samples.plan.template.sizes, {})
        about: FitDetails = {"fitted_rank": rank, "rank": int(train.ranks.max()), "cut": cut, **details[o]}
        fitted = Fit(intercept, terms, about, students[o], (train,))
        fits.append(fitted)
        fitted.details["train_r2"] = validation_r2(samples, fitted)
    return fits


def _descend(
    codes: np.ndarray,
    targets: np.ndarray,
    letters: int,
    rank: int,
    steps: int,
    decay: float,
    seed: int,
    threads: int,
    finished: Callable[[int], object],
) -> _Parameters:
    """Fit all parameters to (N, p) codes and (N, outputs) standardised targets."""
    draws, parts, n = generator(seed, TRAIN_STREAM), train_steps.PARTS, codes.shape[1]
    vector = _start(n, letters, rank, targets.shape[1], draws)
    parameters = _Parameters.of(vector, n, letters, rank)
    gradients = np.empty((parts, vector.size), np.float32)
    mean, square = np.zeros(vector.size, np.float32), np.zeros(vector.size, np.float32)
    batch, kept = _pace(len(codes))
    batch = min(batch, len(codes))
    scale = np.float32(1 / (batch * targets.shape[1]))
    order, place = draws.permutation(len(codes)), 0
    places = [n * part // parts for part in range(parts + 1)]
    ends = [*(letters * rank**2 * i for i in places[:-1]), vector.size]  # of what each part of the threads moves

    def ask(part: int) -> None:
        share = rows[part * batch // parts : (part + 1) * batch // parts]
        found = _Parameters.of(gradients[part], n, letters, rank)
        train_steps.gradient(np.ascontiguousarray(codes[share].T), targets[share], *parameters, scale, *found)

    def add_up(part: int) -> float:
        return train_steps.add_up(gradients[:, ends[part] : ends[part + 1]])

    def move(part: int) -> None:
        own = slice(ends[part], ends[part + 1])
        train_steps.adam(vector[own], gradients[0, own], mean[own], square[own], step + 1, rate, clipping, kept)
        train_steps.shrink(parameters.cores[places[part] : places[part + 1]], rate * np.float32(decay))

    with ThreadPoolExecutor(threads) as pool:
        for step in range(steps):
            if place + batch > len(codes):
                order, place = draws.permutation(len(codes)), 0
            rows = order[place : place + batch]
            place += batch
            list(pool.map(ask, range(parts)))
            norm = math.sqrt(sum(pool.map(add_up, range(parts))))
            clipping = np.float32(min(1.0, MAX_NORM / max(norm, 1e-12)))
            rate = np.float32(_rate(step / steps, rank))
            list(pool.map(move, range(parts)))
            finished(1)
    return parameters


def _rate(done: float, rank: int) -> float:
    """The rate of a step, by the part of the steps that are done."""
    largest = RATE * min(1.0, RANK / rank)
    if done < WARM_UP:
        return largest * (START_RATE + (1 - START_RATE) * (0.5 - 0.5 * math.cos(math.pi * done / WARM_UP)))
    return largest * (1e-5 + 0.5 + 0.5 * math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP)))


def _start(n: int, letters: int, rank: int, outputs: int, draws: np.random.Generator) -> np.ndarray:
    """All parameters as one float32 vector."""
    cores = np.eye(rank) + NOISE / math.sqrt(rank) * draws.normal(size=(n, letters, rank, rank))
    start, heads = (draws.normal(size=shape) / math.sqrt(rank) for shape in ((rank,), (rank, outputs)))
    return np.concatenate([cores.ravel(), start, heads.ravel(), np.zeros(outputs)]).astype(np.float32)


def _cores(parameters: _Parameters, output: int, background: Background) -> list[np.ndarray]:
    """The (r, m, r') float64 cores of one output, over the free positions."""
    cores = [
        core[: len(p)].astype(np.float64) for core, p in zip(parameters.cores, _free_letters(background), strict=True)
    ]
    cores[0] = np.einsum("a,mab->mb", parameters.start.astype(np.float64), cores[0])[:, None]
    cores[-1] = (cores[-1] @ parameters.heads[:-1, output].astype(np.float64))[..., None]
    return [core.transpose(1, 0, 2) for core in cores]


def _free_letters(background: Background) -> list[np.ndarray]:
    """The probabilities of the letters at each free position."""
    return [background.local[i] for i in background.template.free.tolist()]


def _train_of(cores: list[np.ndarray], background: Background) -> Train:
    local = _free_letters(background)
    if background.is_product:
        return Train.build(cores, local)
    return Train.of_chain(cores, local[0], _steps_between(background))


def _steps_between(background: Background) -> list[np.ndarray]:
    """The transitions of a chain from each free position to the next, through what is fixed between them."""
    free = background.template.free.tolist()
    return [reduce(np.matmul, background.steps[i:j]) for i, j in pairwise(free)]
