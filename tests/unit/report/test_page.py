"""The page: what it holds, that nothing can break out of its data, and that it works in a real browser.

Covers also: page_methods.
"""

import base64
import hashlib
import json
import re
from itertools import product

import numpy as np
import pandas as pd
import pytest
from page_cases import N, build, content_of

from analysis import NASTY, SETTINGS, SOURCES, random_sequences, spectra, write_analysis
from pages import call, click, errors_of, open_page
from shapsketch.fidelity.verdict import undefined_audit
from shapsketch.report.analysis import read_analysis, summary_lines
from shapsketch.report.html import script_safe
from shapsketch.report.overview_page import summary_rows
from shapsketch.report.page import build_page
from shapsketch.storage.files import read_json, write_json


def test_the_page_holds_what_the_files_hold(page):
    folder = page.parent
    _, content, arrays = content_of(page)
    values = pd.read_parquet(folder / "values.parquet")
    positions = [c for c in values if c.startswith("pos_")]
    sequences = pd.read_parquet(folder / "sequences.parquet")
    assert arrays["ids"] == sequences["sequence_id"].tolist()
    assert arrays["letters"].tobytes().decode() == "".join(sequences["sequence"])
    names = ["", *content["sequences"]["groups"]]
    assert [names[k] for k in arrays["groups"]] == sequences["group"].tolist()
    interactions = pd.read_parquet(folder / "interactions.parquet")
    errors = pd.read_parquet(folder / "errors.parquet")
    for k, output in enumerate(("up", "down")):
        own = values[values["output"] == output]
        matrix = own[positions].to_numpy()
        assert np.abs(arrays[f"{k}/values"].reshape(matrix.shape) - matrix).max() <= np.abs(matrix).max() / 60_000
        assert arrays[f"{k}/prediction"] == pytest.approx(own["prediction"].to_numpy(), rel=1e-6)
        assert arrays[f"{k}/errors"] == pytest.approx(
            errors[errors["output"] == output][positions].to_numpy().ravel(), abs=0.002
        )
        starts, rows = arrays[f"{k}/starts"], interactions[interactions["output"] == output]
        for r in (0, 5, 89):
            expected = rows[rows["sequence_id"] == arrays["ids"][r]]
            found = slice(starts[r], starts[r + 1])
            supports = [content["sequences"]["supports"][s] for s in arrays[f"{k}/supports"][found]]
            assert supports == expected["positions"].tolist()
            assert arrays[f"{k}/interactions"][found] == pytest.approx(expected["value"].to_numpy(), abs=1e-4)
    up = content["outputs"][0]
    assert [view["set"] for view in up["views"]] == ["all", "top", "bottom", "group:x", "group:y"]
    motif = up["motifs"][0]
    assert (motif["motif"], motif["columns"], motif["core"]) == ("M1", [3, 4, 5], [True, False, True])
    assert motif["gaps"] == [[1, 9], [2, 4], [4, 1]]
    assert motif["matches"][0]["target"] == "KNOWN<b>"
    assert up["supports"][0]["cells"][11] == ["GT", 1.0, 5]
    assert up["supports"][0]["cell_count"] == 16


def test_the_sketch_is_set_beside_other_methods(page):
    parser, content, _ = content_of(page)
    text = " ".join(" ".join(parser.text).split())
    assert "The sketch costs 30 evaluations per sequence and has R² 0.970" in text
    assert "KernelSHAP, has R² 0.700 for 266 evaluations" in text
    assert "From 32 sequences on, the sketch has cost less than any that asks for each sequence." in text
    assert "12 of your sequences by each method, against the long-run truth (standard error 2 % of its spread)" in text
    assert "DeepSHAP cannot <i>" in text
    assert "KernelSHAP: note <b>" in text
    rows = content["outputs"][1]["comparison"]
    assert [row["name"] for row in rows] == ["shapsketch", "KernelSHAP", "KernelSHAP", "SHAP-IQ", "DeepSHAP"]
    assert rows[0]["color"] is None and rows[1]["color"] == rows[2]["color"] == "#E69F00" and rows[4]["r2"] is None


def test_the_page_is_one_file_that_may_not_connect(page):
    parser, _, _ = content_of(page)
    (script,), (style,) = parser.scripts[None], parser.styles
    rules = dict(rule.strip().split(" ", 1) for rule in parser.policy.split(";"))
    for name, text in (("script-src", script), ("style-src", style)):
        assert rules[name] == f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
    assert rules["default-src"] == "'none'"
    assert "connect-src" not in rules
    assert not parser.handlers
    assert all(a.startswith(("#", "data:")) or re.fullmatch(r"[\w./]+", a) for a in parser.addresses)
    assert "@import" not in style and "url(" not in style
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", script)
    assert len(parser.ids) == len(set(parser.ids))


