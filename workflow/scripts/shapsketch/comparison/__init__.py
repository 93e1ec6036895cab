"""Other methods that explain a model, behind one interface, to set beside the sketch.

A method is a module of this package with one function `explain(task) -> Answer` and the constant `INDEX`, which
interaction index it returns (None: none). Adding one is adding a module and a line to `METHODS` of `settings.methods`,
and to `PAID_ONCE` if it asks the model once for all sequences. Each module imports the library that it wraps only when
it is asked.

All explain the game v_x(S) = E f(x_S, z) with z from the declared background, so that they differ in their errors and
not in what they mean; where a method cannot, its note says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

import numpy as np

from ..explanation.refine import Function, Residual
from ..models import Model
from ..sequences.background import Background
from ..settings.errors import InputError
from ..settings.methods import METHODS
from ..spectrum.spectrum import Spectrum

Interactions = Mapping[tuple[int, ...], float]


class UnsuitedError(InputError):
    """A method cannot explain this model, or not from so few evaluations; the others go on."""


@dataclass(frozen=True)
class Sketched:
    """A sketch that is there already, so that its evaluations need not be paid again.

    Attributes:
        spectrum: of the output in question.
        evaluations: what the sketch has cost.
        residual: what is known of the model minus the spectrum.
        student: the distilled network, where there is one.
    """

    spectrum: Spectrum
    evaluations: int
    residual: Residual
    student: Function | None = None


@dataclass(frozen=True)
class Task:
    """What a method is asked: explain one output of a model at some sequences.

    Attributes:
        model: (N, n) uint8 alphabet codes to (N, outputs); it counts what it is asked.
        background: declares the game v_x(S) = E f(x_S, z).
        output: which of the model's outputs, from 0.
        codes: (N, n) uint8 local codes of the sequences.
        evaluations: per sequence; of a method that pays once, in all.
        order: the highest order of interactions wanted; 1 for Shapley values only.
        seed: of all draws.
        threads: that a method may use.
        sketch: a sketch that is there already.
    """

    model: Model
    background: Background
    output: int
    codes: np.ndarray
    evaluations: int
    order: int = 1
    seed: int = 0
    threads: int = 1
    sketch: Sketched | None = None

    def predict(self, codes: np.ndarray) -> np.ndarray:
        """Return the (Q,) values of the output at (Q, n) local codes."""
        return self.model(self.background.template.to_alphabet(codes))[:, self.output]


@dataclass(frozen=True)
class Answer:
    """What a method returns.

    Attributes:
        values: (N, n) float64 Shapley values, 0 at fixed positions.
        errors: (N, n) float64 standard errors, where the method gives them.
        interactions: for each sequence, values of the module's `INDEX` by 0-based positions, orders 2 and up;
            None where the method has none, or none were wanted.
        fixed: evaluations paid once for all sequences.
        per_sequence: (N,) int64 evaluations paid for each sequence.
        note: what a reader must know, such as a definition of its own.
    """

    values: np.ndarray
    errors: np.ndarray | None
    interactions: Sequence[Interactions] | None
    fixed: int
    per_sequence: np.ndarray
    note: str = ""


def method(name: str) -> ModuleType:
    """Return a method's module.

    Raises:
        InputError: there is no such method.
    """
    if name not in METHODS:
        raise InputError(f"The method {name!r} is not one of {', '.join(METHODS)}.")
    return import_module(f".{name}", __name__)


def explain(name: str, task: Task) -> Answer:
    """Explain a task by a method.

    Raises:
        UnsuitedError: the method cannot explain this model, needs more evaluations, or its library is not installed.
        InputError: there is no such method, or the model fails.
    """
    try:
        return method(name).explain(task)
    except ModuleNotFoundError as error:
        raise UnsuitedError(f"{METHODS[name]} needs the package {error.name}, which is not installed.") from None
