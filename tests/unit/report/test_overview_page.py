"""The comparison page."""

import json
import re

import numpy as np
import pytest

from analysis import ROOT, random_sequences, spectra, write_analysis
from pages import Parser, errors_of, open_page
from shapsketch.report.analysis import read_analysis
from shapsketch.report.overview_page import build_comparison, comparable, similarity

SOURCES = {
    "template": ROOT / "workflow/report/comparison.html.j2",
    "style": ROOT / "workflow/report/page.css",
    "scripts": [ROOT / "workflow/report" / name for name in ("draw.js", "logo.js", "comparison.js")],
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