def test_names_cannot_break_the_page(page):
    parser, _, arrays = content_of(page)
    assert arrays["ids"][: len(NASTY)] == NASTY
    assert set(parser.scripts) == {"supplement", "page-data", "page-pack", None}
    assert all(len(texts) == 1 for texts in parser.scripts.values())
    shown = "".join(parser.text)
    assert "some<model>" in shown and 'some "sequences"' in shown
    hostile = {"</script>": ["<!--", "]]>", "\u2028", "&lt;"]}
    assert json.loads(script_safe(hostile)) == hostile
    assert not set("<>&\u2028") & set(script_safe(hostile))


SMALL = {
    "few": (4, {}, "Only 4 sequences were explained"),
    "one": (1, {}, "A single sequence was explained"),
    "none": (0, {}, "No sequence was explained"),
    "additive": (40, {"additive": True}, "An additive explanation can be trusted"),
    "constant": (40, {"constant": True}, "The model is constant here"),
}


@pytest.fixture(scope="module")
def unscored_page(tmp_path_factory):
    """Of outputs whose hold-out is one value, so that there is no R2, nor a learning curve."""
    folder = tmp_path_factory.mktemp("unscored")
    files, near = (
        write_analysis(folder, random_sequences(30, N), spectra(N)),
        {"near": ["sites"], "near_holdout": 90, "r2_near": 0.95, "r2_near_interval": [0.94, 0.96]},
    )
    scores = read_json(folder / "faithfulness.json")
    for score in scores.values():
        score |= {"r2": None, "r2_interval": None, "r2_by_order": {}, "r2_undefined": "all the same", "variance": 0.0}
        score |= near | undefined_audit(score["variance_by_order"], near)
    write_json(folder / "faithfulness.json", scores)
    curve = pd.read_csv(folder / "curve.tsv", sep="\t")
    curve[:0].to_csv(folder / "curve.tsv", sep="\t", index=False)
    analysis, page = read_analysis("m", "s", files), folder / "report.html"
    page.write_text(build_page(analysis, SOURCES, SETTINGS, 8_000_000), encoding="utf-8")
    return page, analysis


def test_an_undefined_r2_is_told_as_such(unscored_page):
    page, analysis = unscored_page
    parser, content, _ = content_of(page)
    text = " ".join("".join(parser.text).split())
    assert "undefined" in text and "R² near sites" in text and "R2 on the hold-out is undefined" in text
    assert content["outputs"][0]["r2"] is None and content["outputs"][0]["curve"] == []
    assert content["outputs"][0]["motifs"]
    lines = summary_lines(analysis, "report.html")
    assert any("R2 undefined on the hold-out, 0.950 (0.940 to 0.960) near sites" in line for line in lines)
    (row, _) = summary_rows([analysis])
    assert row["r2"] == ("undefined", "")


def test_a_page_without_r2_works_in_a_browser(browser, unscored_page):
    find = open_page(browser, unscored_page[0])
    assert len(find("#faithfulness svg")) == 2
    assert not errors_of(browser)


@pytest.fixture(scope="module")
def small_pages(tmp_path_factory):
    pages = {}
    for name, (count, options, _) in SMALL.items():
        pages[name] = build(
            tmp_path_factory.mktemp(name), random_sequences(count, N), spectra(N, **options), errors=count > 1
        )
    return pages


@pytest.mark.parametrize("name", SMALL)
def test_pages_of_little_say_so(small_pages, name):
    parser, content, _ = content_of(small_pages[name])
    assert SMALL[name][2] in "".join(parser.text)
    assert content["sequences"]["shown"] == SMALL[name][0]
    if name in ("additive", "constant"):
        assert content["outputs"][0]["motifs"] == []


def test_the_page_works_in_a_browser(browser, page):
    find = open_page(browser, page)
    _, _, arrays = content_of(page)
    by_value = np.argsort(-arrays["0/reconstruction"], kind="stable")
    names = lambda: [e.text for e in find("tbody .name")]  # noqa: E731
    raw = lambda: [e.get_attribute("title") for e in find("tbody .name")]  # noqa: E731
    assert raw() == [arrays["ids"][r] for r in by_value[:20]]
    assert len(find("#contributions svg use")) == 2 * N
    assert len(find("#gallery article")) == 1
    assert len(find("#map .cell.plain")) > N * (N - 1) / 2
    assert len(find("#faithfulness svg")) == 4
    # sort
    click(browser, find("th[data-key=reconstruction] button")[0])
    assert raw() == [arrays["ids"][r] for r in np.argsort(arrays["0/reconstruction"], kind="stable")[:20]]
    assert find("th[data-key=reconstruction]")[0].get_attribute("aria-sort") == "ascending"
    # search, for a name and for letters
    search = find("#search")[0]
    everything = "\ue009a\ue000"  # Ctrl + A
    search.send_keys("s42")
    assert names() == ["s42"]
    search.send_keys(everything, "g.t")
    letters = pd.read_parquet(page.parent / "sequences.parquet").set_index("sequence_id")["sequence"]
    matching = {i for i, s in letters.items() if re.search("G.T", s)}
    assert f"of {len(matching)} found among 90" in find("#count")[0].text
    assert set(raw()) <= matching
    search.send_keys(everything, "<img")
    assert names() == [NASTY[1]]
    # choose
    click(browser, find("tbody .name")[0])
    assert find("#chosen-name")[0].text == NASTY[1]
    row = arrays["ids"].index(NASTY[1])
    listed = min(12, int(np.diff(arrays["0/starts"])[row]))
    assert len(find("#explanation .arc")) == len(find("#explanation .interactions li")) == listed > 0
    assert len(find("#explanation .error")) == N
    assert len(find("#explanation .sequence text")) == N
    # another output, and a page further
    search.send_keys(everything, "\ue017")  # Delete
    click(browser, find("#output-choice button")[1])
    assert find("section[data-output='1']")[0].is_displayed() and not find("section[data-output='0']")[0].is_displayed()
    assert find("#chosen-name")[0].text == NASTY[1]
    click(browser, find("#table .tools button")[-1])
    assert "21\u201340 of 90 sequences" in find("#count")[0].text
    assert not find("img")
    assert errors_of(browser) == []


