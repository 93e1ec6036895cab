"""The page of a set of variants: its data, and what it does in a real browser.

Covers also: variants/contributions.
"""

import json

import numpy as np
import pandas as pd
import pytest

from analysis import ROOT, spectra
from pages import Parser, click, errors_of, open_page
from shapsketch.models import Model
from shapsketch.report.overview_page import build_comparison
from shapsketch.report.variants_page import _change, build_variants
from shapsketch.sequences.genome import GivenSequences
from shapsketch.variants.classes import Truth, describe_classes
from shapsketch.variants.contributions import paired_contributions
from shapsketch.variants.effects import EffectAsker
from shapsketch.variants.grouping import Haplotypes, from_table
from shapsketch.variants.haplotypes import HaplotypeAsker
from shapsketch.variants.mutations import Null
from shapsketch.variants.reading import DROPPED_COLUMNS, Checker, Placing, _table
from shapsketch.variants.scoring import (
    Predictors,
    confusion_table,
    cross_validated_calls,
    prediction_table,
    score_table,
)
from shapsketch.variants.separation import separation_table
from shapsketch.variants.variant import Change, Variant
from variant_cases import random_letters

N = 12
SPECTRA = spectra(N, pattern="N" * N)
CONTIG = random_letters(400, 8)
SOURCES = {
    "template": ROOT / "workflow/report/variants.html.j2",
    "style": ROOT / "workflow/report/page.css",
    "scripts": [ROOT / "workflow/report" / name for name in ("draw.js", "logo.js", "variants.js")],
}
NASTY = "</script><script>alert(1)</script>"


def tables(compared=True):
    rng = np.random.default_rng(0)
    outputs = [s.output for s in SPECTRA]
    function = lambda texts: np.column_stack([s.predict(texts) for s in SPECTRA])  # noqa: E731
    model = Model({"kind": "callable", "function": function}, SPECTRA[0].template, outputs)
    reference, placing = (
        GivenSequences({"c": CONTIG}),
        Placing("-"),
    )  # the letters that matter are those left of the middle
    variants = []
    for k, place in enumerate(range(20, 290, 3)):
        alt = [a for a in "ACGT" if a != CONTIG[place]][k % 3]
        name = NASTY if k == 0 else f"rs{k}"
        change = (Change(place, CONTIG[place], alt),)
        variants.append(Variant(k + 2, 1, name, "c", change, "", "01"[k % 2], float(rng.normal()), f"h{k // 3}"))
    kept = _table([(one, placing.window(one, N)) for one in variants])
    effects = EffectAsker(model, reference, placing, Null(SPECTRA if compared else ()))(kept).to_pandas()
    found = Haplotypes(Checker(reference, SPECTRA[0].template, placing))
    from_table(kept.to_pylist(), found)
    values, pairs = HaplotypeAsker(model, reference, placing)(found.tables()[0])
    reason = "REF is A, and the genome has G there"
    dropped = pd.DataFrame([(200, "bad", "c", "7", "A", "C", "G", reason)] * 3, columns=DROPPED_COLUMNS)
    first = effects[effects["output"] == "up"].reset_index(drop=True)
    predicted = {
        "model<b>.up": first["delta"].to_numpy(),
        "other": np.where(first.index == 5, np.nan, first["record"] * 1.5),
    }
    predictors, truth = Predictors(predicted, ["other"]), Truth.read(first)
    calls = cross_validated_calls(predictors, truth, 0)
    scored = {
        "scores": score_table(predictors, truth, 0),
        "confusion": confusion_table(calls, ["other"]),
        "predictions": prediction_table(first, predictors, calls),
        "separation": separation_table(first, truth, SPECTRA, reference, placing, 0),
    }
    contributions = paired_contributions(effects, SPECTRA, reference, placing).to_pandas() if compared else None
    return {
        "effects": effects, "dropped": dropped, **(scored if compared else {}),
        "haplotypes": values.to_pandas() if compared else None, "pairs": pairs.to_pandas() if compared else None,
        "contributions": contributions,
    }  # fmt: skip


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("variants") / "variants.html"
    made = tables()
    classes = describe_classes(Truth.read(made["effects"]))
    text = build_variants(made, SOURCES, ("model<b>", "calls"), SPECTRA[0].template.alphabet, classes=classes)
    path.write_text(text, encoding="utf-8")
    return path


def data_of(path):
    return json.loads(Parser(path.read_text(encoding="utf-8")).scripts["page-data"][0])


