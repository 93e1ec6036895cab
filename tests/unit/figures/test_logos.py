"""Pictures: drawn for every alphabet, the same to the byte, labelled, and true to the numbers."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from motif_cases import Planted, aggregated, exact_spectrum, random_texts, template_of

from shapsketch.figures.drawing import draw_all
from shapsketch.figures.heat_maps import interaction_map, order_bars, support_maps
from shapsketch.figures.logos import DrawnMotif, contribution_logo, information_heights, motif_logo
from shapsketch.figures.style import PALETTES, letter_classes, letter_colors, save_figure
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.storage.tsv import TEXT, read_table, table_text

CASES = {
    "DNA": ("ACGT", "NNNNNNGGNN", [Planted("GAT", (0, 1, 3), (0, 2), 2.0)]),
    "RNA": ("ACGU", "NNNNNNNN", [Planted("UAG", (0, 1, 5), (1,), -2.0)]),
    "protein": ("protein", "XXXXXX", [Planted("WD", (0, 3), (0, 2), 2.0)]),
    "custom": ("01", "********", [Planted("101", (0, 2, 3), (1,), 2.0)]),
}
SCORE = {"variance_by_order": {"1": 0.5, "2": 0.3}, "r2": 0.8}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Spectrum and tables of each case."""
    cases = {}
    for kind, (letters, pattern, motifs) in CASES.items():
        template = Template(Alphabet.from_config(letters), pattern)
        spectrum = exact_spectrum(template, motifs)
        texts = random_texts(template, 300 if kind != "protein" else 3000)
        groups = [("a", "b")[k % 2] for k in range(len(texts))]
        result = aggregated(tmp_path_factory.mktemp(kind), spectrum, texts, groups, seqlets=kind == "DNA")
        path = tmp_path_factory.mktemp("tables")
        tables = {}
        for name, table in result.summary.tables.items():  # as they are read back
            assert set(table.select_dtypes(exclude="number")) <= {*TEXT, "gap"}, name  # a gap is a number or empty
            (path / name).write_text(table_text(table), encoding="utf-8")
            tables[name] = read_table(path / name)
        cases[kind] = spectrum, tables
    return cases


@pytest.mark.parametrize("kind", CASES)
def test_all_pictures_are_drawn(kind, drawn, tmp_path):
    spectrum, tables = drawn[kind]
    names = []
    for name, figure in draw_all(spectrum, tables, SCORE, "some", "classic"):
        assert all(axes.get_xlabel() or axes.get_ylabel() or not axes.axison for axes in figure.axes), name
        names.append(name)
    assert names[:5] == [f"contributions{s}" for s in ("", "_top", "_bottom", "_group_1", "_group_2")]
    assert {"orders", "interactions", "interactions_signed", "interactions_absolute", "supports", "M1"} <= set(names)
    assert not any(name.startswith("P") for name in names)


@pytest.mark.parametrize("output", ["1", "1.0", "NA", "true", "inf"])
def test_outputs_of_any_name_have_all_their_figures(output, drawn, tmp_path):
    spectrum, tables = drawn["DNA"]
    own = {}
    for name, table in tables.items():  # the only output of a file, where a reader that guesses would guess
        (tmp_path / name).write_text(table_text(table.assign(output=output)), encoding="utf-8")
        read = read_table(tmp_path / name)
        own[name] = read[read["output"] == output]
        assert len(own[name]) == len(table)
    figures = [name for name, _ in draw_all(spectrum, own, SCORE, "some", "classic")]
    assert figures == [name for name, _ in draw_all(spectrum, tables, SCORE, "some", "classic")]


def test_the_same_numbers_give_the_same_bytes(drawn, tmp_path):
    spectrum, tables = drawn["DNA"]
    row = tables["motifs"].iloc[0]
    motif = DrawnMotif(row, *(tables[n][tables[n]["motif"] == row["motif"]] for n in ("motif_matrices", "placements")))
    for folder in ("a", "b"):
        name, figure = next(draw_all(spectrum, tables, SCORE, "some", "colorblind"))
        save_figure(figure, tmp_path / folder / name)
        save_figure(motif_logo(spectrum.template.alphabet, motif, np.full(4, 0.25), "u"), tmp_path / folder / "M1")
    for first in (tmp_path / "a").iterdir():
        data = first.read_bytes()
        assert data == (tmp_path / "b" / first.name).read_bytes()
        assert len(data) > 2000
    assert {p.suffix for p in (tmp_path / "a").iterdir()} == {".svg", ".png"}


@pytest.mark.parametrize("palette", PALETTES)
@pytest.mark.parametrize("letters", ["DNA", "RNA", "protein", "XYZ"])
def test_every_letter_has_a_colour_and_amino_acids_a_legend(letters, palette):
    alphabet = Alphabet.from_config(letters)
    colors = letter_colors(alphabet, palette)
    assert set(colors) == set(alphabet.letters)
    if letters in ("DNA", "RNA"):
        assert len({to_hex(c) for c in colors.values()}) == 4
    classes = letter_classes(alphabet, palette)
    assert bool(classes) == (letters == "protein")
    assert {color for _, color in classes} == (set(colors.values()) if classes else set())