def test_the_page_works_with_the_keyboard(browser, page):
    from selenium.webdriver.common.keys import Keys

    find = open_page(browser, page)
    first = find("tbody .name")[0]
    first.send_keys(Keys.ENTER)
    first.send_keys(Keys.ARROW_DOWN)
    second = find("tbody .name")[1].get_attribute("title")
    assert browser.switch_to.active_element.get_attribute("title") == second
    assert find("tr.chosen .name")[0].get_attribute("title") == second
    browser.execute_script("arguments[0].focus()", find(".interactions li")[0])
    assert len(find(".arc.lit")) == 1
    assert find("#tip")[0].is_displayed()
    assert errors_of(browser) == []


@pytest.mark.parametrize(("column", "heights"), [([1, 0, 0, 0], [1, 0, 0, 0]), ([0, 1, 0, 0], [0, 0, 0, 0])])
def test_letters_that_no_free_position_may_have_tell_nothing(browser, column, heights):
    assert call(browser, ["logo.js"], "information(...arguments)", column, [0.5, 0, 0.5, 0]) == heights


def test_small_letter_tables_show_their_strongest_letters_and_say_how_many_are_left(browser):
    cells = [[a + b, 0.1 * k * (-1) ** k, 5] for k, (a, b) in enumerate(product("ACG", "ACG"), 1)]
    support = {"positions": "3,5", "order": 2, "share": 0.1, "cells": cells, "cell_count": 9}
    text = "[...supportTable({}, arguments[0]).querySelectorAll('li')].map((e) => e.textContent)"
    _, *shown, rest = call(browser, ["draw.js", "gallery.js"], text, support)
    assert [words.split()[0] for words in shown] == ["GG", "GC", "GA", "CG", "CC", "CA"]
    assert rest == "and 3 weaker"
    support |= {"cells": cells[:6], "cell_count": 6}
    assert len(call(browser, ["draw.js", "gallery.js"], text, support)) == 7


@pytest.mark.parametrize("name", SMALL)
def test_pages_of_little_open_in_a_browser(browser, small_pages, name):
    find = open_page(browser, small_pages[name])
    assert len(find("tbody .name")) == min(20, SMALL[name][0])
    if name in ("additive", "constant"):
        assert "no motifs" in find("#gallery")[0].text or "No interaction stands out" in find("#gallery")[0].text
        nothing = {"additive": "No pair of positions interacts", "constant": "there is nothing to map"}
        assert nothing[name] in find("#map")[0].text
    assert errors_of(browser) == []


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_screen(browser, page, width):
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        open_page(browser, page)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_pictures_and_controls_have_names(browser, page):
    open_page(browser, page)
    nameless = browser.execute_script("""
      const labelled = (e) => document.querySelector(`label[for="${e.id}"]`);
      const named = (e) => e.getAttribute("aria-label") || e.textContent.trim() || labelled(e);
      const all = document.querySelectorAll("svg.picture, button, select, input, [role=region]");
      return [...all].filter((e) => !named(e) || (e.tagName === "svg" && !e.hasAttribute("aria-label"))).length""")
    assert nameless == 0


CONTRAST = """
const probe = document.body.appendChild(document.createElement("span"));
const canvas = new OffscreenCanvas(1, 1).getContext("2d");
const linear = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const luminance = (name) => {
  probe.style.color = `var(--${name})`;
  canvas.fillStyle = getComputedStyle(probe).color;
  canvas.fillRect(0, 0, 1, 1);
  const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map(linear);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
return ["ink", "soft", "up", "down", "accent"].flatMap((text) =>
  ["paper", "card", "shade"].map((back) => [text, back, ratio(luminance(text), luminance(back))]));
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_texts_stand_out(browser, page, theme):
    """At least 4.5 to 1, as WCAG 2 asks of text."""
    open_page(browser, page)
    browser.execute_script(f"document.documentElement.dataset.theme = '{theme}'")
    ratios = browser.execute_script(CONTRAST)
    assert [(text, back, round(r, 2)) for text, back, r in ratios if r < 4.5] == []