def test_the_page_holds_what_the_tables_say(page):
    made, found = tables(), data_of(page)
    assert len(found["variants"]) == 90 and found["outputs"] == ["up", "down"]
    first = made["effects"].iloc[0]
    assert found["variants"][0]["values"][0][2] == pytest.approx(first["delta"], rel=1e-6)
    assert found["variants"][0]["values"][0][4] == pytest.approx(first["percentile"])
    best = found["haplotypes"][0]["outputs"][0]
    beyond = made["haplotypes"]["beyond_singles"].abs().max()
    assert abs(best["sums"][2]) == pytest.approx(beyond, rel=1e-6)
    assert sum(player[3] for player in best["players"]) == pytest.approx(best["sums"][0], abs=1e-6)
    own = next(iter(found["contributions"].values()))
    before, after = own["0" if "0" in own else "1"]["letters"]
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1
    text = " ".join(Parser(page.read_text(encoding="utf-8")).text)
    assert found["predictors"] == ["other"]  # up is an output: its effects are there
    assert found["variants"][1]["predicted"] == [4.5] and found["variants"][5]["predicted"] == [None]
    separation = made["separation"]
    assert "up: positions" in text and "down: interactions of two positions" in text and len(separation)
    assert f"{separation['difference'].iloc[0]:+.3g}" in text
    assert "1 is the positive class, 0 the negative one." in text
    assert "(lower is positive)" in text and "behind model<b>.up" in text
    assert "REF is A, and the genome has G there" in text and "model<b>" in text


def test_players_are_called_as_the_file_numbers_them():
    assert _change("M24A", "M", "1", "A") == "M24A" and _change("K-3R", "K", "7", "R") == "K-3R"
    assert _change("rs24", "M", "1", "A") == "M1A" and _change("Q24*", "Q", "1", "*") == "Q24*"


def test_contributions_before_and_after_sum_to_the_effect_of_the_sketch():
    rows = tables()["contributions"]
    effects = tables()["effects"].set_index(["record", "allele", "output"])["sketch_delta"]
    sums = rows.groupby(["record", "allele", "output"])["difference"].sum()
    np.testing.assert_allclose(sums, effects[sums.index], atol=1e-9)
    assert (rows.groupby("output")["record"].nunique() == 30).all()


def test_it_is_searched_and_sorted_in_a_browser(browser, page):
    open_page(browser, page)

    def cells():
        rows = browser.find_elements("css selector", "#variant-table tbody tr")
        return [[cell.text for cell in row.find_elements("tag name", "td")] for row in rows]

    header = [c.text for c in browser.find_elements("css selector", "#variant-table th")]
    assert header[-1] == "other"
    column = header.index("delta")
    size = [abs(float(row[column].replace("\u2212", "-").replace("+", "") or 0)) for row in cells()]
    assert len(size) == 60 and size == sorted(size, reverse=True)
    browser.find_element("id", "search").send_keys("rs17")
    assert [row[0] for row in cells()] == ["rs17"]
    assert browser.find_element("id", "found").text == "1 of 90"
    browser.find_element("id", "search").clear()
    browser.find_element("id", "search").send_keys("c:2")
    click(browser, browser.find_elements("css selector", "#variant-table th button")[1])
    places = [int(row[1].split(":")[1]) for row in cells()]
    assert places == sorted(places) and len(places) > 20
    figures = browser.find_elements("css selector", "#before-after figure")
    assert len(figures) == 3
    axes = [[t.text for t in figure.find_elements("css selector", "svg text")] for figure in figures[:2]]
    assert axes[0] == axes[1], "before and after have different axes"
    assert browser.find_elements("css selector", "#haplotype .arcs path")
    click(browser, browser.find_elements("css selector", "#haplotype-table .name")[2])
    title = browser.find_element("css selector", "#haplotype h3").text
    assert browser.find_elements("css selector", "#haplotype-table tbody tr")[2].text.split()[0] == title.split()[0]
    click(browser, browser.find_elements("css selector", ".choice")[1])
    assert not errors_of(browser)


def test_without_a_sketch_haplotypes_and_scores_there_are_just_effects(browser, tmp_path):
    path = tmp_path / "variants.html"
    made = tables(compared=False)
    made["dropped"] = made["dropped"][:0]
    path.write_text(build_variants(made, SOURCES, ("m", "v"), SPECTRA[0].template.alphabet), encoding="utf-8")
    open_page(browser, path)
    assert not browser.find_element("id", "before-after").is_displayed()
    assert "None." in browser.find_element("tag name", "main").text
    assert not errors_of(browser)


def test_the_overview_links_to_it():
    sources = {
        "template": ROOT / "workflow/report/comparison.html.j2",
        "style": ROOT / "workflow/report/page.css",
        "scripts": [ROOT / "workflow/report" / name for name in ("draw.js", "logo.js", "comparison.js")],
    }
    parser = Parser(build_comparison([], sources, variants=[("m", "calls")]))
    assert "m/calls/variants.html" in parser.addresses
