"""Motifs, MEME files and pictures."""

import numpy as np
import pandas as pd
import pytest
from Bio import motifs as biopython

from shapsketch.alphabet import Alphabet
from shapsketch.background import Background
from shapsketch.logos import contribution_logo, interaction_heatmap, letter_colors, motif_logo, order_bars, save_figure
from shapsketch.meme import meme_text
from shapsketch.motifs import letter_contributions, summarise
from shapsketch.spectrum import Spectrum
from shapsketch.template import Template
from shapsketch.terms import Terms


def planted(letters, pattern, positions, motif, strength=2.0):
    """A spectrum with one interaction that rewards `motif` at `positions`, and random sequences."""
    template = Template(Alphabet(letters), pattern)
    q = len(letters)
    indicators = [np.eye(q)[letters.index(a)] - 1 / q for a in motif]
    table = strength * np.einsum(",".join("abcd"[: len(motif)]) + "->" + "abcd"[: len(motif)], *indicators)
    single = np.linspace(-0.1, 0.1, q)
    terms = Terms.build(template.sizes, {tuple(positions): table, (0,): single})
    spectrum = Spectrum(Background.uniform(template), "y", 1.0, terms)
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list(letters), len(pattern))) for _ in range(400)]
    frame = pd.DataFrame({"sequence_id": [f"s{k}" for k in range(400)], "sequence": texts})
    return spectrum, frame


CASES = {
    "DNA": ("ACGT", "NNNNNNNN", (2, 5), "GT"),
    "RNA": ("ACGU", "NNNNNNNN", (1, 2, 6), "UAG"),
    "protein": ("ACDEFGHIKLMNPQRSTVWY", "XXXXXX", (0, 3), "WD"),
    "ACTG": ("ACTG", "NNNNNNNN", (2, 5), "GT"),
    "custom": ("01", "********", (2, 5), "10"),
}


@pytest.mark.parametrize("kind", ["DNA", "RNA", "protein", "ACTG"])
def test_a_planted_motif_comes_out_first(kind):
    letters, pattern, positions, motif = CASES[kind]
    spectrum, frame = planted(letters, pattern, positions, motif)
    values = spectrum.terms.shapley_values(spectrum.encode(frame["sequence"].tolist()))
    summary = summarise(spectrum, frame, values, count=3, min_instances=1)
    best = summary.motifs[0]
    assert (best.letters, best.positions) == (motif, positions)
    rows = [k for k, s in enumerate(frame["sequence"]) if all(s[i] == a for i, a in zip(positions, motif, strict=True))]
    assert best.instances.tolist() == rows
    assert np.allclose(best.pfm.sum(1), 1)
    for i, a in zip(positions, motif, strict=True):
        assert best.pfm[i - positions[0], letters.index(a)] == 1
    instances = summary.tables["instances"]
    assert (instances["matched"].str[0] == motif[0])[instances["motif"] == "M1"].all()


@pytest.mark.parametrize("kind", ["DNA", "RNA", "protein", "ACTG"])
def test_meme_files_are_read_back_by_biopython(kind, tmp_path):
    letters, pattern, positions, motif = CASES[kind]
    spectrum, frame = planted(letters, pattern, positions, motif)
    values = spectrum.terms.shapley_values(spectrum.encode(frame["sequence"].tolist()))
    found = summarise(spectrum, frame, values, count=3, min_instances=1).motifs
    path = tmp_path / "motifs.meme"
    path.write_text(meme_text(spectrum.template.alphabet, found, spectrum.background.probabilities[0]))
    if kind == "protein":  # Biopython's reader of the minimal format knows no proteins
        lines = path.read_text().splitlines()
        matrix = [list(map(float, line.split())) for line in lines if line[:2] in ("0.", "1.")]
        assert np.allclose(np.sum(matrix, 1), 1)
        assert np.allclose(matrix[: len(found[0].pfm)], found[0].pfm, atol=1e-6)
        return
    with open(path) as handle:
        read = biopython.parse(handle, "minimal")
    assert [m.name for m in read] == ["y_M1", "y_M2", "y_M3"]
    for ours, theirs in zip(found, read, strict=True):
        matrix = np.array([theirs.pwm[a] for a in sorted(letters)]).T
        order = [letters.index(a) for a in sorted(letters)]
        assert np.allclose(matrix, ours.pfm[:, order], atol=1e-6)