def test_stacks_of_a_contribution_logo_are_as_high_as_the_means():
    template = Template(Alphabet("ACGT"), "NGN")
    means = {(1, "A"): 0.5, (1, "C"): -0.25, (3, "T"): 1.0}
    table = pd.DataFrame(
        [(p, a, 1, means.get((p, a), 0.0)) for p in (1, 2, 3) for a in "ACGT"],
        columns=["position", "letter", "count", "mean"],
    )
    figure = contribution_logo(template, table, "t", "mean Shapley value")
    axes = figure.axes[0]
    boxes = [p.get_path().get_extents() for p in axes.patches if p.get_zorder() == 2]
    assert max(b.ymax for b in boxes) == pytest.approx(1.0, rel=0.05)
    assert min(b.ymin for b in boxes) == pytest.approx(-0.25, rel=0.05)
    assert len(boxes) == 3
    assert "G" in [text.get_text() for text in axes.texts]  # the fixed letter is named
    assert axes.get_xlabel() == "position"
    assert figure._supylabel.get_text() == "mean Shapley value"


def test_long_sequences_are_drawn_in_rows_and_all_zeros_too():
    template = template_of("DNA", 130)
    positions = np.repeat(np.arange(1, 131), 4)
    table = pd.DataFrame({"position": positions, "letter": list("ACGT") * 130, "mean": 0.0})
    figure = contribution_logo(template, table, "t", "u")
    assert len(figure.axes) == 3
    assert figure.axes[0].get_ylim() == (-1, 1)


def test_information_is_relative_to_the_background():
    heights = information_heights(pd.DataFrame([[1.0, 0.0], [0.5, 0.5]]), np.array([0.5, 0.5]))
    assert heights.to_numpy().tolist() == [[1.0, 0.0], [0.0, 0.0]]
    heights = information_heights(pd.DataFrame([[0.0, 1.0]]), np.array([0.75, 0.25]))
    assert heights.to_numpy()[0].tolist() == [0.0, 2.0]


def test_a_motif_with_a_varying_gap_has_it_in_its_picture():
    row = pd.Series(
        {
            "motif": "M1", "consensus": "N[AG]{2-4}C", "relation": "equal", "value": 1.0, "share": 0.1,
            "instances": 6, "sequences": 5, "spacing": "2-4",
        }
    )  # fmt: skip
    cells = [(c, a) for c in (1, 2, 3) for a in "ACGT"]
    matrix = pd.DataFrame(
        [(c, np.nan, a, 0.25, 0.1, 1) for c, a in cells],
        columns=["column", "position", "letter", "frequency", "contribution", "core"],
    )
    places = pd.DataFrame({"start": [1, 2, 3], "gap": [2, 3, 4], "value": [3.0, 2.0, 1.0], "instances": 2})
    motif = DrawnMotif(row, matrix, places)
    assert motif.split == 2
    assert motif.places.tolist() == [1, 2, 4]
    left, right, spread = motif_logo(Alphabet("ACGT"), motif, np.full(4, 0.25), "u").axes
    assert "2-4" in [text.get_text() for text in left.texts]
    assert "equal" in right.texts[0].get_text()
    assert right.get_title(loc="right") == "background: uniform"
    assert [bar.get_height() for bar in spread.patches] == [3.0, 2.0, 1.0]
    assert spread.get_xlabel() == "letters between the halves"


@pytest.mark.parametrize(
    ("by_order", "r2", "heights"),
    [({"1": 3.0, "2": 1.0}, 0.8, [60, 20, 20]), ({"1": 3.0}, -0.1, [0, 100]), ({}, 1.0, [0])],
)
def test_the_bars_of_the_orders_add_up_to_the_models_variance(by_order, r2, heights):
    bars = order_bars(by_order, r2, "t").axes[0].patches
    assert [bar.get_height() for bar in bars] == pytest.approx(heights)


def test_maps_show_the_pairs_where_they_are():
    pairs = pd.DataFrame({"position_1": [1, 1, 2], "position_2": [2, 3, 3], "mean": [0.0, -2.0, 1.0]})
    image = interaction_map(3, pairs, "mean", "t", "u").axes[0].images[0]
    shown = np.asarray(image.get_array())
    assert (shown[2, 0], shown[2, 1]) == (-2.0, 1.0)
    assert (image.norm.vmin, image.norm.vmax) == (-2.0, 2.0)
    assert interaction_map(3, pairs.assign(mean=0.0), "mean", "t", "u").axes[0].images[0].norm.vmax == 1.0


def test_letter_tables_are_drawn_with_their_letters(drawn):
    spectrum, tables = drawn["DNA"]
    alphabet = spectrum.template.alphabet
    figure = support_maps(alphabet, tables["supports"], tables["support_tables"], "t", "u")
    first = figure.axes[0]
    assert [label.get_text() for label in first.get_yticklabels()] == list("ACGT")
    assert first.get_ylabel().startswith("position ")
    assert support_maps(alphabet, tables["supports"].iloc[:0], tables["support_tables"].iloc[:0], "t", "u") is None
