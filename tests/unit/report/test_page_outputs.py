"""Many outputs side by side, and a page of 145 letters: all of it is there, in a real browser too."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from page_cases import build, content_of

from analysis import random_sequences, spectra
from bedict import LETTERS, load_bedict
from pages import click, errors_of, open_page
from shapsketch.front_door import sketch_outputs
from shapsketch.report.analysis import Analysis
from shapsketch.report.page_outputs import outputs_map

LONG, COUNT = 145, 12
NAMES = ("up", "down", "third", "fourth_with_a_long_name")


@pytest.fixture(scope="module")
def long_page(tmp_path_factory):
    """Four outputs over 145 letters."""
    up, down = spectra(LONG)
    made = [up, down, replace(up, output=NAMES[2]), replace(down, output=NAMES[3])]
    return build(tmp_path_factory.mktemp("long"), random_sequences(COUNT, LONG), made)


def test_outputs_are_set_side_by_side_by_position(long_page):
    _, content, _ = content_of(long_page)
    shown = content["outputs_map"]
    assert shown["names"] == list(NAMES)
    assert shown["r2"] == ["0.970"] * 4
    values = pd.read_parquet(long_page.parent / "values.parquet")
    places = [f"pos_{i + 1}" for i in range(LONG)]
    for name, row in zip(NAMES, shown["values"], strict=True):
        wanted = values.loc[values["output"] == name, places].abs().mean()
        assert row == pytest.approx(wanted.to_numpy(), rel=1e-3, abs=1e-6)


def test_two_outputs_have_no_map(page):
    parser, content, _ = content_of(page)
    assert content["outputs_map"] is None
    assert "outputs-map" not in parser.ids


def test_the_map_of_outputs_chooses_one(browser, long_page):
    find = open_page(browser, long_page)
    assert len(find("#outputs-map .row")) == 4
    assert len(find("#outputs-map .row .cell")) == 4 * LONG
    click(browser, find("#outputs-map .row:nth-of-type(3) .cell")[3])
    pressed = [b.get_attribute("aria-pressed") for b in find("#output-choice .choice")]
    assert pressed == ["false", "false", "true", "false"]
    before = find("#outputs-map .row .cell")[2].get_attribute("data-tip")
    click(browser, find("#outputs-map .choice")[1])
    after = find("#outputs-map .row .cell")[2].get_attribute("data-tip")
    assert before.startswith("up, position 3") and after.endswith("%") and before != after
    assert errors_of(browser) == []


def test_logos_of_145_letters_are_whole(browser, long_page):
    """Nothing of a logo lies beyond its picture, and the picture is no wider than what it stands in."""
    open_page(browser, long_page)
    places = browser.execute_script(
        """return ["#contributions", "#explanation"].map((id) => {
          const picture = document.querySelector(`${id} svg`), box = picture.getBoundingClientRect();
          const outside = [...picture.querySelectorAll("rect, use, text")].filter((part) => {
            const own = part.getBoundingClientRect();
            return own.width && (own.right > box.right + 1 || own.left < box.left - 1);
          });
          const frame = picture.closest(".scroll");
          return [picture.querySelectorAll(".hit").length, outside.length, box.width <= frame.clientWidth + 1];
        })"""
    )
    assert places == [[LONG, 0, True], [LONG, 0, True]]


def test_of_the_variance_says_which(browser, long_page, root):
    """A share is of the variance found, or of the model's, under the background; a motif's is over the sequences."""
    scripts = "".join(path.read_text() for path in sorted((root / "workflow/report").glob("*.js")))
    parser, _, _ = content_of(long_page)
    text = " ".join(f"{scripts} {''.join(parser.text)}".split())
    after = [text[k + len("of the variance") :][:22] for k in range(len(text)) if text.startswith("of the variance", k)]
    assert len(after) > 5
    assert {a.split()[0].strip('`",.;') if a.split() else a for a in after} <= {"found", "over"}
    open_page(browser, long_page)
    tips = browser.execute_script(
        "return [...document.querySelectorAll('#faithfulness [data-tip]')].map((e) => e.dataset.tip)"
    )
    assert any(tip.endswith("of the model's variance") for tip in tips)


def test_the_editing_window_of_a_base_editor_is_a_picture_over_its_20_outputs(shared, tmp_path):
    window = range(3, 12)  # that ABEmax edits in
    network = load_bedict(shared / "bedict_abemax/bedict_abemax_weights.npz")

    def edited(texts):
        with torch.inference_mode():
            numbers = torch.tensor([[LETTERS.index(letter) for letter in text] for text in texts])
            return torch.sigmoid(network(numbers)).numpy()

    names = [f"A{i + 1}" for i in range(20)]
    found = sketch_outputs(edited, "N" * 20, 1500, outputs=names, estimator="regression", max_order=2)
    texts = random_sequences(30, 20)["sequence"].to_pylist()
    rows = [
        (name, "SV", None, str(i + 1), value)
        for name, spectrum in found.items()
        for i, value in enumerate(np.abs(spectrum.shapley_values(texts)).mean(0))
    ]
    means = pd.DataFrame(rows, columns=["output", "index", "group", "positions", "mean_absolute"])
    means.to_parquet(tmp_path / "aggregates.parquet")
    scores = {name: spectrum.provenance["faithfulness"] for name, spectrum in found.items()}
    shown = outputs_map(
        Analysis("m", "s", {"aggregates": str(tmp_path / "aggregates.parquet")}, dict(found), scores, {}, {})
    )
    assert shown["names"] == names
    grid = np.array(shown["values"])
    within = np.isin(np.arange(1, 21), window)
    moved = grid.sum(1)  # how much all positions together move each output
    assert moved[within].min() > 2 * moved[~within & (np.arange(1, 21) > 13)].max()
    assert set(np.argsort(-grid.sum(0))[:5] + 1) <= set(window)
    assert min(scores[f"A{i}"]["r2"] for i in (3, 4, 7, 8)) > 0.8
