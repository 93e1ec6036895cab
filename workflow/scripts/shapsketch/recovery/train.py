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
from ..spectrum.terms import Terms
from ..spectrum.trains import Train
from . import train_steps
from .base import Begin, Fit, Samples, silent, validation_r2
from .student import FREE_SEED, Student, distil, is_enumerable, predict_all, train_students

RANK, STEPS = 24, 8_000
LARGE_RANK, LARGE_STEPS = 48, 14_000
MAX_STATES = 192  # of a bond under a Markov background: rank times letters
MANY_SAMPLES = 40_000  # from which on they pay
FREE_ANSWERS = 300_000
BATCH = 512
RATE = 6e-3  # the largest
START_RATE, WARM_UP = 0.04, 0.3  # the first rate as a part of the largest; the part of the steps until that
NOISE = 0.15  # of the first cores, over the root of the rank
MAX_NORM = 1.0  # of a gradient
REPEATS = 3  # of the model's own values among the students' answers


class _Parameters(NamedTuple):
    """What a train of all outputs is made of; see `train_steps.gradient`."""

    cores: np.ndarray
    start: np.ndarray
    heads: np.ndarray
    means: np.ndarray


def fit_outputs(
    outputs: Sequence[Samples],
    max_order: int | None = None,
    begin: Begin = silent,
) -> list[Fit]:
    """Train students of some outputs together, and fit a train of all of them to their answers.

    Where the template has so few sequences that students can be asked about all, their answers are transformed exactly.

    Args:
        outputs: the samples of each output; queries are the same.
        max_order: the highest order of a dividend; None keeps all.
        begin: called when a step of the work begins.

    Returns:
        A fit of each output: an intercept and a train, or terms where they are exact.
    """
    first = outputs[0]
    students, details = train_students(outputs, begin=begin)
    if is_enumerable(first.plan) and first.plan.background.is_product:
        return [
            Fit(*distil(student, first.plan, max_order or 5, first.threads), own, student)
            for student, own in zip(students, details, strict=True)
        ]
    near = int(FREE_ANSWERS * near_share(first))
    free = first.plan.fresh(FREE_ANSWERS - near, first.plan.seed ^ FREE_SEED, near)
    codes = free.queries(0, FREE_ANSWERS)
    answers = predict_all(students, codes, first.threads, begin("free answers", FREE_ANSWERS))
    own = np.stack([samples.all_values for samples in outputs], 1)
    codes = np.concatenate([codes, *[first.all_codes] * REPEATS])
    values = np.concatenate([answers, *[own] * REPEATS])
    fits = _fit(outputs, codes, values, students, details, begin)
    return fits if max_order is None else [_truncated(fit, max_order) for fit in fits]


def _truncated(fit: Fit, max_order: int) -> Fit:
    return replace(fit, trains=tuple(train.truncate(max_order) for train in fit.trains))


