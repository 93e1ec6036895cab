"""Masked explanations as tables: what the workflow writes for each sequence."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from ..explanation.folds import spread_table
from ..models import Model
from ..sequences.alphabet import Alphabet
from ..sequences.background import Background
from ..sequences.draws import Draws, configured_draws
from ..sequences.reader import configured_background
from ..sequences.template import Template
from ..settings.backgrounds import draws_whole_sequences
from ..settings.errors import InputError
from ..settings.records import MasksConfig
from ..spectrum.interaction_tables import Listing
from ..spectrum.tables import errors_schema, values_schema
from . import MaskFit, fit_values
from .fits import GameFit
from .game import Players, SequenceGame, is_fixed
from .letters import MIN_STUDENT_R2, by_letter, student_letters, within_players
from .plan import Estimator, MaskPlan, make_mask_plan
from .settings import MaskSettings
from .student import FOLDS, MIN_POSITIONS, Students, train_students
from .student_fit import fit_students
from .tables import interactions_table, score_table
from .warnings import MIN_TRUSTED_R2, WARNINGS

WHOLES = 20  # times that a sequence itself is among the answers that students learn
GAP_Z = 2.58  # standard errors that a gap may have: one of a hundred is larger by chance
ROUNDING_SHARE = 1e-6  # of the largest value of the model, which single precision costs


@dataclass(frozen=True)
class MaskExplainer:
    """Explains sequences one by one, all with the same masks.

    Attributes:
        outputs: of the model.
        background: of absent letters.
        settings: how to mask.
        listing: which interactions are listed.
        batch_size: sequences per call of the model.
        letters: whether students say what letters contribute within players, and what others would.
        folds: whose mean the model is; 0 where it is one network.
    """

    outputs: Sequence[str]
    background: Background | Draws
    settings: MaskSettings
    listing: Listing
    batch_size: int = 1024
    letters: bool = False
    folds: int = 0

    @classmethod
    def from_config(
        cls,
        model: Mapping[str, Any],
        masks: MasksConfig,
        background_file: str | None,
        tell: Callable[[str], object],
        listing: Listing | None = None,
        letters: bool = False,
    ) -> "MaskExplainer":
        """Read a model's config and `explain.masks`.

        Args:
            model: of the config: `alphabet`, `template`, `background`, `outputs`, and of `sketch` seed and batch size;
                `folds`, how many it has, where it has some.
            masks: `explain.masks`.
            background_file: the sequences that the background counts or draws, where it does.
            tell: what is told of them.
            listing: which interactions are listed.
            letters: whether students are asked about letters.
        """
        template = Template(Alphabet.from_config(model["alphabet"]), model["template"])
        whole = draws_whole_sequences(model["background"])
        configured = configured_draws if whole else configured_background
        background = configured(template, model["background"], background_file, tell)
        settings = MaskSettings.from_config(masks, model["sketch"]["seed"])
        batch_size = model["sketch"]["batch_size"]
        return cls(
            model["outputs"], background, settings, listing or Listing(), batch_size, letters, model.get("folds", 0)
        )

    @cached_property
    def players(self) -> Players:
        """Which positions are masked together."""
        return Players.build(self.background.template, self.settings.segments, self.settings.window)

    @cached_property
    def plan(self) -> MaskPlan:
        """The masks of every sequence."""
        settings = self.settings
        return make_mask_plan(
            self.players.count,
            settings.budget,
            seed=settings.seed,
            draws=settings.draws,
            noisy=not is_fixed(self.background, self.players),
            estimator=settings.estimator,
            batch_size=self.batch_size,
            drawn=True,
            taught=self._can_teach,
        )

    def game(self, name: str, sequence: str) -> SequenceGame:
        """Return the game of a sequence.

        Raises:
            InputError: a letter is ambiguous.
        """
        template = self.background.template
        local = template.to_local(template.alphabet.encode([sequence]))
        unknown = np.flatnonzero(local[0] >= template.sizes)
        if len(unknown):
            raise InputError(
                f"The sequence {name!r} has {sequence[unknown[0]]!r} at position {unknown[0] + 1}; explain.mode masks "
                "needs plain letters: set sequences.NAME.ambiguous to error or drop."
            )
        background = self.background
        if not isinstance(background, Background):
            background = background.around(name, local[0])
        return SequenceGame(background, self.players, self.plan, local[0])

    def ask(self, model: Model, name: str, sequence: str) -> tuple[np.ndarray, np.ndarray]:
        """Ask the model about one sequence.

        Returns:
            (queries, columns) float64 answers, and the (columns,) predictions of the sequence.

        Raises:
            InputError: a letter is ambiguous.
        """

        def predict(codes: np.ndarray) -> np.ndarray:
            if not self.folds:
                return model(codes)
            each = model.by_fold(codes)
            return np.concatenate([each.mean(0), *each], 1)

        answers = self.game(name, sequence).ask(predict, model.batch_size)
        return answers, predict(self.background.template.alphabet.encode([sequence]))[0]

    @property
    def columns(self) -> int:
        """How many numbers each answer has: one of each output, and after these one of each fold and its outputs."""
        return len(self.outputs) * (1 + self.folds)

    @property
    def needs_students(self) -> bool:
        """Whether students are trained: not where every mask is asked, or another estimator is wanted."""
        return self._can_teach and not self.plan.exhaustive and not self.plan.every

    @property
    def _can_teach(self) -> bool:
        """Whether students are wanted, and sequences are long enough for them."""
        return self.settings.estimator in ("auto", "student") and self.background.template.n >= MIN_POSITIONS

    def train(self, games: Sequence[SequenceGame], answers: np.ndarray, predictions: np.ndarray) -> Students:
        """Train students on all that was asked about (S,) sequences.

        Args:
            games: of the sequences.
            answers: (S, queries, columns).
            predictions: (S, columns).
        """
        plan, draws, count = self.plan, self.plan.draws, games[0].size + 1  # the last is the sequence itself
        units, unit_size = plan.units
        checks = plan.parts["checks"].start + np.arange(units * unit_size).reshape(units, unit_size)
        values = np.concatenate([answers, predictions[:, None]], 1).reshape(len(games) * count, -1)
        parts = []
        for fold in range(FOLDS):
            others = checks[np.arange(units) % FOLDS != fold].ravel()
            masks = np.append(plan.fitted, others)
            queries = np.append((masks[:, None] * draws + np.arange(draws)).ravel(), np.repeat(count - 1, WHOLES))
            rows = (np.arange(len(games))[:, None] * count + queries).ravel()
            parts += [rows, values[rows]]

        def letters(rows: np.ndarray) -> np.ndarray:
            sequence, query = np.divmod(rows, count)
            codes = np.array([games[k].codes for k in sequence.tolist()])
            asked = query < count - 1
            for k in np.unique(sequence[asked]).tolist():
                chosen = asked & (sequence == k)
                codes[chosen] = games[k].queries(query[chosen])
            return codes

        return train_students(self.background.template, letters, parts, self.settings.seed)

    def __call__(self, model: Model, name: str, sequence: str) -> list[dict[str, pa.Table]]:
        """Ask about one sequence, train students on its answers alone where they are of use, and explain it."""
        answers, prediction = self.ask(model, name, sequence)
        students = None
        if self.needs_students:
            students = self.train([self.game(name, sequence)], answers[None], prediction[None])
        return self.explain(name, sequence, answers, prediction, students)

    def explain(
        self, name: str, sequence: str, answers: np.ndarray, prediction: np.ndarray, students: Students | None = None
    ) -> list[dict[str, Any]]:
        """Explain one sequence from what was answered about it.

        Args:
            name: its id.
            sequence: its letters.
            answers, prediction: (queries, columns) and (columns,), of `ask`.
            students: where some were trained.

        Returns:
            For each output of the model `values` (`values_schema`), `letters` (the same, but what letters contribute
            within players in place of equal shares), `errors` (`errors_schema`), `interactions`
            (`MASK_INTERACTION_SCHEMA`) and `scores` (`SCORE_SCHEMA`); `hypothetical`, (q, n) float32 contributions
            of every letter of the alphabet, or None where no student can be asked; `fit`, the name of the estimator and
            the parities; and of a model with folds `folds` (`folds_schema`).
        """
        game, settings, tables = self.game(name, sequence), self.settings, []
        values = game.means(answers)
        stretches = None if isinstance(game.background, Background) else game.background.size
        guesses = fit_students(students, game, values, settings.max_order) if students else [None] * self.columns
        trusted = [
            guess is not None and guess.validation_r2 >= MIN_STUDENT_R2 for guess in guesses[: len(self.outputs)]
        ]
        slopes = (
            student_letters(students, game, len(self.outputs)) if students and self.letters and any(trusted) else None
        )
        for k, output in enumerate(self.outputs):
            whole = float(prediction[k])
            fit = self._fit(values[:, k], whole, guesses[k])
            others = slice(len(self.outputs) + k, None, len(self.outputs))  # the same output of each fold
            seen = min(whole, values[:, k].min()), max(whole, values[:, k].max())
            spread = self.players.spread(fit.values)
            moved = None
            if slopes is not None and trusted[k]:
                moved = within_players(slopes[k], self.players, game.codes, fit.values)
            letter_changes = spread if moved is None else moved[np.arange(len(spread)), game.codes]
            deviation = float(np.std(prediction[others], ddof=1)) if self.folds else None
            row = self._values(name, output, fit, whole, seen, spread, deviation)
            tables.append(
                {
                    "values": row,
                    "letters": self._values(name, output, fit, whole, seen, letter_changes, deviation),
                    "hypothetical": None if moved is None else by_letter(game.background.template, moved),
                    "errors": self._errors(name, output, fit),
                    "interactions": interactions_table(name, output, fit, self.players, self.listing, sequence),
                    "fit": (fit.record["estimator"], replace(fit.parities)),  # without what follows from them
                    "scores": score_table(name, output, fit, self.plan.evaluations, seen, stretches),
                }
            )
            if self.folds:
                by_fold = self._fold_values(values[:, others], prediction[others], guesses[others], fit)
                uncertain = self.players.spread(fit.errors)[None]
                tables[-1]["folds"] = spread_table(output, [name], by_fold[:, None], row, uncertain)
        return tables

    def _fit(
        self, values: np.ndarray, whole: float, guess: GameFit | None, estimator: Estimator | None = None
    ) -> MaskFit:
        """Fit the (masks,) values of one game, by an estimator of its own or as the settings say."""
        wanted, order = estimator or self.settings.estimator, self.settings.max_order
        return fit_values(self.plan, values, whole, estimator=wanted, max_order=order, student=guess)

    def _fold_values(
        self, values: np.ndarray, whole: np.ndarray, guesses: Sequence[GameFit | None], fit: MaskFit
    ) -> np.ndarray:
        """The (folds, n) values of each fold, of its (masks, folds) values; by a student where their mean's are.

        All were asked the same, so that they differ by what they are, and little by what was drawn: what they err alike
        is told by the standard errors of their mean's values.
        """
        taught = fit.record["estimator"] == "student"
        fits = [
            self._fit(values[:, f], float(whole[f]), guesses[f] if taught else None, "student" if taught else None)
            for f in range(self.folds)
        ]
        return np.array([self.players.spread(one.values) for one in fits])

    def _values(
        self,
        name: str,
        output: str,
        fit: MaskFit,
        prediction: float,
        seen: tuple[float, float],
        contributions: np.ndarray,
        deviation: float | None,
    ) -> pa.Table:
        spread = contributions.astype(np.float32)
        columns = {
            "sequence_id": [name],
            "output": [output],
            "prediction": [prediction],
            **({} if deviation is None else {"prediction_sd": [deviation]}),
            "reconstruction": [fit.reconstruction],
            "gap": [prediction - fit.reconstruction],
            "base_value": [fit.base],
            "warning": [",".join(warnings_of(fit, prediction, seen))],
        }
        columns |= {f"pos_{i + 1}": spread[i : i + 1] for i in range(len(spread))}
        return pa.table(columns, schema=values_schema(len(spread), folds=deviation is not None))

    def _errors(self, name: str, output: str, fit: MaskFit) -> pa.Table:
        spread = self.players.spread(fit.errors).astype(np.float32)
        columns = {
            "sequence_id": [name],
            "output": [output],
            "evaluations": [self.plan.evaluations],
            "correction": [fit.record["correction"]],
        }
        columns |= {f"pos_{i + 1}": spread[i : i + 1] for i in range(len(spread))}
        return pa.table(columns, schema=errors_schema(len(spread)))


def warnings_of(fit: MaskFit, prediction: float, seen: tuple[float, float]) -> list[str]:
    """Return the reasons to distrust an explanation, of `WARNINGS`.

    Args:
        fit: the explanation.
        prediction: of the whole sequence.
        seen: the least and the largest value of the model.
    """
    low, high = fit.record["r2_interval"]
    rounding = ROUNDING_SHARE * max(map(abs, seen))
    reached = prediction - fit.gap  # before base and values were made to add up
    reasons = {
        "nothing": len(fit.parities.supports) <= 1,
        "r2": high < MIN_TRUSTED_R2 or not fit.record["r2"] > 0,
        "unsure": low < MIN_TRUSTED_R2 <= high,
        "gap": abs(fit.gap) > GAP_Z * fit.gap_error + rounding,
        "range": not seen[0] - rounding <= reached <= seen[1] + rounding,
    }
    return [name for name in WARNINGS if reasons[name]]
