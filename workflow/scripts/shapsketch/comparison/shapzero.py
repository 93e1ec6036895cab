"""shapzero 0.0.4, the published SHAP zero (Tsui et al. 2024): its own sparse transform, its own Shapley values.

It takes a uniform background and equally many letters at each free position. It asks for more than its budget: 10
probes and 10,000 points to tune by; the answer counts all. It draws from the global random states, prints, and
leaves files, which are caught here.
"""

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

from ..recovery.coefficients import terms_from_coefficients
from ..sequences.template import Template
from ..settings.errors import InputError
from ..spectrum.spectrum import Spectrum
from ..spectrum.terms import Terms
from . import Answer, Task, UnsuitedError
from .game import global_seed
from .shapsketch import answer as read_off

INDEX = "SII"


def explain(task: Task) -> Answer:
    """Explain by shapzero; see `Task`.

    Raises:
        UnsuitedError: the background or the letters are not as it needs them, or it fails.
    """
    spectrum, values, asked = sketch(task)
    plain = read_off(task, spectrum, asked)
    note = f"{len(spectrum.terms)} supports; it asks for more than its budget of {task.evaluations}"
    return Answer(values, None, plain.interactions, asked, plain.per_sequence, note)


def sketch(task: Task) -> tuple[Spectrum, np.ndarray, int]:
    """Return shapzero's function as a spectrum, its own (N, n) Shapley values, and how many evaluations it asked for.

    Raises:
        UnsuitedError: the background or the letters are not as it needs them, or it fails.
    """
    template = task.background.template
    if template.radix is None or not task.background.is_uniform:
        raise UnsuitedError(
            "SHAP zero needs a uniform background and equally many letters at each free position of the template."
        )
    asked = 0

    def function(codes: np.ndarray) -> np.ndarray:
        nonlocal asked
        asked += len(codes)
        whole = np.zeros((len(codes), template.n), np.uint8)
        whole[:, template.free] = codes
        return task.predict(whole)

    with _silence(), tempfile.TemporaryDirectory() as folder, global_seed(task.seed % 2**32):
        try:
            transform, mean = _transform(function, template, task.evaluations, Path(folder))
            values = _shapley_values(transform, template, task.codes)
        except (ValueError, IndexError, KeyError, ZeroDivisionError, FloatingPointError, TypeError) as error:
            if isinstance(error, InputError):  # the model's own
                raise
            reason = " ".join(str(error).split()) or type(error).__name__
            raise UnsuitedError(f"shapzero failed with {task.evaluations} evaluations: {reason}.") from error
    frequencies = np.array(list(transform), np.int64).reshape(-1, len(template.free))
    intercept, terms = found_terms(template, frequencies, np.array(list(transform.values()), np.complex128), mean)
    return Spectrum(task.background, task.model.outputs[task.output], intercept, terms), values, asked


@contextmanager
def _silence() -> Iterator[None]:
    with (
        open(os.devnull, "w") as nowhere,
        redirect_stdout(nowhere),
        redirect_stderr(nowhere),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield


def _transform(
    function: Any, template: Template, budget: int, folder: Path
) -> tuple[dict[tuple[int, ...], complex], float]:
    import shapzero

    explainer = shapzero.init(q=template.radix, n=len(template.free), model=function, exp_dir=str(folder / "shapzero"))
    coefficients = explainer.compute_fourier_transform(budget=budget, verbose=False)
    mean = np.load(folder / "shapzero/train/samples/train_mean.npy", allow_pickle=False)
    return coefficients, float(np.real(mean))


def _shapley_values(transform: dict[tuple[int, ...], complex], template: Template, codes: np.ndarray) -> np.ndarray:
    from shapzero.shap.shap_explainer import shap_explainer

    explainer = shap_explainer(transform, q=template.radix, n=len(template.free))
    values = np.zeros(codes.shape)
    for row, x in zip(values, codes[:, template.free].astype(int), strict=True):
        shapley_values = explainer.explain(x, "shap_value")
        row[template.free] = [float(shapley_values.get((i,), 0.0)) for i in range(len(template.free))]
    return values


def found_terms(template: Template, frequencies: np.ndarray, values: np.ndarray, mean: float) -> tuple[float, Terms]:
    """Turn shapzero's coefficients and the mean that it took off into an intercept and terms.

    The real part of its function is taken, which is what it scores itself: the average of F[k] and conj F[-k].

    Args:
        template: whose free positions share a number of letters.
        frequencies: (C, free) integers.
        values: (C,) complex128.
        mean: of the model, in its units.
    """
    assert template.radix is not None
    both = np.concatenate([frequencies, -frequencies % template.radix])
    unique, owner = np.unique(both, axis=0, return_inverse=True)
    halves = np.zeros(len(unique), np.complex128)
    np.add.at(halves, owner.ravel(), np.concatenate([values, values.conj()]) / 2)
    constant = ~unique.any(1)
    terms = terms_from_coefficients(template, unique[~constant], halves[~constant])
    return mean + float(halves[constant].real.sum()), terms
