"""Students of all answers of a run: the same again, corrected by what they have not seen.

Covers also: student_fit.
"""

import numpy as np
import pytest
from mask_cases import LONG, by_segment

from shapsketch.masks import fit_values, student_fit
from shapsketch.masks.explain import MaskExplainer, MaskSettings
from shapsketch.masks.student import Students, save_no_students
from shapsketch.masks.student_fit import fit_students, focus
from shapsketch.sequences.background import Background
from shapsketch.settings.errors import InputError
from shapsketch.spectrum.interaction_tables import Listing


class Pairs:
    """Products of letters far apart: what is absent is most of the noise of masks, and letters tell it."""

    batch_size, outputs, evaluations = 1024, ("y",), 0

    def __call__(self, codes):
        self.evaluations += len(codes)
        present = codes == np.arange(60) % 4
        return (present[:, :20].sum(1) * present[:, 40:].sum(1) / 10.0)[:, None]


@pytest.fixture(scope="module")
def taught():
    """Two sequences, asked, and the students of both."""
    settings = MaskSettings(segments=3, budget=500, seed=4, estimator="student")
    explainer = MaskExplainer(["y"], Background.uniform(LONG), settings, Listing(["SV", "FSII"]))
    sequences = ["".join("ACGT"[c] for c in np.random.default_rng(seed).integers(0, 4, 60)) for seed in (0, 1)]
    asked = [explainer.ask(Pairs(), "one", sequence) for sequence in sequences]
    games = [explainer.game("one", sequence) for sequence in sequences]
    answers, predictions = (np.array(part) for part in zip(*asked, strict=True))
    return explainer, sequences, games, answers, predictions, explainer.train(games, answers, predictions)


def test_students_are_the_same_again_and_from_their_file(taught, tmp_path):
    explainer, _, games, answers, predictions, students = taught
    codes = games[0].queries(np.arange(50))
    students.save(tmp_path / "students.npz")
    for other in (Students.load(tmp_path / "students.npz"), explainer.train(games, answers, predictions)):
        assert np.array_equal(other.predict(1, codes), students.predict(1, codes))
    save_no_students(tmp_path / "none.npz")
    assert Students.load(tmp_path / "none.npz") is None
    (tmp_path / "damaged.npz").write_bytes(b"no")
    np.savez(tmp_path / "old.npz", version=1)
    for name, sentence in (("damaged", "damaged.npz"), ("old", "old.npz is not a file of students .* of version 2")):
        with pytest.raises(InputError, match=sentence):
            Students.load(tmp_path / f"{name}.npz")


def test_no_student_has_seen_the_units_that_it_is_corrected_by(taught):
    """Answers of the units of a fold change nothing about its student, and everything else does."""
    explainer, _, games, answers, predictions, students = taught
    start, (units, size) = explainer.plan.parts["checks"].start, explainer.plan.units
    changed = answers.copy()
    checks = np.arange(units * size).reshape(units, size)
    changed[:, start + checks[::2].ravel()] += np.random.default_rng(0).normal(size=(2, checks[::2].size, 1))
    again, codes = explainer.train(games, changed, predictions), games[0].queries(np.arange(20))
    scaled = [(s.predict(0, codes) - s.means) / s.scales for s in (students, again)]
    assert np.corrcoef(scaled[0][:, 0], scaled[1][:, 0])[0, 1] > 0.99
    assert not np.array_equal(students.predict(1, codes), again.predict(1, codes))


def test_values_of_students_hold_the_truth(taught):
    explainer, sequences, games, answers, predictions, students = taught
    held = []
    for sequence, game, answer, prediction in zip(sequences, games, answers, predictions, strict=True):
        (tables,) = explainer.explain("one", sequence, answer, prediction, students)
        tables = {name: table.to_pandas() for name, table in tables.items() if name not in ("hypothetical", "fit")}
        assert tables["scores"]["estimator"][0] == "student"
        ends = (game.codes == np.arange(60) % 4) - 0.25
        first, last = ends[:20], ends[40:]
        truth = np.zeros(60)
        truth[:20] = first * (5 + last.sum() / 2) / 10
        truth[40:] = last * (5 + first.sum() / 2) / 10
        values, errors = by_segment(tables["values"], 3), by_segment(tables["errors"], 3)
        held.append(np.abs(values - truth.reshape(20, 3).sum(1)) <= 1.96 * errors + 1e-6)
        assert values.sum() + tables["values"]["base_value"][0] == pytest.approx(prediction[0], abs=1e-4)
    assert np.mean(held) > 0.85


@pytest.mark.parametrize("letters", [3000, 120_000])
def test_the_base_of_students_and_its_error_hold_however_few_walks_there_are(taught, monkeypatch, letters):
    """Of thousands of letters, walks are a handful; a base that was their mean would be told far too well."""
    explainer, _, games, answers, _, students = taught
    drawn = np.random.default_rng(9).integers(0, 4, (40_000, 60)).astype(np.uint8)
    truth = np.mean([students.predict(fold, drawn[fold::2]).mean() for fold in range(2)])
    monkeypatch.setattr(student_fit, "MAX_WALK_LETTERS", letters)
    monkeypatch.setattr(student_fit, "INTERACTION_MASKS", 200)
    told, gaps = [], []
    for seed in range(8):
        game = explainer.game("x", "".join("ACGT"[c] for c in np.random.default_rng(seed).integers(0, 4, 60)))
        (fit,) = fit_students(students, game, answers[0], 5)
        told.append((fit.base - truth) / fit.base_error)
        whole = np.mean([students.predict(fold, game.codes[None])[0, 0] for fold in range(2)])
        gaps.append((whole - fit.base - fit.values.sum()) / fit.gap_error)
    assert np.abs(told).max() < 3.5 and np.abs(gaps).max() < 3.5
    assert 0.4 < np.sqrt(np.mean(np.square(told))) < 1.8
    assert 0.4 < np.sqrt(np.mean(np.square(gaps))) < 1.8
    fit = fit_students(students, games[0], answers[0], 5)[0]
    explained = fit_values(explainer.plan, answers[0][:, 0], 1.0, estimator="student", student=fit)
    assert explained.base_error > fit.base_error > 0
    assert explained.gap_error > fit.gap_error > 0


def test_more_walks_stop_where_steps_vary():
    """Few players that act are chosen; where all act alike all are; and no more is asked than is left."""
    variances = np.where(np.isin(np.arange(200), [3, 50, 120]), 1.0, 1e-6)[:, None]
    players, walks = focus(variances, 5, 4000)
    assert players.tolist() == [3, 50, 120]
    assert walks == 4000 // 2 // 6
    everybody, walks = focus(np.ones((200, 1)), 5, 4000)
    assert len(everybody) == 200
    assert walks == 4000 // 2 // 200
    assert focus(variances, 5, 3)[1] == 0
    assert focus(variances, 5, -14_000)[1] == 0  # thousands of players from few evaluations
