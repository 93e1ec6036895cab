"""A tensor train around one long sequence: does it tell the game better than students and their walks do?

`python -m benchmarks.long_trains`, or `make benchmark-long-trains`; writes tests/benchmarks/results/long_trains.tsv,
the rows of a method as soon as they are known. The network of 500 positions of `long_inputs`, 5,000 evaluations of each
sequence; `--sequences 0 1` chooses, and so does `--ranks 8 24`. A train of *masks* has two matrices for each position,
for a letter that stays and for one that is drawn; one of *letters* has four, and is the game where each is its own or
the mean of all four. Either is fitted *alone*, to the model's values not held out, or *of students*, to their free
answers at masks of uniform size and at tilted ones, and to the model's values beside them, as `recovery.train` does.
Shapley values of trains are exact. How many steps, and with which decay, is what validates best. Beside them stand what
the explainer says (`auto`), what its students say uncorrected, and what they say by a third of the walks, which tells
how much of their error is that of the walks: a train has none.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd

from benchmarks.long_inputs import FOLDER, Case, _explainer, beside_truth, network, truth_of
from benchmarks.result_files import FOLDER as RESULTS
from benchmarks.result_files import merge_results
from shapsketch.masks import score_guesses, student_fit
from shapsketch.masks.explain import MaskExplainer
from shapsketch.masks.game import SequenceGame
from shapsketch.masks.plan import TILT, sized_masks
from shapsketch.masks.student import FOLDS, Students
from shapsketch.masks.student_fit import fit_students
from shapsketch.recovery import train
from shapsketch.spectrum.metrics import r_squared
from shapsketch.spectrum.trains import Train

COLUMNS = (
    "case", "sequence", "method", "rank", "steps", "decay", "budget", "validation_r2", "r2_sized", "signal", "missed",
    "r2_half", "half_signal", "half_missed", "r2_values", "truth_error", "seconds",
)  # fmt: skip
RATE = 2e-3  # of a step; those of shorter sequences step over 500 positions, where all matrices move at once
DECAYS = (0.15, 0.6)
STEPS_ALONE, STEPS_TAUGHT = (300, 1500), (3000,)
FREE_ANSWERS, FREE_SEED, FREE_KEY = 60_000, 71, np.uint64(777)
FEWER_WALKS = 3  # times
WHOLES = 20  # times that the sequence itself is among the values, as for students
Letters = tuple[np.ndarray, np.ndarray]  # (N, 500) codes and their (N,) values


@dataclass(frozen=True)
class Around:
    """A sequence of the case, and what was asked about it.

    Attributes:
        case, number: which.
        explainer: that asked.
    """

    case: Case
    number: int
    explainer: MaskExplainer

    @cached_property
    def text(self) -> str:
        """Its letters."""
        return self.case.texts[self.number]

    @cached_property
    def game(self) -> SequenceGame:
        """Its game."""
        return self.explainer.game("one", self.text)

    @cached_property
    def asked(self) -> tuple[np.ndarray, np.ndarray]:
        """(queries, 1) answers, and the (1,) prediction."""
        return self.explainer.ask(self.case.model, "one", self.text)  # type: ignore[arg-type]

    @cached_property
    def students(self) -> Students:
        """Trained on them; kept for the next run."""
        path = FOLDER / f"students-network-{self.number}-{self.case.budget}.npz"
        if not path.exists():
            answers, prediction = self.asked
            self.explainer.train([self.game], answers[None], prediction[None]).save(path)
        students = Students.load(path)
        assert students is not None
        return students

    @cached_property
    def learned(self) -> np.ndarray:
        """The masks that are fitted and those of the checks, (F,): all that neither score nor choose."""
        checks = self.game.plan.parts["checks"]
        return np.append(self.game.plan.fitted, np.arange(checks.start, checks.stop))

    @cached_property
    def free(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What both students answer, on average: (N, m) masks, (N, n) codes and (N,) values."""
        game, half, m = self.game, FREE_ANSWERS // 2, self.game.plan.players
        sized = sized_masks(FREE_SEED, 0, half, m), sized_masks(FREE_SEED, half, 2 * half, m, TILT)
        codes = game.compose(np.concatenate(sized), FREE_KEY, np.arange(2 * half))
        values = np.mean([self.students.predict(fold, codes)[:, 0] for fold in range(FOLDS)], axis=0)
        return np.concatenate(sized), codes, values

    def row(self, method: str, seconds: float, values: np.ndarray, scores: dict[str, Any], **about: Any) -> dict:
        """A row of the results."""
        parts = {"r2_sized": scores["r2"], "signal": scores["signal"], "missed": scores["missed"]}
        half = {f"half_{part}": scores["half"][part] for part in ("signal", "missed")}
        return {
            "case": "network",
            "sequence": self.number,
            "method": method,
            "rank": 0,
            "budget": self.case.budget,
            **about,
            **parts,
            "r2_half": scores["half"]["r2"],
            **half,
            **beside_truth(truth_of("network", self.number, self.case, self.game), values),
            "seconds": round(seconds, 1),
        }


