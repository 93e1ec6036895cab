"""The page of a masked explanation in a real browser: motifs, their places on the sequences, zoom, and search."""

import time

import numpy as np
import pandas as pd
import pytest

from analysis import ROOT
from pages import call, click, errors_of
from shapsketch.figures.style import letter_colors
from shapsketch.masks.warnings import WARNINGS
from shapsketch.report.html import glyphs, render
from shapsketch.report.mask_motifs import Motifs
from shapsketch.report.mask_page import page_content, warning_lines
from shapsketch.sequences.alphabet import Alphabet

N, COUNT, FIRST, LAST = 2000, 40, 1000, 1017  # the motif, 0-based, both ends included
DNA = Alphabet("ACGT")
SCORES = (
    "evaluations", "parities", "r2", "r2_low", "r2_high", "r2_of_draws", "noise_share", "signal", "missed",
    "missed_error", "half_r2", "half_r2_low", "half_r2_high", "gap", "gap_error", "base_error",
)  # fmt: skip


def motifs():
    """One motif in every sequence but the last."""
    cells = [(c, a, 0.25 + 0.5 * (a == "C"), 0.1, 1) for c in range(1, 19) for a in DNA.letters]
    matrix = pd.DataFrame(cells, columns=["column", "letter", "frequency", "contribution", "core"])
    motif = {
        "output": "y", "motif": "S1", "consensus": "C", "share": 0.5, "share_low": 0.4, "share_high": 0.6, "value": 1.0,
        "sequences": COUNT - 1, "instances": COUNT - 1,
    }  # fmt: skip
    sites = pd.DataFrame({"sequence_id": [f"s{k}" for k in range(COUNT - 1)], "output": "y", "motif": "S1"})
    tomtom = pd.DataFrame([{"output": "y", "motif": "S1", "target": "CTCF<b>", "q_value": 1e-9}])
    return Motifs(
        pd.DataFrame([motif]),
        matrix.assign(output="y", motif="S1"),
        sites.assign(start=FIRST + 1, end=LAST + 1, strand="-", value=5.4),
        {"y": {"reason": "", "trusted": COUNT}},
        tomtom,
    )


@pytest.fixture(scope="module")
def long_page(tmp_path_factory):
    rng = np.random.default_rng(0)
    texts = DNA.decode(rng.integers(0, 4, (COUNT, N)).astype(np.uint8))
    base = pd.DataFrame({"sequence_id": [f"s{k}" for k in range(COUNT)], "output": "y"})
    matrix = 0.01 * rng.normal(size=(COUNT, N))
    matrix[:-1, FIRST : LAST + 1] += 0.3
    places = [f"pos_{i + 1}" for i in range(N)]
    about = base.assign(prediction=1.0, reconstruction=1.0, gap=0.0, base_value=0.5, warning="")
    values = pd.concat([about, pd.DataFrame(matrix, columns=places)], axis=1)
    arc = {"index": "FSII", "order": 2, "positions": "1005,1030", "letters": "AC", "value": 0.2}
    alone = {"index": "FSII", "order": 1, "positions": "1005", "letters": "A", "value": 0.3}  # of explain.min_order: 1
    tables = {
        "values": values,
        "letters": values,
        "errors": pd.concat([base, pd.DataFrame(0.01, index=base.index, columns=places)], axis=1),
        "interactions": pd.concat([base.assign(**alone), base.assign(**arc)]),
        "scores": base.assign(estimator="student", background_sequences=np.nan, **dict.fromkeys(SCORES, 0.9)),
        "sequences": base.assign(sequence=texts),
    }
    r2 = {"r2": 0.9, "r2_interval": [0.8, 0.95], "r2_quartiles": [0.8, 0.95], "undefined": 0}
    r2 |= {"r2_pooled": 0.9, "r2_pooled_interval": [0.8, 0.95]}
    whole = {"sequences": COUNT, "evaluations_per_sequence": 2000, "noise_share": 0.1, "largest_gap": 0.1, "half": r2}
    summary = {**r2, **whole, "warnings": dict.fromkeys(WARNINGS, 0), "by_sequence": {}}
    content = page_content(tables, {"y": summary}, "FSII", "positions", motifs())
    folder = ROOT / "workflow/report"
    names = ("draw.js", "logo.js", "mask_motifs.js", "masks.js")
    page = render(
        {"template": folder / "masks.html.j2", "style": folder / "page.css", "scripts": [folder / n for n in names]},
        content | {"template": "N" * N, "alphabet": {"colors": letter_colors(DNA), "glyphs": glyphs(DNA.letters)}},
        model="m", sequence_set="s", background="uniform", left_out="", looked=True, compared=True, strands=True,
        masks={"players": "positions"}, made={}, files=[], provenance=[], version="0",
    )  # fmt: skip
    path = tmp_path_factory.mktemp("masks") / "report.html"
    path.write_text(page)
    return path, texts


def test_two_thousand_letters_are_looked_through(browser, long_page):
    path, texts = long_page
    browser.get("about:blank")
    browser.get_log("browser")
    browser.get(path.as_uri())
    find = lambda selector: browser.find_elements("css selector", selector)  # noqa: E731
    assert find("#motif-cards .card h3")[0].text == "S1 CTCF<b> C"
    assert len(find("#motif-cards svg use")) >= 18
    assert len(find("#explanation .arc")) == len(find("#explanation .interactions li")) == 1
    (lane,) = find("#map g.seqlet")
    assert lane.get_attribute("data-tip").startswith("S1 CTCF<b> ←: 1001\u20131018")  # the view begins at the strongest
    began = time.perf_counter()
    click(browser, find("#map .choice")[4])  # the whole sequence
    assert len(find("#map rect.cell")) == N
    assert time.perf_counter() - began < 10  # a second on a quiet machine
    search = find("#table input")[0]
    search.send_keys(texts[-1][:30])
    assert [e.text for e in find("#table tbody .name") if e.is_displayed()] == [f"s{COUNT - 1}"]
    assert f"1 of {COUNT} sequences" in find("#table [role=status]")[0].text
    click(browser, next(e for e in find("#table tbody .name") if e.is_displayed()))
    assert find("#explanation h3")[0].text == f"s{COUNT - 1}"
    assert not find("#map g.seqlet")
    assert errors_of(browser) == []


@pytest.mark.parametrize(("ends", "words"), [((0.4, 0.6), "50 % (40 % to 60 %)"), ((np.nan, np.nan), "50 %")])
def test_a_share_has_an_interval_where_it_was_resampled(browser, ends, words):
    found = motifs()
    found.motifs[["share_low", "share_high"]] = ends
    card = "motifCard(arguments[0]).querySelector('dd').textContent"
    (motif,) = found.of("y")["motifs"]
    assert call(browser, ["draw.js", "logo.js", "mask_motifs.js"], card, motif) == words


def test_warnings_count_sequences_and_say_what_would_help():
    counts = dict.fromkeys(WARNINGS, 0) | {"r2": 2, "gap": 1}
    first, second, third = warning_lines({"warnings": counts, "sequences": 12, "undefined": 3})
    assert first.startswith("r2, 2 of 12 sequences: R2 lies below 0.7, or is undefined; a larger explain.masks.budget")
    assert second.startswith("gap, 1 of 12 sequences: base value and Shapley values missed")
    assert third.startswith("3 of 12 sequences have an undefined R2")
