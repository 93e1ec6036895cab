"""Motifs: planted ones are found, with their places, instances and shares, in every alphabet, and none in noise."""

import numpy as np
import pandas as pd
import pytest
from motif_cases import Planted, aggregated, evaluate, exact_spectrum, explained, random_texts, template_of

from shapsketch.models.builtin_model import load as load_builtin
from shapsketch.motifs import Settings, _ranked, summarise
from shapsketch.motifs.positions import position_interactions
from shapsketch.motifs.sums import LetterSums, VarianceShares, extremes
from shapsketch.recovery import recover
from shapsketch.sampling.design import make_plan
from shapsketch.sampling.sketch import Sketch
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.spectrum.spectrum import Spectrum
from shapsketch.spectrum.terms import Terms


def sketched(template, function, budget, noise=0.0, **settings):
    """A spectrum of a function of texts, from a sketch of noisy answers."""
    plan = make_plan({"m": 1}, ("y",), Background.uniform(template), budget=budget, design="random", seed=3)
    codes = plan.queries(0, plan.size)
    values = function(template.alphabet.decode(template.to_alphabet(codes)))
    values = values + noise * np.random.default_rng(0).normal(size=len(values)) * values.std()
    return recover(Sketch(plan, codes, values[:, None]), 0, **settings).spectrum


# Each is sketched, recovered and searched; noise is relative to the signal
SKETCHED = {
    "DNA, a spaced pair that moves": ("DNA", 10, [Planted("GC", (0, 3), tuple(range(7)), 1.0)], 4000, 0.3),
    "DNA, three letters in one place": ("DNA", 12, [Planted("TGA", (0, 1, 4), (3,), 4.0)], 8000, 0.3),
    "RNA, two motifs": (
        "RNA", 12, [Planted("UA", (0, 1), (2, 3, 4, 5), 1.0), Planted("GG", (0, 2), (8,), -2.0)], 6000, 0.3,
    ),
    "protein, two residues far apart": ("protein", 5, [Planted("WD", (0, 3), (0, 1), 5.0)], 9000, 0.1),
}  # fmt: skip


def scores(result, motifs, texts):
    """For each planted motif the precision and recall of the motif that fits it best."""
    for motif in motifs:
        true = motif.occurrences(texts)
        both = [(len(true & found), len(found), len(true)) for found in map(result.found, result.motifs["motif"])]
        hit, found, wanted = max(both, key=lambda b: b[0] / max(b[1] + b[2] - b[0], 1))
        yield hit / max(found, 1), hit / wanted


@pytest.mark.parametrize("case", SKETCHED)
def test_planted_motifs_are_found_through_a_noisy_sketch(case, tmp_path):
    letters, n, motifs, budget, noise = SKETCHED[case]
    template = template_of(letters, n)
    order = max(len(m.letters) for m in motifs)
    spectrum = sketched(template, lambda t: evaluate(t, motifs), budget, noise, estimator="regression", max_order=order)
    texts = random_texts(template, 1500 if letters != "protein" else 6000)
    result = aggregated(tmp_path, spectrum, texts, min_share=0.01)
    for precision, recall in scores(result, motifs, texts):
        assert precision >= 0.95 and recall >= 0.95
    assert len(result.kind("interaction")) <= len(motifs)


EXACT = {
    "DNA": ("DNA", "NNNNNNNNNNNN", [Planted("GAT", (0, 1, 4), (1, 4, 6), 2.0), Planted("CC", (0, 1), (9,), -1.0)]),
    "ACTG": ("ACTG", "NNNNNNNNNNNN", [Planted("GT", (0, 3), (2, 5), 2.0)]),
    "restricted": ("DNA", "NNYNGGNRNNNN", [Planted("CA", (0, 5), (2,), 2.0), Planted("TT", (0, 1), (8, 9), 1.0)]),
    "RNA": ("RNA", "NNNNNNNN", [Planted("UAG", (0, 1, 5), (1,), -2.0)]),
    "protein": ("protein", "XXXXXX", [Planted("WD", (0, 3), (0, 1, 2), 2.0)]),
    "custom": ("01", "**********", [Planted("101", (0, 2, 3), (1, 4), 2.0)]),
}


