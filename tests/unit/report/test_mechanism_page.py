"""The browser of latents, in a real browser."""

from pathlib import Path

import numpy as np
import pandas as pd
import planted
import pytest

from pages import Parser, click, errors_of, open_page
from shapsketch.mechanism import activations, circuits, latents, measures
from shapsketch.models.hooked_network import HookedNetwork
from shapsketch.report.html import render
from shapsketch.report.mechanism_page import page_content
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template

REPORT = Path(__file__).resolve().parents[3] / "workflow/report"
SOURCES = {
    "template": REPORT / "mechanism.html.j2",
    "style": REPORT / "page.css",
    "scripts": [REPORT / name for name in ("draw.js", "logo.js", "mechanism.js")],
}
TEMPLATE = Template(Alphabet("ACGT"), "N" * planted.N)


@pytest.fixture(scope="module")
def page(root, tmp_path_factory):
    source = {"kind": "torch", "layout": "channels_first", "factory": f"{root}/tests/planted.py:network"}
    network = HookedNetwork(source, TEMPLATE, ["y"])
    dictionary = planted.exact_dictionary(network)
    codes = activations.draw(Background.uniform(TEMPLATE), 0, 0, 60)
    coded = latents.Coded.of(network, dictionary, [f"</script>{k}" for k in range(60)], codes)
    measured = latents.effects(network, dictionary, coded, 20)
    names = dictionary.names()
    matrices = {
        name: latents.matrix_of(coded, coded.latents[k // 2][:, :, k % 2], 1, 2, TEMPLATE.alphabet, name)
        for k, name in enumerate(names[:3])
    }
    table = latents.latent_table(dictionary, coded, ["y"], measured, matrices, np.ones(1), 5).to_pandas()
    summary = {"mean": 0.9, "interval": [0.8, 1.0], "seeds": 2}
    keys = ("r2", "recovered", "fvu", "l0", "dead_share", "stability")
    kind = dict.fromkeys(keys, summary) | {"controls": {"fvu": {"pca": 0.5}, "stability": 0.0}}
    scores = {
        "model": "toy", "modules": ["first", "second"], "sequences": 60, "clusters": 60, "held_out": 60,
        "kinds": {"transcoder": kind},
    }  # fmt: skip
    graph = circuits.trace(network, dictionary, codes[0], "y")
    circuit = {
        "graphs": [{"file": "y-1.json", "sequence": graph.sequence, "value": graph.value, **graph.scores()}],
        "needed": {"ablation": 1, "random": None}, "latents": 4, "players": ["1.0"], "shapley_values": [[3.0]],
    }  # fmt: skip
    concepts = pd.DataFrame({"concept": ["tg"], "latent": ["1.0"], "f1": [1.0], "neuron_f1": [0.4]})
    whole = pd.concat([matrix.table(TEMPLATE.alphabet) for matrix in matrices.values()])
    content = page_content(
        table,
        TEMPLATE.alphabet.decode(codes),
        whole,
        scores,
        {"concepts": concepts},
        {"y": circuit},
        {"1.0": "s.html"},
        TEMPLATE.alphabet,
    )
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render(SOURCES, content, name="<toy>", dictionary=scores, read_on=60, version="0"))
    assert measures.over_seeds([1.0]) is not None
    return path


def test_text_is_text_and_nothing_is_fetched(page):
    parsed = Parser(page.read_text())
    assert set(parsed.scripts) == {"page-data", None}
    assert "default-src 'none'" in parsed.policy
    assert not parsed.handlers
    assert "<toy>" in "".join(parsed.text)


def test_latents_are_found_sorted_and_shown(page, browser):
    find = open_page(browser, page)
    assert len(find("#table tbody tr")) == 4
    search = find("#search")[0]
    search.send_keys("tg")
    rows = find("#table tbody tr")
    assert len(rows) == 1
    click(browser, rows[0].find_elements("css selector", "button")[0])
    shown = find("#latent")[0].text
    assert "Latent 1.0 of second" in shown
    assert "its sketch" in shown
    assert len(find("#latent svg")) >= 2
    assert len(find("#latent svg .letters use")) >= 2, "its logo has no letters"
    search.clear()
    search.send_keys(" ")
    density = next(b for b in find("#table thead button") if b.text.startswith("active"))
    click(browser, density)
    assert "active" in find("#table thead")[0].text
    assert "transcoder" in find("#measures")[0].text
    assert "ablation 1, random never" in find("#circuits")[0].text
    assert "neuron_f1" in find("#tables")[0].text
    assert not errors_of(browser)