def as_they_are(around: Around) -> list[dict[str, Any]]:
    """What the explainer says, what its students say uncorrected, and by fewer walks."""
    game, students = around.game, around.students
    answers, prediction = around.asked
    began = time.process_time()
    fit = fit_students(students, game, game.means(answers), 2)[0]
    explained = around.explainer._fit(answers[:, 0], float(prediction[0]), fit)
    told = around.row("auto", time.process_time() - began, explained.values, explained.record)
    scores = score_guesses(game.plan, answers[:, 0], fit.guesses, fit.answers)
    alone = around.row("students", time.process_time() - began, fit.values, scores, validation_r2=fit.validation_r2)
    began, fewer = time.process_time(), student_fit.WALK_SHARE // FEWER_WALKS
    with patch.object(student_fit, "WALK_SHARE", fewer):
        values = fit_students(students, game, game.means(answers), 2)[0].values
    walked = around.row("students, a third of the walks", time.process_time() - began, values, scores)
    return [told, alone, walked]


def samples(around: Around, kind: str, taught: bool) -> Letters:
    """What a train is fitted to."""
    game, rows = around.game, around.learned
    answers, prediction = around.asked
    masks, codes = game.plan.masks[rows], game.queries(rows)
    wholes = np.ones((WHOLES, masks.shape[1]), np.uint8), np.repeat(game.codes[None], WHOLES, 0)
    one = np.concatenate([masks if kind == "masks" else codes, wholes[0] if kind == "masks" else wholes[1]])
    values = np.append(answers[rows, 0], np.repeat(prediction, WHOLES))
    if not taught:
        return one, values
    free_masks, free_codes, free = around.free
    free_one = free_masks if kind == "masks" else free_codes
    return np.concatenate([free_one, *[one] * train.REPEATS]), np.concatenate([free, *[values] * train.REPEATS])


def fitted(seen: Letters, kind: str, rank: int, steps: int, decay: float) -> tuple[Train, float]:
    """Fit a train; return it, of masks or letters, and what is added to it."""
    codes, values = seen
    mean, scale = float(values.mean()), float(values.std())
    letters, targets = (2 if kind == "masks" else 4), ((values - mean) / scale).astype(np.float32)[:, None]
    with patch.object(train, "RATE", RATE):
        parameters = train._descend(codes, targets, letters, rank, steps, decay, FREE_SEED, 1, lambda _: None)
    cores = [core.astype(np.float64).transpose(1, 0, 2) for core in parameters.cores]
    cores[0] = np.einsum("a,amb->mb", parameters.start.astype(np.float64), cores[0])[None]
    cores[-1] = cores[-1] @ parameters.heads[:-1, :1].astype(np.float64)
    nobody = np.array([1.0, 0.0]) if kind == "masks" else np.full(4, 0.25)
    return Train.build(cores, [nobody] * len(cores)).scaled(scale), mean + scale * float(parameters.heads[-1, 0])


def as_game(model: Train, kind: str, game: SequenceGame) -> Train:
    """The train of masks that a train is."""
    if kind == "masks":
        return model
    return model.expand([np.stack([np.full(4, 0.25), np.eye(4)[code]]) for code in game.codes])


def by_train(around: Around, kind: str, taught: bool, rank: int) -> dict[str, Any]:
    """Fit trains of a rank, and score the one that validates best."""
    game, plan = around.game, around.game.plan
    answers = around.asked[0][:, 0]
    seen, best = samples(around, kind, taught), None
    began = time.process_time()
    for steps in STEPS_TAUGHT if taught else STEPS_ALONE:
        for decay in DECAYS[:1] if taught else DECAYS:
            model, constant = fitted(seen, kind, rank, steps, decay)
            masked = as_game(model, kind, game)
            guesses = constant + masked.predict(plan.masks)
            validates = r_squared(answers[plan.validation], guesses[plan.validation])
            if best is None or validates > best[0]:
                best = validates, model, constant, guesses, steps, decay
    assert best is not None
    validates, model, constant, guesses, steps, decay = best
    told = guesses if kind == "masks" else constant + model.predict(game.queries(np.arange(game.size)))
    whole = np.ones((1, plan.players), np.uint8) if kind == "masks" else game.codes[None]
    values = model.shapley_values(whole)[0]
    scores = score_guesses(plan, answers, guesses, told)
    name = f"train of {kind}, {'of students' if taught else 'alone'}"
    about = {"rank": rank, "steps": steps, "decay": decay, "validation_r2": validates}
    return around.row(name, time.process_time() - began, values, scores, **about)


def measure(case: Case, ranks: Sequence[int], kinds: Sequence[str], fits: Sequence[str], told: bool) -> None:
    """Run what is asked for, and keep every row."""
    explainer = _explainer(case, "auto")

    def keep(rows: list[dict[str, Any]]) -> None:
        print(pd.DataFrame(rows).to_string(), flush=True)
        key = ["case", "sequence", "method", "rank"]
        merge_results(RESULTS / "long_trains.tsv", rows, key, COLUMNS, "make benchmark-long-trains")

    for number in case.texts:
        around = Around(case, number, explainer)
        if told:
            keep(as_they_are(around))
        for fit in fits:
            for kind in kinds:
                for rank in ranks:
                    keep([by_train(around, kind, fit == "taught", rank)])


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sequences", type=int, nargs="*", default=[0, 1])
    parser.add_argument("--ranks", type=int, nargs="*", default=[8])
    parser.add_argument("--kinds", nargs="*", default=["masks", "letters"], choices=["masks", "letters"])
    parser.add_argument("--fits", nargs="*", default=["alone", "taught"], choices=["alone", "taught"])
    parser.add_argument("--no-auto", action="store_true", help="leave out what the explainer and its students say")
    chosen = parser.parse_args()
    measure(network().some(chosen.sequences, None), chosen.ranks, chosen.kinds, chosen.fits, not chosen.no_auto)


if __name__ == "__main__":
    main()