@pytest.mark.parametrize("kind", EXACT)
def test_exact_spectra_give_exactly_the_planted_instances(kind, tmp_path):
    letters, pattern, motifs = EXACT[kind]
    template = Template(template_of(letters, 1).alphabet, pattern)
    texts = random_texts(template, 3000 if letters == "protein" else 800)
    result = aggregated(tmp_path, exact_spectrum(template, motifs), texts, min_share=0.01)
    found = result.kind("interaction")
    assert len(found) == len(motifs)
    for motif in motifs:
        row = found[found["letters"] == motif.letters].iloc[0]
        assert result.found(row["motif"]) == motif.occurrences(texts)
        assert (row["placements"], row["order"]) == (len(motif.starts), len(motif.letters))
        assert row["instances"] == len(motif.occurrences(texts))
        assert np.sign(row["value"]) == np.sign(motif.strength)
        assert row["share_low"] < row["share"] < row["share_high"] <= 1.5
        matrix = next(m for m in result.summary.matrices if m.motif == row["motif"])
        assert np.allclose(matrix.frequencies.sum(1), 1)
        core = [template.alphabet.letters[a] for a in matrix.frequencies[matrix.core].argmax(1)]
        assert "".join(core) == motif.letters
        gap = template.alphabet.wildcard.lower() if letters != "01" else "*"
        expected = [gap] * (motif.offsets[-1] + 1)
        for offset, letter in zip(motif.offsets, motif.letters, strict=True):
            expected[offset] = letter
        assert row["consensus"] == "".join(expected)


def test_equal_letters_across_a_cut_are_one_motif_at_any_distance(tmp_path):
    template = template_of("DNA", 12)
    model = load_builtin({"function": "microhomology", "cut": 6}, template, ["microhomology"])
    spectrum = sketched(
        template, lambda t: model(template.alphabet.encode(t))["microhomology"], 8_000,
        estimator="regression", max_order=2,
    )  # fmt: skip
    result = aggregated(tmp_path, spectrum, random_texts(template, 500))
    first = result.kind("interaction").iloc[0]
    assert first["relation"] == "equal"
    assert set(first["letters"].split(",")) == {"AA", "CC", "GG", "TT"}
    assert first["value"] > 0
    places = result.summary.tables["placements"]
    places = places[places["motif"] == "M1"]
    left, right = (places["positions"].str.split(",").str[k].astype(int) for k in (0, 1))
    assert ((left <= 6) & (right > 6)).all()
    assert len(places) >= 0.8 * 5 * 6  # all pairs but those next to nothing
    assert places["gap"].astype(int).tolist() == (right - left - 1).tolist()
    assert places["gap"].astype(int).nunique() >= 8
    assert not (result.kind("interaction")["share"].iloc[1:] > 0.1 * first["share"]).any()


def test_both_strands_of_dna_when_asked(tmp_path):
    template = template_of("DNA", 12)
    motifs = [Planted("GAC", (0, 1, 3), (1, 3, 6), 2.0), Planted("GTC", (0, 2, 3), (2, 5), 2.0)]
    texts, spectrum = random_texts(template, 800), exact_spectrum(template, motifs)
    both = aggregated(tmp_path / "both", spectrum, texts, min_share=0.01, reverse_complement=True)
    one = both.kind("interaction").iloc[0]
    assert len(both.kind("interaction")) == 1
    assert both.found("M1") == motifs[0].occurrences(texts) | motifs[1].occurrences(texts)
    rows = both.instances[both.instances["motif"] == "M1"]
    assert set(rows["strand"]) == {"+", "-"}
    assert len(set(rows["matched"].str[0] + rows["matched"].str[1:2] + rows["matched"].str[-1])) == 1
    assert one["placements"] == 5
    alone = aggregated(tmp_path / "one", spectrum, texts, min_share=0.01)
    assert len(alone.kind("interaction")) == 2
    assert set(alone.instances["strand"]) == {"+"}


def test_a_background_that_differs_by_position(tmp_path):
    template = template_of("DNA", 10)
    weights = 0.1 + np.random.default_rng(1).random((10, 4))
    background = Background.from_weights(template, weights)
    motifs = [Planted("GAT", (0, 1, 3), (0, 2, 5), 2.0)]
    texts = random_texts(template, 800)
    result = aggregated(tmp_path, exact_spectrum(template, motifs, background), texts, min_share=0.01)
    assert len(result.kind("interaction")) == 1
    assert result.found("M1") == motifs[0].occurrences(texts)


