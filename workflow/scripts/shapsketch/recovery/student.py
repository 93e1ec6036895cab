"""Distilled students: networks that learn the model from its budgeted values, then are asked for free.

A few networks of different kinds are trained on the samples of all outputs at once and weighed, output by output, on
the validation points. What they answer at millions of points fits a train (`train`), or, where the template has few
sequences, is transformed exactly.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..fidelity.records import FitDetails
from ..sampling.plan import Plan
from ..settings.errors import InputError
from ..spectrum.metrics import r_squared
from ..spectrum.scale import Scale
from ..spectrum.terms import Terms
from ..storage.files import load_npz, save_npz
from . import exact
from .base import Begin, Fit, Samples, silent
from .networks import (
    DEEP,
    PLACED,
    POOLED,
    SHARP,
    STACKED,
    WIDE,
    Architecture,
    Network,
    device,
    encode,
    epochs_of,
    letter_features,
    train_network,
)
from .projection import project
from .stack import non_negative_weights
from .work import Shape, affordable, answer_seconds, projection_seconds, student_seconds

MIN_CONVOLUTION_LENGTH = 10  # free positions below which convolutions have nothing to share
MAX_COPIES, SAMPLES_OF_FEW_COPIES = 3, 16_000  # perceptrons of each kind; fewer where more samples leave less to chance
MIN_WEIGHT = 0.1  # of a kind in the stack; smaller ones cost more queries than they are worth
MAX_SPARED = 0.02  # of what kinds leave unexplained: what leaving some of them out may add
FREE_POINTS = 2_000_000  # a smaller space is evaluated in full
MAX_ORDER = 5  # of the tables that students become
SEQUENCES_AT_ONCE = 2048  # per call
FREE_SEED = 0x5EED  # free queries are other draws than the sketch's
STUDENTS_VERSION = 7


@dataclass(frozen=True)
class Student:
    """A weighted sum of networks for one output, in the model's units.

    Attributes:
        architectures: of the networks.
        networks: the networks; those of all outputs of a model are the same ones.
        weights: their weights.
        output: which of the networks' outputs it is.
        mean, scale: undo the standardisation of the values.
        positions: (p,) int64, the positions that the networks see.
        features: (p, m, w) float32, of each letter at each of them: one-hot, and the properties of amino acids.
    """

    architectures: tuple[Architecture, ...]
    networks: tuple[Network, ...]
    weights: tuple[float, ...]
    output: int
    mean: float
    scale: float
    positions: np.ndarray
    features: np.ndarray

    def predict(self, codes: np.ndarray, threads: int = 1) -> np.ndarray:
        """Return (N,) float64 values at (N, n) uint8 local codes."""
        return predict_all([self], codes, threads)[:, 0]

    def in_units(self, scale: Scale) -> "Student":
        """Return a student of standardised values as one of the values themselves."""
        return replace(self, mean=scale.centre + scale.unit * self.mean, scale=scale.unit * self.scale)


def predict_all(
    students: Sequence[Student],
    codes: np.ndarray,
    threads: int = 1,
    finished: Callable[[int], object] = lambda sequences: None,
) -> np.ndarray:
    """Return the (N, outputs) float64 values of students that share their networks, at (N, n) uint8 local codes."""
    first = students[0]
    features = torch.from_numpy(first.features)
    numbers = {id(network): k for s in students for k, network in enumerate(s.networks) if s is first}
    weights = np.zeros((len(first.networks), len(students)))
    for o, student in enumerate(students):
        for network, weight in zip(student.networks, student.weights, strict=True):
            weights[numbers[id(network)], o] = weight
    columns = [student.output for student in students]
    means, scales = (np.array([getattr(s, name) for s in students]) for name in ("mean", "scale"))

    def ask(start: int) -> np.ndarray:
        x = encode(codes[start : start + SEQUENCES_AT_ONCE, first.positions], features).to(device())
        total = np.zeros((len(x), len(students)))
        with torch.inference_mode():
            for network, shares in zip(first.networks, weights, strict=True):
                if shares.any():
                    total += shares * network(x).cpu().numpy()[:, columns].astype(np.float64)
        finished(len(x))
        return total

    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(ask, range(0, len(codes), SEQUENCES_AT_ONCE)))
    return means + scales * np.concatenate([np.empty((0, len(students))), *parts])


def save_students(path: str | Path, students: Mapping[str, Student | None]) -> None:
    """Write the students of a model's outputs to an .npz, atomically and without pickles; shared networks once."""
    arrays: dict[str, np.ndarray] = {"version": np.array(STUDENTS_VERSION)}
    numbers: dict[int, int] = {}
    for output, student in students.items():
        if student is None:
            continue
        for architecture, network in zip(student.architectures, student.networks, strict=True):
            if id(network) not in numbers:
                number = numbers[id(network)] = len(numbers)
                about = {"architecture": asdict(architecture), "outputs": network.outputs}
                arrays[f"networks/{number}/about"] = np.array(json.dumps(about))
                arrays |= {
                    f"networks/{number}/{name}": p.detach().cpu().numpy() for name, p in network.named_parameters()
                }
        about = {
            "networks": [numbers[id(network)] for network in student.networks],
            "weights": student.weights,
            "output": student.output,
            "mean": student.mean,
            "scale": student.scale,
        }
        arrays[f"{output}/about"] = np.array(json.dumps(about))
        arrays[f"{output}/positions"] = student.positions
        arrays[f"{output}/features"] = student.features
    save_npz(path, arrays)


