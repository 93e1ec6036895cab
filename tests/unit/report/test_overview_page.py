"""The comparison page.

Covers also: overview_conditions.
"""

import json
import re

import numpy as np
import pytest

from analysis import ROOT, random_sequences, spectra, write_analysis
from pages import Parser, errors_of, open_page
from shapsketch.motifs.conditions import contribution_differences
from shapsketch.motifs.reading import Explained
from shapsketch.report.analysis import read_analysis
from shapsketch.report.overview_conditions import condition_contents
from shapsketch.report.overview_page import build_comparison, comparable, similarity
from shapsketch.storage.files import write_text
from shapsketch.storage.tsv import table_text

SOURCES = {
    "template": ROOT / "workflow/report/comparison.html.j2",
    "style": ROOT / "workflow/report/page.css",
    "scripts": [ROOT / "workflow/report" / name for name in ("draw.js", "logo.js", "conditions.js", "comparison.js")],
}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder, analyses = tmp_path_factory.mktemp("comparison"), []
    for name, n in (("first", 12), ("second", 12), ("<other>", 10)):
        files = write_analysis(folder / name.strip("<>"), random_sequences(60, n), spectra(n))
        analyses.append(read_analysis(name, "some", files))
    path = folder / "comparison.html"
    path.write_text(build_comparison(analyses, SOURCES), encoding="utf-8")
    return path


def test_members_of_one_length_are_compared(page):
    parser = Parser(page.read_text(encoding="utf-8"))
    families = json.loads(parser.scripts["page-data"][0])["families"]
    assert [len(family["names"]) for family in families] == [12, 6]
    assert families[0]["names"][:3] == [
        "first \u00b7 up \u00b7 all",
        "first \u00b7 up \u00b7 x",
        "first \u00b7 up \u00b7 y",
    ]
    assert families[1]["names"][0] == "up \u00b7 all"
    for family in families:
        assert np.array(family["importance"]).sum(1) == pytest.approx(1, abs=1e-3)
        assert set(np.argsort(family["importance"][0])[-3:]) == {0, 2, 4}  # A first, and G.T
        assert np.diag(np.array(family["similarity"], float)).tolist() == [1.0] * len(family["names"])
    assert "first/some/report.html" in parser.addresses
    assert "<other>" in "".join(parser.text)
    assert "default-src 'none'" in parser.policy


def test_what_is_constant_has_no_similarity():
    found = similarity([np.zeros((3, 4)), np.eye(3, 4), -np.eye(3, 4)])
    assert found[0][1] is None
    assert found[1][2] == -1


def test_other_alphabets_and_lengths_stand_apart():
    members = [{"letters": a, "heights": [[0.0]] * n} for a, n in (("ACGT", 3), ("ACGU", 3), ("ACGT", 4), ("ACGT", 3))]
    assert [len(family) for family in comparable(members)] == [2, 1, 1]


def test_the_comparison_opens_in_a_browser(browser, page):
    find = open_page(browser, page)
    assert len(find("#families figure svg.picture")) == 4 + 18
    assert re.search(r"0\.97\d", find("#analyses tbody tr")[0].text)
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    assert errors_of(browser) == []


@pytest.fixture(scope="module")
def conditions_page(tmp_path_factory):
    """Two models with opposite outputs, on sequences of which the second has dropped three."""
    folder, sequences = tmp_path_factory.mktemp("conditions"), random_sequences(60, 12)
    analyses, members = [], {}
    for name, rows in (("one", sequences), ("two", sequences.slice(3))):
        files = write_analysis(folder / name, rows, spectra(12))
        analyses.append(read_analysis(name, "some", files))
        for number, output in enumerate(("up", "down")):
            template = analyses[-1].spectrum.template
            members[f"{name}/{output}"] = Explained(template, files["sequences"], files["values"], number, [])
    table = contribution_differences("cells <b>", members)
    write_text(folder / "contribution_differences.tsv", table_text(table))
    settings = {"cells <b>": {"sequences": "some", "outputs": list(members)}}
    contents = condition_contents(settings, analyses, [str(folder / "contribution_differences.tsv")])
    (folder / "comparison.html").write_text(build_comparison(analyses, SOURCES, conditions=contents), encoding="utf-8")
    return folder / "comparison.html", contents[0], table


def test_conditions_have_one_scale_and_their_differences(conditions_page):
    _, content, table = conditions_page
    assert content["compared"] == 57 and content["left_out"] == [3, 3, 0, 0]
    assert [(pair["a"], pair["b"]) for pair in content["pairs"]] == list(
        table[["output_a", "output_b"]].drop_duplicates().itertuples(index=False, name=None)
    )
    heights = np.array(content["heights"], float)
    np.testing.assert_allclose(heights[0], -heights[1], atol=1e-6)  # down is the opposite of up
    np.testing.assert_allclose(heights[0], heights[2], atol=1e-6)  # the same model, the same sequences
    for pair in content["pairs"]:
        a, b = (heights[content["members"].index(pair[side])] for side in "ab")
        np.testing.assert_allclose(np.array(pair["heights"], float), a - b, atol=2e-5)
        sizes = [abs(row["mean_difference"]) for row in pair["strongest"]]
        assert sizes == sorted(sizes, reverse=True) and sizes[0] == pytest.approx(np.abs(a - b).max(), abs=2e-5)
    assert condition_contents({}, [], []) == []


@pytest.mark.parametrize("width", [390, 1400])
def test_conditions_are_drawn_on_a_phone_and_on_a_desk(browser, conditions_page, width):
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
    )
    try:
        find = open_page(browser, conditions_page[0])
        assert find("#condition-0 h2")[0].text == "cells <b>"
        assert "3 of one/up, 3 of one/down" in find("#condition-0 p")[0].text
        logos = find("#condition-0 figure svg.picture")
        assert len(logos) == 4 + 6
        scales = [[t.text for t in logo.find_elements("css selector", "g.axis:first-of-type text")] for logo in logos]
        assert all(scale == scales[0] for scale in scales[:4]) and all(scale == scales[4] for scale in scales[4:])
        assert len(find("#condition-0 tbody tr")) == 60
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        assert errors_of(browser) == []
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