def test_the_share_of_a_lone_motif_is_what_its_dividends_vary(tmp_path):
    template = template_of("DNA", 8)
    spectrum = exact_spectrum(template, [Planted("GAT", (0, 1, 4), (1,), 2.0)])
    texts = random_texts(template, 2000)
    codes = spectrum.encode(texts)
    parts = spectrum.terms.select(spectrum.terms.orders > 1).predict(codes)
    result = aggregated(tmp_path, spectrum, texts)
    share = (parts**2).mean() / (spectrum.terms.predict(codes) ** 2).mean()
    assert result.kind("interaction")["share"].iloc[0] == pytest.approx(share)
    positions = result.kind("position")
    assert set(positions["letters"]) == {"G", "A", "T"} and set(positions["positions"]) == {"2", "3", "6"}


def test_a_motif_that_all_sequences_hold_is_found(tmp_path):
    template = template_of("DNA", 8)
    texts = ["AGA" + text[3:] for text in random_texts(template, 20)]
    result = aggregated(tmp_path, exact_spectrum(template, [Planted("GA", (0, 1), (1,), 2.0)]), texts)
    assert result.kind("interaction")["consensus"].tolist() == ["GA"]
    assert result.kind("interaction")["sequences"].tolist() == [20]


def additive(template):
    tables = {(i,): np.linspace(-1, 1, 4) for i in range(template.n)}
    return Spectrum(Background.uniform(template), "y", 1.0, Terms.build(template.sizes, tables))


@pytest.mark.parametrize("count", [0, 1, 3])
def test_few_sequences_an_additive_model_and_a_constant_one(count, tmp_path):
    template = template_of("DNA", 8)
    constant = Spectrum(Background.uniform(template), "y", 1.0, Terms.build(template.sizes, {}))
    planted = exact_spectrum(template, [Planted("GA", (0, 1), (1,), 2.0)])
    for name, spectrum in {"planted": planted, "additive": additive(template), "constant": constant}.items():
        result = aggregated(tmp_path / name, spectrum, random_texts(template, count), seqlets=True)
        tables = result.summary.tables
        assert result.kind("interaction").empty and result.kind("seqlet").empty
        assert list(tables["placements"].columns)[:3] == ["output", "motif", "positions"]
        assert set(tables["contributions"]["set"]) == {"all", "top", "bottom"}
        assert tables["contributions"]["count"].sum() == 8 * (count + 2 * min(count, 1))
        assert len(tables["position_interactions"]) == 28
        assert not tables["position_interactions"].isna().any().any()


def test_noise_has_no_motif(tmp_path):
    template = template_of("DNA", 12)
    draws = np.random.default_rng(0)

    def noisy(texts):
        codes = template.alphabet.encode(texts)
        return (codes == 2) @ np.linspace(-1, 1, 12) + 0.5 * draws.normal(size=len(codes))

    spectrum = sketched(template, noisy, 6000, estimator="regression", max_order=3)
    result = aggregated(tmp_path, spectrum, random_texts(template, 1000))
    assert result.kind("interaction").empty
    assert not result.kind("position").empty


def test_results_do_not_depend_on_pieces_and_ambiguous_letters_are_left_out(tmp_path, monkeypatch):
    template = template_of("DNA", 8)
    spectrum = exact_spectrum(template, [Planted("GA", (0, 1), (1, 4), 2.0)])
    texts = random_texts(template, 300)
    texts[3] = "NNACGTAC"
    first = aggregated(tmp_path / "a", spectrum, texts)
    assert not (first.instances["sequence_id"] == "s3").any()
    assert first.summary.tables["contributions"].query("set == 'all' and position == 1")["count"].sum() == 299
    monkeypatch.setattr("shapsketch.motifs.reading.CHUNK", 64)
    again = aggregated(tmp_path / "a", spectrum, texts)
    for name, table in first.summary.tables.items():
        pd.testing.assert_frame_equal(table, again.summary.tables[name], rtol=1e-12)
    pd.testing.assert_frame_equal(
        first.instances.sort_values(["sequence_id", "positions"], ignore_index=True),
        again.instances.sort_values(["sequence_id", "positions"], ignore_index=True),
    )


def test_bed_files_tell_the_same_places_from_zero(tmp_path):
    template = template_of("DNA", 8)
    texts = random_texts(template, 200)
    result = aggregated(tmp_path, exact_spectrum(template, [Planted("GAT", (0, 1, 4), (1, 2), 2.0)]), texts)
    for (_, row), (_, bed) in zip(result.instances.iterrows(), result.bed.iterrows(), strict=True):
        assert (bed["chrom"], bed["start"], bed["end"]) == (row["sequence_id"], row["start"] - 1, row["end"])
        sizes, offsets = ([int(v) for v in bed[name].split(",")] for name in ("sizes", "offsets"))
        covered = [bed["start"] + o + k + 1 for o, s in zip(offsets, sizes, strict=True) for k in range(s)]
        assert ",".join(map(str, covered)) == row["positions"]
        assert texts[int(row["sequence_id"][1:])][bed["start"] : bed["end"]] == row["matched"]
        assert bed["blocks"] == len(sizes) == 2