def load_students(path: str | Path) -> dict[str, Student]:
    """Read the students of a model's outputs; outputs that needed none are not there.

    Raises:
        InputError: the file is damaged or of another version.
    """
    arrays = load_npz(path)
    if int(arrays.get("version", -1)) != STUDENTS_VERSION:
        raise InputError(f"{path} is not a file of students of version {STUDENTS_VERSION}.")
    made: dict[int, tuple[Architecture, Network]] = {}
    students = {}
    for output in (key.removesuffix("/about") for key in arrays if key.endswith("/about") and key.count("/") == 1):
        about = json.loads(str(arrays[f"{output}/about"]))
        positions, features = (arrays[f"{output}/{name}"] for name in ("positions", "features"))
        for number in about["networks"]:
            if number not in made:
                made[number] = _read_network(arrays, number, features)
        chosen = [made[number] for number in about["networks"]]
        students[output] = Student(
            tuple(architecture for architecture, _ in chosen),
            tuple(network for _, network in chosen),
            tuple(about["weights"]),
            about["output"],
            about["mean"],
            about["scale"],
            positions,
            features,
        )
    return students


def _read_network(arrays: Mapping[str, np.ndarray], number: int, features: np.ndarray) -> tuple[Architecture, Network]:
    about = json.loads(str(arrays[f"networks/{number}/about"]))
    settings: dict[str, Any] = about["architecture"]
    settings |= {key: tuple(settings[key]) for key in ("channels", "widths", "dense")}
    architecture = Architecture(**settings)
    network = Network(len(features), features.shape[2], about["outputs"], architecture)
    for name, parameter in network.named_parameters():
        parameter.data.copy_(torch.from_numpy(arrays[f"networks/{number}/{name}"]))
    return architecture, network.eval().to(device())


def fit(samples: Samples, max_order: int | None, minutes: float | None = None) -> Fit:
    """Train students, stack them, and project the stack onto tables; minutes, as `work` counts them, are for all of it.

    Beyond them passes and points of the projection are cut alike.
    """
    top, shape = max_order or MAX_ORDER, shape_of([samples])
    kinds = kinds_of([samples])
    seconds = student_seconds(shape, kinds)
    if not is_enumerable(samples.plan):
        seconds += answer_seconds(shape, kinds, FREE_POINTS) + projection_seconds(shape.positions, FREE_POINTS, top)
    effort = affordable(minutes, seconds)
    (student,), details = train_students([samples], kinds, effort)
    if effort < 1:
        details[0]["effort"] = effort
    intercept, terms = distil(student, samples.plan, top, samples.threads, round(effort * FREE_POINTS))
    return Fit(intercept, terms, details[0], student)


def kinds_of(outputs: Sequence[Samples]) -> list[Architecture]:
    """Return the networks to train on the samples of some outputs, those that take longest first."""
    plan, samples = outputs[0].plan, len(outputs[0].all_values)
    if len(plan.template.free) >= MIN_CONVOLUTION_LENGTH:
        if any(output.bounds for output in outputs):
            return [STACKED, replace(STACKED, bounded=True), replace(POOLED, bounded=True)]
        return [STACKED, STACKED, PLACED, POOLED]  # chance moves one deep network by more than most choices do
    copies = int(np.clip(round(MAX_COPIES * math.sqrt(SAMPLES_OF_FEW_COPIES / samples)), 1, MAX_COPIES))
    return [kind for kind in (WIDE, DEEP, SHARP) for _ in range(copies)]


def shape_of(outputs: Sequence[Samples]) -> Shape:
    """Return what the time depends on that outputs take together."""
    first = outputs[0]
    features = letter_features(first.plan.template).shape[2]
    return Shape(len(first.all_values), len(first.plan.template.free), features, len(outputs))


