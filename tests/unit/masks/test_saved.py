"""The fits of a run are read back as they were, and their scores are the same again from files alone."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import shapsketch
from shapsketch.masks.explain import MaskExplainer
from shapsketch.masks.files import save_answers
from shapsketch.masks.saved import load_fits, save_fits
from shapsketch.masks.student import save_no_students
from shapsketch.settings.errors import InputError

MODEL = {
    "alphabet": "DNA",
    "template": "N" * 40,
    "background": "uniform",
    "outputs": ["g", "t"],
    "sketch": {"seed": 3, "batch_size": 256},
}


class Products:
    """G's of both halves times each other; and T's."""

    batch_size = 256

    def __call__(self, codes):
        return np.column_stack([(codes[:, :20] == 2).sum(1) * (codes[:, 20:] == 2).sum(1), (codes == 3).sum(1)]) / 10.0


def run(folder, estimator, budget):
    """Explain two sequences in two shards, and write what the workflow writes; return the tables of scores."""
    masks = {"players": {"segments": 4}, "budget": budget, "estimator": estimator, "max_order": 3, "draws": 1}
    explainer = MaskExplainer.from_config(MODEL, masks, None, str)
    sequences = ["".join(np.random.default_rng(k).choice(list("ACGT"), 40)) for k in range(2)]
    (folder / "masks").mkdir()
    pq.write_table(pa.table({"sequence_id": ["a", "b"], "sequence": sequences}), folder / "sequences.parquet")
    asked = [explainer.ask(Products(), "x", sequence) for sequence in sequences]
    students = None
    if explainer.needs_students:
        games = [explainer.game("x", sequence) for sequence in sequences]
        students = explainer.train(games, *(np.array(part) for part in zip(*asked, strict=True)))
        students.save(folder / "masks" / "students.npz")
    else:
        save_no_students(folder / "masks" / "students.npz")
    scores = []
    for shard, (name, sequence) in enumerate(zip("ab", sequences, strict=True), 1):
        tables = explainer.explain(name, sequence, *asked[shard - 1], students)
        stem = folder / "masks" / f"{shard}-of-2"
        save_answers(f"{stem}.answers.npz", asked[shard - 1 : shard], explainer.plan, {}, 2)
        save_fits(f"{stem}.fits.npz", [[table["fit"] for table in tables]], {"model": MODEL, "masks": masks})
        scores += [table["scores"].to_pylist()[0] for table in tables]
    return scores


@pytest.mark.parametrize(("estimator", "budget"), [("regression", 400), ("student", 300), ("exact", 2700)])
def test_scores_are_the_same_again(tmp_path, estimator, budget):
    wanted = run(tmp_path, estimator, budget)
    again = shapsketch.masked_scores(tmp_path)
    assert again["sequence_id"].tolist() == ["a", "a", "b", "b"]
    for column in ("sequence_id", "output", "estimator", "r2", "half_r2"):
        np.testing.assert_array_equal(again[column], [row[column] for row in wanted])
    assert estimator in set(again["estimator"])
    saved = load_fits(tmp_path / "masks" / "2-of-2.fits.npz")
    assert saved.parities[0][1].players == 10
    masks = {**saved.about["masks"], "budget": budget + 100}
    save_fits(tmp_path / "masks" / "1-of-2.fits.npz", [], {**saved.about, "masks": masks})
    with pytest.raises(InputError, match="answers are of other masks"):
        shapsketch.masked_scores(tmp_path)


def test_what_is_no_fit_is_refused(tmp_path):
    with pytest.raises(InputError, match="has no fits"):
        shapsketch.masked_scores(tmp_path)
    save_no_students(tmp_path / "other.npz")
    with pytest.raises(InputError, match="is not a file of fits"):
        load_fits(tmp_path / "other.npz")
