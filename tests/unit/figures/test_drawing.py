"""All pictures of an output are drawn, with names of any kind, the same to the byte."""

import numpy as np
import pytest
from figure_cases import CASES

from shapsketch.figures.drawing import draw_all
from shapsketch.figures.logos import DrawnMotif, motif_logo
from shapsketch.figures.style import save_figure
from shapsketch.storage.tsv import read_table, table_text

SCORE = {"variance_by_order": {"1": 0.5, "2": 0.3}, "r2": 0.8}


@pytest.mark.parametrize("kind", CASES)
def test_all_pictures_are_drawn(kind, drawn, tmp_path):
    spectrum, tables = drawn[kind]
    names = []
    for name, figure in draw_all(spectrum, tables, SCORE, "some", "classic"):
        assert all(axes.get_xlabel() or axes.get_ylabel() or not axes.axison for axes in figure.axes), name
        names.append(name)
    clusters = [name for name in names if name.startswith("contributions_cluster_")]
    assert len(clusters) == tables["clusters"].query("chosen == 1")["clusters"].sum()
    firsts = [f"contributions{s}" for s in ("", "_top", "_bottom")]
    groups = [f"contributions_group_{k}" for k in (1, 2)]
    assert names[: len(clusters) + 5] == [*firsts, *clusters, *groups]
    assert {"orders", "interactions", "interactions_signed", "interactions_absolute", "supports", "M1"} <= set(names)
    assert not any(name.startswith("P") for name in names)
    unscored = [name for name, _ in draw_all(spectrum, tables, SCORE | {"r2": None}, "some", "classic")]
    assert unscored == [name for name in names if name != "orders"]


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
