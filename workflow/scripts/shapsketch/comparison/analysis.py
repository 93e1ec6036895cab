"""The comparison of methods on one analysis of the workflow, from its files."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..explanation.refine import Residual
from ..fidelity.records import OutputRecord
from ..models import Model
from ..settings.errors import InputError
from ..settings.records import CompareConfig
from ..spectrum.spectrum import Spectrum
from . import Sketched, Task
from .table import Comparison
from .truth import Tell, Truth, enumerated_truth, exact_truth, simulated_truth

if TYPE_CHECKING:
    from ..recovery.student import Student

PAIR_ERROR_RATIO = 5.0  # how many times less sure pairs may be than values


def choose_sequences(spectrum: Spectrum, sequences: Sequence[str], count: int) -> np.ndarray:
    """Return the (S, n) local codes of at most `count` different sequences at equal steps, none of them ambiguous.

    Raises:
        InputError: there is none.
    """
    template = spectrum.template
    codes = template.to_local(template.alphabet.encode(list(sequences)).reshape(-1, template.n))
    plain = np.unique(codes[(codes < template.sizes).all(1)], axis=0, return_index=True)[1]
    codes = codes[(codes < template.sizes).all(1)][np.sort(plain)]
    if not len(codes):
        raise InputError("No sequence without ambiguous letters is there to compare methods on.")
    return codes[np.linspace(0, len(codes) - 1, min(count, len(codes))).astype(int)]


def prepare(
    model: Model,
    spectra: Mapping[str, Spectrum],
    students: "Mapping[str, Student]",
    scores: Mapping[str, OutputRecord],
    sequences: Sequence[str],
    settings: CompareConfig,
    *,
    budget: int,
    exact: bool,
    seed: int,
    threads: int,
    tell: Tell = lambda level, pairs, left: None,
) -> Comparison:
    """Choose sequences, find the truth about them, and say what is to be run.

    Args:
        model: the model.
        spectra, students: by output.
        scores: `spectrum/faithfulness.json`.
        sequences: all of the set.
        settings: `compare` of the config.
        budget: evaluations of methods that pay once, where the sketch has paid nothing.
        exact: whether the spectra are the model itself (trees).
        seed: of all draws.
        threads: that methods may use.
        tell: hears how far the simulation of the truth is; see `simulated_truth`.
    """
    first = next(iter(spectra.values()))
    codes = choose_sequences(first, sequences, settings["sequences"])
    tasks = []
    for k, (output, spectrum) in enumerate(spectra.items()):
        score = scores[output]
        student = students[output].predict if output in students else None
        sketched = Sketched(spectrum, score["evaluations"], Residual.from_score(score), student)
        paid = score["evaluations"] or budget
        tasks.append(Task(model, first.background, k, codes, paid, 2, seed, threads, sketched))
    truth = _truth(tasks, list(spectra.values()), settings, exact, tell)
    return Comparison(
        tasks, truth, settings["methods"], settings["evaluations"], len(sequences), settings["curve_draws"]
    )


def _truth(tasks: list[Task], spectra: list[Spectrum], settings: CompareConfig, exact: bool, tell: Tell) -> Truth:
    first = tasks[0]
    if exact:
        return exact_truth(spectra, first.codes)
    if enumerated := enumerated_truth(tasks):
        return enumerated

    def ask(codes: np.ndarray) -> np.ndarray:
        return first.model(first.background.template.to_alphabet(codes))

    return simulated_truth(
        spectra,
        [ask],
        first.codes,
        error=settings["truth_error"],
        pair_error=PAIR_ERROR_RATIO * settings["truth_error"],
        seed=first.seed,
        most=settings["truth_evaluations"],
        tell=tell,
    )