GOLDEN = """MEME version 4

ALPHABET= ACGU

Background letter frequencies
A 0.250000 C 0.250000 G 0.250000 U 0.250000

MOTIF y_M1 U-G
letter-probability matrix: alength= 4 w= 3 nsites= 3 E= 0
0.000000 0.000000 0.000000 1.000000
0.333333 0.333334 0.333333 0.000000
0.000000 0.000000 1.000000 0.000000
"""


def test_meme_golden_file():
    template = Template(Alphabet("ACGU"), "NNN")
    table = np.zeros((4, 4))
    table[3, 2] = 1.0
    spectrum = Spectrum(Background.uniform(template), "y", 0.0, Terms.build(template.sizes, {(0, 2): table}))
    frame = pd.DataFrame({"sequence_id": list("abcd"), "sequence": ["UAG", "UCG", "UGG", "AAA"]})
    values = spectrum.terms.shapley_values(spectrum.encode(frame["sequence"].tolist()))
    found = summarise(spectrum, frame, values, count=3, min_instances=1).motifs
    text = meme_text(template.alphabet, found, np.full(4, 0.25))
    assert text == GOLDEN.replace("0.333333 0.333334 0.333333", "0.333334 0.333333 0.333333")


def test_letter_contributions_leave_ambiguous_letters_out():
    alphabet = Alphabet("ACGT")
    codes = alphabet.encode(["AC", "AN", "TC"])
    table = letter_contributions(alphabet, codes, np.array([[1.0, 2.0], [3.0, 9.0], [5.0, 4.0]]))
    cell = table.set_index(["position", "letter"])
    assert cell.loc[(1, "A"), "mean"] == 2.0
    assert cell.loc[(2, "C"), "mean"] == 3.0
    assert cell.loc[(2, "C"), "count"] == 2
    assert cell.loc[(2, "G"), "mean"] == 0.0


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_or_no_sequences_and_no_interactions(count):
    spectrum, frame = planted(*CASES["DNA"])
    additive = Spectrum(spectrum.background, "y", 0.0, spectrum.terms.select(spectrum.terms.orders == 1))
    for s in (spectrum, additive):
        few = frame.iloc[:count]
        values = s.terms.shapley_values(s.encode(few["sequence"].tolist()).reshape(count, 8))
        summary = summarise(s, few, values, count=5, min_instances=5)
        assert summary.motifs == []
        assert list(summary.tables["instances"].columns)[:3] == ["motif", "output", "sequence_id"]


@pytest.mark.parametrize(
    ("by_order", "r2", "heights"),
    [({"1": 3.0, "2": 1.0}, 0.8, [60, 20, 20]), ({"1": 3.0}, -0.1, [0, 100]), ({}, 1.0, [0])],
)
def test_the_bars_of_the_orders_add_up_to_the_models_variance(by_order, r2, heights):
    bars = order_bars(by_order, r2, "t").axes[0].patches
    assert [bar.get_height() for bar in bars] == pytest.approx(heights)


@pytest.mark.parametrize("kind", CASES)
def test_pictures_are_drawn_and_reproducible(kind, tmp_path):
    spectrum, frame = planted(*CASES[kind])
    template = spectrum.template
    assert set(letter_colors(template.alphabet)) == set(template.alphabet.letters)
    values = spectrum.terms.shapley_values(spectrum.encode(frame["sequence"].tolist()))
    tables = summarise(spectrum, frame, values, count=1, min_instances=1).tables
    first = tables["motifs"].iloc[0]
    for name, draw in {
        "logo": lambda: contribution_logo(template, tables["contributions"], "t", "u"),
        "motif": lambda: motif_logo(template, first, tables["motif_matrices"]),
        "orders": lambda: order_bars({"1": 0.5, "2": 0.3}, 0.8, "t"),
        "map": lambda: interaction_heatmap(template.n, tables["position_interactions"], "t", "u"),
    }.items():
        for folder in ("a", "b"):
            save_figure(draw(), tmp_path / folder / name)
        for suffix in ("svg", "png"):
            data = (tmp_path / "a" / f"{name}.{suffix}").read_bytes()
            assert data == (tmp_path / "b" / f"{name}.{suffix}").read_bytes()
            assert len(data) > 1000