def test_letter_contributions_by_set(tmp_path):
    template = template_of("DNA", 6)
    spectrum = additive(template)
    texts = random_texts(template, 60)
    groups = [("x", "y", "")[k % 3] for k in range(60)]
    table = aggregated(tmp_path, spectrum, texts, groups).summary.tables["contributions"]
    values = spectrum.shapley_values(texts)
    order = np.argsort(-spectrum.predict(texts), kind="stable")
    sets = {
        "all": range(60),
        "top": order[:6],
        "bottom": order[-6:],
        "group:x": range(0, 60, 3),
        "group:y": range(1, 60, 3),
    }
    assert list(table["set"].unique()) == list(sets)
    for name, rows in sets.items():
        for position in (1, 4):
            for letter in "ACGT":
                own = [values[r, position - 1] for r in rows if texts[r][position - 1] == letter]
                cell = table[table["set"] == name].query("position == @position and letter == @letter").iloc[0]
                assert cell["count"] == len(own)
                if own:
                    assert cell["mean"] == pytest.approx(np.mean(own), abs=1e-6)
                    assert cell["standard_deviation"] == pytest.approx(np.std(own), abs=1e-6)


def test_interaction_maps_are_means_of_the_shapley_interaction_index(tmp_path):
    template = template_of("DNA", 6)
    spectrum = exact_spectrum(template, [Planted("GAT", (0, 1, 3), (1, 2), 2.0)])
    texts = random_texts(template, 50)
    table = aggregated(tmp_path, spectrum, texts).summary.tables["position_interactions"]
    listed = spectrum.interactions(texts, index="SII", max_order=2, top_k=None)
    for _, row in table.iterrows():
        own = listed[listed["positions"] == f"{row['position_1']},{row['position_2']}"]["value"]
        assert row["mean"] == pytest.approx(own.sum() / 50, abs=1e-7)
        assert row["mean_absolute"] == pytest.approx(own.abs().sum() / 50, abs=1e-7)
    strength = position_interactions(spectrum)
    assert table["strength"].to_numpy() == pytest.approx(strength[table["position_1"] - 1, table["position_2"] - 1])


def test_letter_tables_of_the_strongest_supports(tmp_path):
    template = Template(template_of("DNA", 1).alphabet, "NNYNGN")
    spectrum = exact_spectrum(template, [Planted("CA", (0, 1), (2,), 2.0), Planted("GT", (0, 5), (0,), 1.0)])
    texts = random_texts(template, 400)
    tables = aggregated(tmp_path, spectrum, texts).summary.tables
    assert tables["supports"]["positions"].tolist() == ["3,4", "1,6"]
    first = tables["support_tables"].query("support == 'T1'").set_index("letters")
    assert set(first.index) == {a + b for a in "CT" for b in "ACGT"}
    assert first.loc["CA", "value"] == pytest.approx(2 * 0.5 * 0.75)
    assert first.loc["TG", "count"] == sum(text[2:4] == "TG" for text in texts)


def test_extremes_are_at_least_one_and_ties_go_by_order():
    top, bottom = extremes(np.array([1.0, np.nan, 3.0, 3.0, 0.0]), 0.1)
    assert np.flatnonzero(top).tolist() == [2] and np.flatnonzero(bottom).tolist() == [4]
    assert not any(mask.any() for mask in extremes(np.array([np.nan]), 0.1))


def test_bootstrap_intervals_hold_the_true_share(tmp_path):
    """Of sets of sequences from one background, about 95 % of the intervals hold the share under the background."""
    template = template_of("DNA", 6)
    spectrum = exact_spectrum(template, [Planted("GA", (0, 1), (1,), 2.0), Planted("CT", (0, 1), (3,), 2.0)])
    terms = spectrum.terms
    pair = terms.select(np.array([s == (1, 2) for s in terms.supports]))
    variances = terms.variances(spectrum.background.local)
    true = variances[terms.supports.index((1, 2))] / variances.sum()
    held = 0
    for seed in range(100):
        codes = spectrum.encode(random_texts(template, 200, seed))
        shares = VarianceShares(seed, 200, 1)

        class Piece:
            rows, reconstruction = np.arange(200), terms.predict(codes)

        shares.add(Piece, 0.0, pair.predict(codes)[:, None])
        _, low, high = shares.result().of(0)
        held += low <= true <= high
    assert 0.88 <= held / 100 <= 0.99


