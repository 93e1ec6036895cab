"""Single changes: look-ups beside a loop, percentiles, the spread over folds."""

import numpy as np
import pytest
from scipy.stats import percentileofscore

from analysis import spectra
from shapsketch.models import Model
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.genome import GivenSequences
from shapsketch.sequences.template import Template
from shapsketch.variants.effects import EffectAsker
from shapsketch.variants.mutations import (
    Null,
    all_deltas,
    changed,
    check_with_model,
    mutation_table,
    percentiles,
    random_changes,
    single_changes,
    strongest,
)
from shapsketch.variants.reading import Placing, _table
from shapsketch.variants.variant import Change, Variant
from variant_cases import random_letters

N = 9
SPECTRA = spectra(N, pattern="NNRNNNNNG")
TEMPLATE = SPECTRA[0].template
CONTIG = "".join(a for _ in range(30) for a in ["ACAGTCAGG"])


def fitting(count, seed=0):
    rng = np.random.default_rng(seed)
    return TEMPLATE.to_alphabet(rng.integers(0, TEMPLATE.sizes, (count, N)).astype(np.uint8))


def test_every_single_change_is_looked_up():
    texts = TEMPLATE.alphabet.decode(fitting(5))
    codes = SPECTRA[0].encode(texts)
    places, steps = single_changes(TEMPLATE)
    found = all_deltas(SPECTRA[0], codes)
    made = changed(codes, TEMPLATE, places, steps)
    assert len(places) == 7 * 3 + 1  # a purine has one other, the last letter none
    for row, text in enumerate(texts):
        expected = {}
        for i in range(N):
            for letter in "ACGT":
                if letter != text[i] and TEMPLATE.allowed[i, "ACGT".index(letter)]:
                    other = text[:i] + letter + text[i + 1 :]
                    expected[other] = SPECTRA[0].predict([other])[0] - SPECTRA[0].predict([text])[0]
        names = TEMPLATE.alphabet.decode(TEMPLATE.to_alphabet(made[row]))
        assert set(names) == set(expected) and len(names) == len(expected)
        np.testing.assert_allclose(found[row], [expected[name] for name in names], atol=1e-12)


def test_random_changes_are_even_and_depend_on_the_letters_alone():
    codes = TEMPLATE.to_local(fitting(200))
    places, steps = random_changes(codes, TEMPLATE, 30, 7)
    again = random_changes(codes[50:60], TEMPLATE, 30, 7)
    np.testing.assert_array_equal(places[50:60], again[0])
    made = changed(codes, TEMPLATE, places, steps)
    assert ((made != codes[:, None]).sum(2) == 1).all() and (made < TEMPLATE.sizes).all()
    counts = np.bincount(places.ravel(), minlength=N)
    assert counts[-1] == 0 and (np.abs(counts[:-1] - 750) < 5 * np.sqrt(750)).all()


def test_percentiles_are_those_of_scipy():
    rng = np.random.default_rng(1)
    null = rng.integers(-3, 4, (6, 40, 2)).astype(float)
    deltas = rng.integers(-3, 4, (6, 2)).astype(float)
    expected = [[percentileofscore(np.abs(null[i, :, k]), abs(deltas[i, k]), "mean") for k in (0, 1)] for i in range(6)]
    np.testing.assert_allclose(percentiles(deltas, null), expected)


def asked(null, model):
    reference = GivenSequences({"c": CONTIG})
    placing = Placing()
    variants = [Variant(k, 1, f"v{k}", "c", (Change(place, CONTIG[place], alt),)) for k, (place, alt) in
                enumerate([(13, "A"), (22, "C"), (13, "G")])]  # fmt: skip
    table = _table([(one, placing.window(one, N)) for one in variants])
    return EffectAsker(model, reference, placing, null)(table).to_pandas()


def sketched_model():
    outputs = [s.output for s in SPECTRA]
    function = lambda texts: np.column_stack([s.predict(texts) for s in SPECTRA])  # noqa: E731
    return Model({"kind": "callable", "function": function}, TEMPLATE, outputs)


def test_variants_are_compared_with_all_changes_of_their_window():
    found = asked(Null(SPECTRA), sketched_model())
    np.testing.assert_allclose(found["sketch_delta"], found["delta"], atol=1e-9)
    assert (found["null_changes"] == 22).all() and found["percentile"].between(0, 100).all()
    row = found.iloc[0]
    codes = SPECTRA[0].encode([CONTIG[row["start"] : row["end"]]])
    null = np.abs(all_deltas(SPECTRA[0], codes)[0])
    expected = percentileofscore(np.round(null, 9), round(abs(row["delta"]), 9), "mean")
    assert row["percentile"] == pytest.approx(expected)
    none = asked(Null(), sketched_model())
    assert none[["percentile", "null_changes", "sketch_delta", "delta_sd"]].isna().all(axis=None)


def test_without_a_sketch_the_model_is_asked_about_some_changes():
    model = sketched_model()
    found = asked(Null((), 500, 3), model)
    assert (found["null_changes"] == 500).all() and found["sketch_delta"].isna().all()
    assert model.evaluations == 1 + 3 + 1 + 500  # all windows are the same
    exact = asked(Null(SPECTRA), sketched_model())
    assert (found["percentile"] - exact["percentile"]).abs().max() < 25


def test_the_spread_over_folds_is_that_of_the_effects(tmp_path):
    text = random_letters(200)
    template = Template(Alphabet("ACGT"), "N" * 10)
    (tmp_path / "m.py").write_text(
        "def a(s): return [x.count('G') for x in s]\ndef b(s): return [2.0 * x.count('G') for x in s]\n"
    )
    folds = [{"kind": "python", "target": f"{tmp_path}/m.py:{name}"} for name in "ab"]
    model = Model({"kind": "python", "folds": folds}, template, ["y"])
    place = text.index("A", 50)
    placing = Placing()
    variant = Variant(1, 1, "v", "c", (Change(place, "A", "G"),))
    table = _table([(variant, placing.window(variant, 10))])
    found = EffectAsker(model, GivenSequences({"c": text}), placing)(table).to_pandas().iloc[0]
    assert (found["delta"], found["delta_sd"]) == (1.5, pytest.approx(np.sqrt(0.5)))


def test_saturation_mutagenesis_is_tabulated_and_checked_with_the_model():
    texts = [*TEMPLATE.alphabet.decode(fitting(4)), "N" * N]
    names = ["a", "b", "c", "d", "ambiguous"]
    table = mutation_table(SPECTRA[1], names, texts)
    assert table.num_rows == 4 * 22 and set(table["sequence_id"].to_pylist()) == set("abcd")
    rows = table.to_pandas()
    for row in rows.sample(30, random_state=0).itertuples():
        text = texts[names.index(row.sequence_id)]
        assert text[row.position - 1] == row.ref
        other = text[: row.position - 1] + row.alt + text[row.position :]
        assert row.delta == pytest.approx(np.subtract(*SPECTRA[1].predict([other, text])), abs=1e-6)
    most = strongest([table.slice(0, 30), table.slice(30)], 7)
    order = rows["delta"].abs().sort_values(ascending=False, kind="stable").index[:7]
    assert most["delta"].to_pylist() == rows.loc[order, "delta"].tolist()
    checked = check_with_model(most, dict(zip(names, texts, strict=True)), sketched_model())
    np.testing.assert_allclose(checked["delta"], checked["model_delta"], atol=1e-6)
