"""Motifs: planted ones are found, with their places and shares, in every alphabet, and none in noise.

Covers also: growing, letter_tables, merging, motif, patterns, reading, search, tables.
"""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from motif_cases import Planted, additive, aggregated, evaluate, exact_spectrum, explained, random_texts, template_of

from shapsketch.models.builtin_model import load as load_builtin
from shapsketch.motifs import Settings, ranked, summarise
from shapsketch.motifs.patterns import ResidualTables
from shapsketch.motifs.search import _candidates
from shapsketch.recovery import recover
from shapsketch.sampling.design import make_plan
from shapsketch.sampling.sketch import Sketch
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.spectrum.spectrum import Spectrum
from shapsketch.spectrum.terms import Terms

FLANK = "TTGACAGCATGCAGTCAC"  # beside 12 free letters


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


def test_letters_that_grew_and_add_nothing_anywhere_end_no_search(tmp_path):
    """Dense random tables of orders 2 to 4, where one interaction's letters grow into some that do the opposite."""
    rng, template, tables = np.random.default_rng(70), template_of("DNA", 6), {}
    for order in (2, 3, 4):
        for support in combinations(range(6), order):
            if rng.random() < 0.6:
                table = rng.normal(size=(4,) * order) * rng.choice([0.05, 1, 1])
                for axis in range(order):
                    table -= table.mean(axis, keepdims=True)
                tables[support] = table
    spectrum = Spectrum(Background.uniform(template), "y", 0.0, Terms.build(template.sizes, tables))
    assert len(aggregated(tmp_path, spectrum, random_texts(template, 30)).kind("interaction"))


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


def test_a_rare_word_leads_those_that_are_told_apart_from_it(tmp_path):
    """T and A lower together, and few T's are before an A: not "T before C, G or T raises"."""
    template, rng = template_of("DNA", 8), np.random.default_rng(0)
    texts = random_texts(template, 1000)
    texts = [t[:4] + rng.choice(list("CGT")) + t[5:] if t[3:5] == "TA" and k % 8 else t for k, t in enumerate(texts)]
    assert 5 <= sum(t[3:5] == "TA" for t in texts) < 20
    result = aggregated(tmp_path, exact_spectrum(template, [Planted("TA", (0, 1), (3,), -1.0)]), texts)
    (motif,) = result.kind("interaction").to_dict("records")
    assert (motif["letters"], motif["positions"]) == ("TA", "4,5")
    assert motif["value"] < -0.5


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


@pytest.mark.parametrize(("before", "after"), [("", FLANK), (FLANK, ""), ("ACG", "TTACAGCATGCAGTC")])
def test_both_strands_beside_fixed_letters(tmp_path, before, after):
    """The minus strand is looked at where letters are free, not where they are on the sequence's mirror image."""
    template, first = Template(Alphabet.from_config("DNA"), f"{before}{'N' * 12}{after}"), len(before)
    forward, backward = (tuple(first + start for start in starts) for starts in ((1, 3, 6), (2, 5)))
    motifs = [Planted("GAC", (0, 1, 3), forward, 2.0), Planted("GTC", (0, 2, 3), backward, 2.0)]
    texts, spectrum = random_texts(template, 800), exact_spectrum(template, motifs)
    both = aggregated(tmp_path, spectrum, texts, min_share=0.01, reverse_complement=True)
    assert both.kind("interaction")["placements"].tolist() == [5]
    assert both.found("M1") == motifs[0].occurrences(texts) | motifs[1].occurrences(texts)
    assert set(both.instances["strand"]) == {"+", "-"}


def test_halves_with_any_gap_on_both_strands_beside_fixed_letters():
    """Against all pairs of free positions, each strand by itself."""
    template = Template(Alphabet.from_config("DNA"), "NNNNNACG")
    pairing, probabilities = template.alphabet.complement, Background.uniform(template).probabilities
    residuals = ResidualTables({}, probabilities, pairing, both_strands=True)
    (split, gapped), (whole, rigid) = _candidates(np.array([1, 3]), residuals)
    pairs = list(combinations(range(5), 2))
    assert (split, whole) == (1, 2)
    assert sorted(map(tuple, gapped[~gapped.minus].positions.tolist())) == pairs
    assert sorted(map(tuple, gapped[gapped.minus].positions[:, ::-1].tolist())) == pairs
    assert sorted(map(tuple, rigid[~rigid.minus].positions.tolist())) == [(0, 2), (1, 3), (2, 4)]
    assert sorted(map(tuple, rigid[rigid.minus].positions.tolist())) == [(2, 0), (3, 1), (4, 2)]


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
    assert ranked(shares, Settings(min_share=0.002), effects) == [1, 0]
    assert ranked(shares, Settings(min_share=0.002)) == [0, 1]
    assert ranked(shares, Settings(min_share=0.002, count=1), effects) == [1]


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