def test_letter_sums_leave_no_letter_out():
    alphabet = template_of("DNA", 1).alphabet
    sums = LetterSums(alphabet, 2, ["all"])
    sums.add(0, alphabet.encode(["AC", "TC"]), np.array([[1.0, 2.0], [5.0, 4.0]]))
    cell = sums.table("y").set_index(["position", "letter"])
    assert cell.loc[(1, "A"), "mean"] == 1.0
    assert cell.loc[(2, "C"), ["count", "mean", "standard_deviation"]].tolist() == [2, 3.0, 1.0]
    assert cell.loc[(2, "G"), "mean"] == 0.0


def test_motifs_need_enough_sequences_and_count_zero_means_none(tmp_path):
    template = template_of("DNA", 8)
    spectrum = exact_spectrum(template, [Planted("GA", (0, 1), (1,), 2.0)])
    texts = ["AGACCCCC"] * 4 + ["ATACCCCC", "CCCCCCCC", "TTTTTTTT", "AGTCCCCC", "CACACACA"]
    piece = explained(tmp_path, spectrum, texts)
    for settings, expected in ((Settings(min_instances=4), 1), (Settings(min_instances=5), 0), (Settings(count=0), 0)):
        motifs = summarise(spectrum, piece, settings, lambda rows, bed: None).tables["motifs"]
        assert (motifs["kind"] == "interaction").sum() == expected


def test_a_motif_in_many_places_that_does_little_in_each_does_not_lead():
    shares, effects = np.array([0.3, 0.2, 0.001, np.nan]), np.array([0.01, 0.5, 9.0, 9.0])
    assert _ranked(shares, Settings(min_share=0.002), effects) == [1, 0]
    assert _ranked(shares, Settings(min_share=0.002)) == [0, 1]
    assert _ranked(shares, Settings(min_share=0.002, count=1), effects) == [1]


def test_letters_that_add_little_leave_a_motif(tmp_path):
    template = template_of("DNA", 9)
    texts = random_texts(template, 1500)
    weak, equal = 0.8, 4.0
    for strength, letters in ((weak, "GA"), (equal, "GAT")):
        planted = [Planted("GA", (0, 1), (1,), 2.0), Planted("GAT", (0, 1, 4), (1,), strength)]
        found = aggregated(tmp_path, exact_spectrum(template, planted), texts).kind("interaction")
        assert found["letters"].iloc[0] == letters
        assert found["positions"].iloc[0] == ("2,3" if letters == "GA" else "2,3,6")


def test_a_long_word_that_few_sequences_hold_does_not_hide_the_short_one(tmp_path):
    template = template_of("DNA", 9)
    planted = [Planted("AA", (0, 1), (1,), 2.0), Planted("AATT", (0, 1, 3, 4), (1,), 6.0)]
    result = aggregated(tmp_path, exact_spectrum(template, planted), random_texts(template, 90))
    first = result.kind("interaction").iloc[0]
    assert (first["letters"], first["positions"]) == ("AA", "2,3")
    assert first["sequences"] >= 5


def test_a_run_of_one_letter_is_not_told_as_another_that_does_more_at_the_same_places(tmp_path):
    template = template_of("DNA", 10)
    planted = [Planted("GGG", (0, 1, 2), tuple(range(6)), -1.0), Planted("TTT", (0, 1, 2), (5, 6, 7), -1.5)]
    found = aggregated(tmp_path, exact_spectrum(template, planted), random_texts(template, 2000)).kind("interaction")
    assert set(found["letters"].iloc[:2]) == {"GGG", "TTT"}


@pytest.mark.parametrize("seed", range(3))
def test_the_strongest_support_is_listed_even_without_clear_letters(seed, tmp_path):
    template = template_of("protein", 4)
    draws = np.random.default_rng(seed)
    table = np.sign(draws.normal(size=(20, 20)))  # whichever its words, they say little of it
    table = table - table.mean(0) - table.mean(1)[:, None] + table.mean()
    tables = {(1, 3): 3 * table, (0, 2): np.zeros((20, 20))}
    tables[0, 2][:2, :2] = [[0.5, -0.5], [-0.5, 0.5]]
    spectrum = Spectrum(Background.uniform(template), "y", 0.0, Terms.build(template.sizes, tables))
    found = aggregated(tmp_path, spectrum, random_texts(template, 3000), min_instances=3).kind("interaction")
    assert "2,4" in set(found["positions"])