def fit_alone(outputs: Sequence[Samples], max_order: int | None = None, begin: Begin = silent) -> list[Fit]:
    """Fit a train to the model's own values: fast, and less right than with students where evaluations are few."""
    own = np.stack([samples.all_values for samples in outputs], 1)
    none: list[Student | None] = [None] * len(outputs)
    fits = _fit(outputs, outputs[0].all_codes, own, none, [{} for _ in outputs], begin)
    return fits if max_order is None else [_truncated(fit, max_order) for fit in fits]


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
) -> list[Fit]:
    first, free = outputs[0], outputs[0].plan.template.free
    letters = int(first.plan.template.sizes.max())
    rank, steps = (LARGE_RANK, LARGE_STEPS) if len(first.all_values) >= MANY_SAMPLES else (RANK, STEPS)
    if not first.plan.background.is_product:
        rank = max(1, min(rank, MAX_STATES // letters))
    finished = begin("train", steps)
    scales = np.where(values.std(0) > 0, values.std(0), 1.0)
    means = values.mean(0)
    seen = np.ascontiguousarray(codes[:, free])
    targets = np.ascontiguousarray((values - means) / scales, np.float32)
    seed = first.plan.seed
    parameters = _descend(seen, targets, letters, rank, steps, seed, first.threads, finished)
    fits = []
    for o, samples in enumerate(outputs):
        scale, mean = float(scales[o]), float(means[o])
        train = to_train(parameters, o, samples.plan.background).scaled(scale)
        intercept = mean + scale * float(parameters.means[o]) + train.mean
        terms = Terms.build(samples.plan.template.sizes, {})
        fitted = Fit(intercept, terms, {"rank": rank, **details[o]}, students[o], (train,))
        fits.append(fitted)
        fitted.details["train_r2"] = validation_r2(samples, fitted)
    return fits


def _descend(
    codes: np.ndarray,
    targets: np.ndarray,
    letters: int,
    rank: int,
    steps: int,
    seed: int,
    threads: int,
    finished: Callable[[int], object],
) -> _Parameters:
    """Fit all parameters to (N, p) codes and (N, outputs) standardised targets."""
    draws, parts = generator(seed, TRAIN_STREAM), train_steps.PARTS
    parameters = _start(codes.shape[1], letters, rank, targets.shape[1], draws)
    cores, start = (np.empty((parts, *p.shape), np.float32) for p in parameters[:2])
    heads = np.empty((parts, rank + 1, targets.shape[1]), np.float32)
    moments = [(np.zeros(p.size, np.float32), np.zeros(p.size, np.float32)) for p in parameters]
    batch = min(BATCH, len(codes))
    scale = np.float32(1 / (batch * targets.shape[1]))
    order, place = draws.permutation(len(codes)), 0

    def one(part: int) -> None:
        own = rows[part * batch // parts : (part + 1) * batch // parts]
        asked = np.ascontiguousarray(codes[own].T)
        train_steps.gradient(asked, targets[own], *parameters, scale, cores[part], start[part], heads[part])

    with ThreadPoolExecutor(threads) as pool:
        for step in range(steps):
            if place + batch > len(codes):
                order, place = draws.permutation(len(codes)), 0
            rows = order[place : place + batch]
            place += batch
            list(pool.map(one, range(parts)))
            squares = [train_steps.squared_norm(gradients) for gradients in (cores, start, heads)]
            clipping = np.float32(min(1.0, MAX_NORM / max(math.sqrt(sum(squares)), 1e-12)))
            own = (cores[0].ravel(), start[0], heads[0, :rank].flatten(), heads[0, rank].copy())
            for values, gradient, (mean, square) in zip(parameters, own, moments, strict=True):
                rate = np.float32(_rate(step / steps))
                train_steps.adam(values.reshape(-1), gradient, mean, square, step + 1, rate, clipping)
            finished(1)
    return parameters


def _rate(done: float) -> float:
    """The rate of a step, by the part of the steps that are done."""
    if done < WARM_UP:
        return RATE * (START_RATE + (1 - START_RATE) * (0.5 - 0.5 * math.cos(math.pi * done / WARM_UP)))
    return RATE * (1e-5 + 0.5 + 0.5 * math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP)))


def _start(n: int, letters: int, rank: int, outputs: int, draws: np.random.Generator) -> _Parameters:
    cores = np.eye(rank) + NOISE / math.sqrt(rank) * draws.normal(size=(n, letters, rank, rank))
    start, heads = (draws.normal(size=shape) / math.sqrt(rank) for shape in ((rank,), (rank, outputs)))
    return _Parameters(*(a.astype(np.float32) for a in (cores, start, heads, np.zeros(outputs))))


def to_train(parameters: _Parameters, output: int, background: Background) -> Train:
    """Return the train of one output, without its constant."""
    local = [background.local[i] for i in background.template.free.tolist()]
    cores = [core[: len(p)].astype(np.float64) for core, p in zip(parameters.cores, local, strict=True)]
    cores[0] = np.einsum("a,mab->mb", parameters.start.astype(np.float64), cores[0])[:, None]
    cores[-1] = (cores[-1] @ parameters.heads[:, output].astype(np.float64))[..., None]
    cores = [core.transpose(1, 0, 2) for core in cores]
    if background.is_product:
        return Train.build(cores, local)
    return Train.of_chain(cores, local[0], _steps_between(background))


def _steps_between(background: Background) -> list[np.ndarray]:
    """The transitions of a chain from each free position to the next, through what is fixed between them."""
    free = background.template.free.tolist()
    return [reduce(np.matmul, background.steps[i:j]) for i, j in pairwise(free)]
