"""How long students and a train will take, counted before they begin: the cap on their time.

A clock would make results depend on the machine and on what else it does. So time is counted, from the sizes of the
work and fixed rates of one core; whoever has slower cores waits longer, and gets the same bytes.
"""

from collections.abc import Sequence
from math import comb
from typing import NamedTuple

from .networks import BATCH, Architecture, epochs_of
from .projection import MAX_KEPT, MAX_SCREENED
from .screening import SCREENING_POINTS

NETWORK_RATE = 8e10  # floating-point operations a second of a network, on one core that has AVX-512
TRAIN_RATE = 5e10  # the same of `train_steps`
PROJECTION_RATE = 1.5e9  # supports times points a second, of one pass of a projection
PROJECTION_PASSES = 4  # over what is kept: two sweeps, each of which estimates and subtracts
STEP_SECONDS = 1e-3  # of each step of training a network, whatever its size
CORES = 2  # that the minutes of the config are meant for


class Shape(NamedTuple):
    """What the work depends on.

    Attributes:
        samples: to fit.
        positions, features: that networks see: free positions, and numbers for each letter.
        outputs: that are fitted together.
    """

    samples: int
    positions: int
    features: int
    outputs: int


def student_seconds(shape: Shape, architectures: Sequence[Architecture]) -> float:
    """Return the seconds of one core that training takes: three times the products of a forward pass, each twice."""
    return sum(
        epochs_of(architecture, shape.samples)
        * shape.samples
        * (6 * _products(shape, architecture) / NETWORK_RATE + STEP_SECONDS / min(BATCH, shape.samples))
        for architecture in architectures
    )


def answer_seconds(shape: Shape, architectures: Sequence[Architecture], answers: int) -> float:
    """Return the seconds of one core that free answers take."""
    return 2 * answers * sum(_products(shape, architecture) for architecture in architectures) / NETWORK_RATE


def train_seconds(shape: Shape, rank: int, steps: int, batch: int) -> float:
    """Return the seconds of one core that fitting a train takes."""
    return 6 * steps * batch * (shape.positions * rank**2 + rank * shape.outputs) / TRAIN_RATE


def projection_seconds(positions: int, points: int, max_order: int) -> float:
    """Return the seconds of one core that a projection takes at most, given its points; see `project`."""
    work = 0
    for order in range(1, min(max_order, positions) + 1):
        supports = comb(positions, order)
        if order in MAX_KEPT:
            work += min(supports, MAX_SCREENED[order]) * min(points, SCREENING_POINTS)
        work += PROJECTION_PASSES * min(supports, MAX_KEPT.get(order, supports)) * points
    return work / PROJECTION_RATE


def affordable(minutes: float | None, seconds: float) -> float:
    """Return the part of some work that minutes of two cores allow, at most 1.

    Args:
        minutes: None for any number.
        seconds: of one core.
    """
    return 1.0 if minutes is None else min(1.0, 60 * minutes * CORES / seconds)


def _products(shape: Shape, architecture: Architecture) -> int:
    """Multiplications of a network for one sequence."""
    width, total = shape.features, 0
    for channels, size in zip(architecture.channels, architecture.widths, strict=True):
        total += shape.positions * width * channels * size
        width = channels
    width *= shape.positions // 2 if architecture.pooled else shape.positions
    for hidden in architecture.dense:
        total += width * hidden
        width = hidden
    return total + shape.outputs * (width + shape.positions * shape.features)