def train_students(
    outputs: Sequence[Samples],
    architectures: Sequence[Architecture] | None = None,
    effort: float = 1.0,
    begin: Begin = silent,
) -> tuple[list[Student], list[FitDetails]]:
    """Train the students of some outputs together, two networks at once on two threads, and weigh them.

    Networks of one architecture differ by chance alone, and weigh the same.

    Args:
        outputs: the samples of each output; queries are the same.
        architectures: of the networks; None: see `kinds_of`.
        effort: a part of the usual number of epochs.
        begin: called once with the number of samples that will be passed over.

    Returns:
        A student of each output, and for its record `students` and `student_r2` on the validation points.
    """
    first = outputs[0]
    positions = first.plan.template.free
    codes, values = first.all_codes, np.stack([samples.all_values for samples in outputs], 1)
    architectures = architectures or kinds_of(outputs)
    means, scales = values.mean(0), np.where(values.std(0) > 0, values.std(0), 1.0)
    features = letter_features(first.plan.template)[positions]
    targets = torch.as_tensor((values - means) / scales, dtype=torch.float32)
    ends = np.array([samples.bounds or (math.nan, math.nan) for samples in outputs])
    bounds = (ends - means[:, None]) / scales[:, None]
    seen = np.ascontiguousarray(codes[:, positions])

    epochs = [max(1, round(effort * epochs_of(architecture, len(seen)))) for architecture in architectures]
    finished = begin("students", sum(epochs) * len(seen))

    def learn(number: int) -> Network:
        seed = 1000 * (first.plan.seed % 2**31) + number
        return train_network(
            architectures[number], seen, targets, features, seed,
            epochs=epochs[number], bounds=bounds, finished=finished,
        )  # fmt: skip

    with ThreadPoolExecutor(first.threads) as pool:
        networks = tuple(pool.map(learn, range(len(architectures))))
    nothing = (0.0,) * len(networks)
    unweighed = Student(tuple(architectures), networks, nothing, 0, 0.0, 1.0, positions, features)
    return _weigh(unweighed, outputs, means, scales)


def _weigh(
    unweighed: Student, outputs: Sequence[Samples], means: np.ndarray, scales: np.ndarray
) -> tuple[list[Student], list[FitDetails]]:
    """Weigh the networks for each output on its validation points; see `train_students`.

    Args:
        unweighed: of all networks, of standardised values.
        outputs: the samples of each output.
        means, scales: (outputs,) float64, undo the standardisation.
    """
    architectures, codes = unweighed.architectures, outputs[0].all_validation_codes
    kinds = sorted(set(architectures), key=architectures.index)
    share = np.array([[(a == kind) / architectures.count(kind) for kind in kinds] for a in architectures])
    answers = np.stack([
        predict_all(
            [replace(unweighed, weights=tuple(row), output=o) for o in range(len(outputs))], codes, outputs[0].threads
        )
        for row in np.eye(len(architectures)).tolist()
    ], 1)  # fmt: skip
    targets = (np.stack([samples.all_validation_values for samples in outputs], 1) - means) / scales
    chosen = _kind_weights(answers.swapaxes(1, 2) @ share, targets, any(a.channels for a in architectures)) @ share.T
    students, details = [], []
    for o, weights in enumerate(chosen):
        student = replace(unweighed, weights=tuple(weights.tolist()), output=o)
        students.append(student.in_units(Scale(float(means[o]), float(scales[o]))))
        score = r_squared(targets[:, o], answers[:, :, o] @ weights)
        details.append(FitDetails(students=int((weights > 0).sum()), student_r2=score))
    return students, details


def _kind_weights(predicted: np.ndarray, targets: np.ndarray, sparing: bool) -> np.ndarray:
    """Non-negative weights of kinds, for each output.

    Args:
        predicted: (V, outputs, K), of each kind on the validation points.
        targets: (V, outputs), likewise.
        sparing: whether as few kinds are kept as leave little more unexplained than all, on average over the outputs:
            answers of convolutions are much of the time that a train takes, and are for all outputs at once.

    Returns:
        (outputs, K) float64.
    """
    outputs, count = predicted.shape[1:]

    def weighed(kinds: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        weights = np.zeros((outputs, count))
        for o in range(outputs):
            weights[o, kinds] = non_negative_weights(predicted[:, o, kinds], targets[:, o], MIN_WEIGHT)
        missed = np.sum((targets - np.einsum("vok,ok->vo", predicted, weights)) ** 2, axis=0)
        return weights, np.maximum(missed, np.finfo(float).tiny)

    weights, least = weighed(tuple(range(count)))
    for size in range(1, count) if sparing else ():
        sets = [weighed(kinds) for kinds in combinations(range(count), size)]
        losses = [float(np.mean(missed / least)) for _, missed in sets]
        if min(losses) <= 1 + MAX_SPARED:
            return sets[int(np.argmin(losses))][0]
    return weights


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
