"""The browser of latents, in a real browser."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import planted
import pytest

from pages import Parser, click, errors_of, open_page
from shapsketch.mechanism import (
    ablation,
    activations,
    circuits,
    games,
    latents,
    nodes,
    probes,
    steering,
    viewer,
)
from shapsketch.mechanism.replacement import encode_all
from shapsketch.models.dictionary import Dictionary
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
    "scripts": [REPORT / name for name in ("draw.js", "logo.js", "measures.js", "circuits.js", "mechanism.js")],
}
TEMPLATE = Template(Alphabet("ACGT"), "N" * planted.N)
SUMMARY = {"mean": 0.9, "interval": [0.8, 1.0], "seeds": 2}
SCORES = {
    "model": "toy", "modules": ["first", "second"], "sequences": 60, "clusters": 60, "held_out": 60,
    "kinds": {
        "transcoder": {
            **dict.fromkeys(("r2", "recovered", "fvu", "l0", "dead_share", "stability"), SUMMARY),
            "controls": {"fvu": {"pca": 0.5}, "stability": 0.0},
        }
    },
}  # fmt: skip
CONCEPTS = pd.DataFrame({"concept": ["tg"], "latent": ["1.0"], "f1": [1.0], "neuron_f1": [0.4], "random_f1": [0.7]})
DESIGNS = pd.DataFrame([
    {
        "arm": "latents", "mean": 1.0, "mean_low": 0.8, "mean_high": 1.2, "top": 2.0, "top_low": 1.5, "top_high": 2.5,
        "max": 3.0, "max_low": 3.0, "max_high": 3.0, "top_gain": None, "top_gain_low": None, "top_gain_high": None,
    },
    {
        "arm": "logits", "mean": 0.2, "mean_low": 0.1, "mean_high": 0.3, "top": 0.5, "top_low": 0.4, "top_high": 0.6,
        "max": 1.0, "max_low": 0.9, "max_high": 1.1, "top_gain": 1.5, "top_gain_low": 1.2, "top_gain_high": 1.8,
    },
])  # fmt: skip


@dataclass(frozen=True)
class Toy:
    """What the parts of the page are made of."""

    network: HookedNetwork
    dictionary: Dictionary
    coded: latents.Coded
    effects: tuple[np.ndarray, np.ndarray]

    @property
    def codes(self):
        return self.coded.codes

    @property
    def names(self):
        return self.dictionary.names()


@pytest.fixture(scope="module")
def toy(root):
    """The planted network with its exact dictionary, and what 60 sequences show of it."""
    source = {"kind": "torch", "layout": "channels_first", "factory": f"{root}/tests/planted.py:network"}
    network = HookedNetwork(source, TEMPLATE, ["y"])
    dictionary = planted.exact_dictionary(network)
    codes = activations.draw(Background.uniform(TEMPLATE), 0, 0, 60)
    coded = latents.Coded.of(network, dictionary, [f"</script>{k}" for k in range(60)], codes)
    return Toy(network, dictionary, coded, latents.effects(network, dictionary, coded, 20))


@pytest.fixture(scope="module")
def page(toy, tmp_path_factory):
    """The whole page, as a file."""
    matrices = matrices_of(toy)
    table = latents.latent_table(toy.dictionary, toy.coded, ["y"], toy.effects, matrices, np.ones(1), 5).to_pandas()
    letters = pd.concat([matrix.table(TEMPLATE.alphabet) for matrix in matrices.values()])
    circuit, graph = circuit_of(toy)
    tables = {**steering_of(toy), **probes_of(toy), "concepts": CONCEPTS, "designs": DESIGNS}
    content = page_content(
        table, TEMPLATE.alphabet.decode(toy.codes), letters, SCORES, tables, {"y": circuit}, {"y-1.json": graph},
        {"1.0": "s.html"}, TEMPLATE.alphabet,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render(SOURCES, content, name="<toy>", dictionary=SCORES, read_on=60, version="0"))
    return path


def matrices_of(toy):
    """The letters about three latents; the fourth is never active."""
    return {
        name: latents.matrix_of(toy.coded, toy.coded.latents[k // 2][:, :, k % 2], 1, 2, TEMPLATE.alphabet, name)
        for k, name in enumerate(toy.names[:3])
    }


def circuit_of(toy):
    """What `circuits.json` has of the output, and the graph of one sequence in the viewer's format."""
    network, dictionary, codes = toy.network, toy.dictionary, toy.codes
    means = [z.mean(0) for z in encode_all(network, dictionary, codes)]
    watched = nodes.Watched.of(network, dictionary, codes, np.arange(60), 0)
    graph = circuits.trace(network, dictionary, TEMPLATE.alphabet.encode(["TGATGA"])[0], "y")
    sizes, orders = [0, 1, 2, 4], {"selection": [0, 2, 1, 3], "ablation": [0, 1, 2, 3], "gradient": [3, 2, 1, 0]}
    ablated = {
        kind: ablation.ablated(network, dictionary, codes, means, np.array(order), sizes, 0)
        for kind, order in orders.items()
    }
    circuit = {
        "nodes": nodes.strongest_nodes(network, dictionary, watched, means, 0), "sizes": sizes, "latents": 4,
        **ablation.Curves(sizes, network.predict(codes)[:, 0], ablated, np.arange(len(codes))).record(0),
        **games.explain_sequences(network, dictionary, codes[:4], means, [0, 1, 2], 0).record(toy.names[:3]),
        "graphs": [{"file": "y-1.json", "sequence": graph.sequence, "value": graph.value, **graph.scores()}],
    }  # fmt: skip
    said = nodes.name_graph(graph, watched, "ACGT")
    return circuit, viewer.viewer_json(graph, "y-1", toy.names, said, 1.0, 1.0)


def steering_of(toy):
    """Pushes along latents beside their controls, and doses."""
    compared = steering.compare(toy.network, toy.dictionary, toy.codes[::2], toy.codes[1::2], toy.effects[0], 0)
    doses = steering.dose_response(toy.network, toy.dictionary, toy.codes[:20], ["1.0", "0.0"], [0, 1, 2])
    return {"steering": pd.DataFrame(compared), "doses": pd.DataFrame(doses)}


def probes_of(toy):
    """A probe of the output itself, by latents and by letters, under a name that is no markup."""
    name = "<b>strength"
    features = {"latents": probes.pool(toy.coded.latents[1]), "onehot": probes.onehot(toy.codes, 4)}
    scored = probes.probe(features, toy.network.predict(toy.codes)[:, 0], np.arange(60) < 20, [8, 24], 4, 0)
    strongest = pd.DataFrame({"probe": [name], "latent": ["mean of 1.0"], "weight": [0.5]})
    return {"probes": pd.DataFrame(scored).assign(probe=name), "probe_latents": strongest}


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
    assert "single layers" in find("#measures")[0].text
    assert "4 as gradients rank them" in find("#circuits")[0].text
    assert len(find(".needed tbody tr")) == 3
    assert any(row.text.startswith("0.0 1 G at 1 1 ") for row in find(".nodes tbody tr"))
    assert "best neuron" in find("#tables")[0].text
    assert not errors_of(browser)


@pytest.mark.parametrize("title", ["position", "bits"])
def test_latents_without_a_value_come_last_however_they_are_sorted(page, browser, title):
    find = open_page(browser, page)
    column = [b.text.split(" ")[0] for b in find("#table thead button")].index(title)
    for arrow in "↓↑":
        button = find("#table thead button")[column]
        click(browser, button)
        assert find("#table thead button")[column].text == f"{title} {arrow}"
        shown = [cell.text for cell in find(f"#table tbody td:nth-child({column + 1})")]
        assert shown[-1] == "\u2013" and "\u2013" not in shown[:-1]


def test_a_circuit_is_drawn_pruned_and_read(page, browser):
    find = open_page(browser, page)
    nodes, edges = find(".graph .node"), find(".graph .edge")
    assert len(find(".graph .node.output")) == 1
    assert len(find(".graph .node.latent")) >= 2
    browser.execute_script(
        "const s = document.querySelector('input[type=range]'); s.value = 5; s.dispatchEvent(new Event('input'))"
    )
    assert len(find(".graph .node")) < len(nodes)
    assert len(find(".graph .edge")) < len(edges)
    browser.execute_script(
        "const s = document.querySelector('input[type=range]'); s.value = 100; s.dispatchEvent(new Event('input'))"
    )
    conjunction = next(n for n in find(".graph .node.latent") if "latent 1.0 at 2 (G)" in n.get_attribute("aria-label"))
    browser.execute_script("arguments[0].dispatchEvent(new Event('click'))", conjunction)
    shown = find(".detail")[0].text
    assert "latent 1.0 at 2 (G)" in shown
    assert "concept tg (F1 1; random latents 0.7)" in shown
    assert "says T at 1 (F1 0.67" in shown, "one letter of two"
    assert "+3 y" in shown, "the weight with which the conjunction counts"
    assert "latent 0.0 at 2 (G)" in shown
    assert "latent 0.1 at 1 (T)" in shown
    assert find(".detail a[href='s.html']")
    assert find(".detail svg .letters use")
    assert find(".graph .edge.lit")
    assert not errors_of(browser)


def test_players_probes_and_steering_are_drawn_with_their_intervals(page, browser):
    find = open_page(browser, page)
    assert len(find(".game .cell")) == 3
    assert len(find(".game .error")) == 3
    assert len(find(".game tbody tr")) == 3
    assert find(".game .edge")
    assert len(find(".probe circle")) == 4
    assert len(find(".probe .whisker")) == 4
    assert "Probe of <b>strength" in find("#probed")[0].text
    assert len(find("#steering circle.dot")) == 6
    assert find("#steering .whisker")
    steered = find("#steering")[0].text
    assert "of 1 outputs rise more" in steered
    assert ("Behind a control: y" in steered) == steered.startswith(
        "Pushes of equal length\nPushed along one latent, 0 of"
    )
    assert find("#doses .whisker")
    assert "no push +1.5 (+1.2 to +1.8)" in find("#designs")[0].text
    assert len(find("#designs .whisker")) == 6
    click(browser, find(".probe button")[0])
    assert "Latent 1.0 of second" in find("#latent")[0].text
    assert not errors_of(browser)


def test_nothing_is_wider_than_a_phone(page, browser):
    browser.set_window_size(500, 900)  # as narrow as a window can be
    try:
        find = open_page(browser, page)
        width = browser.execute_script("return document.documentElement.clientWidth")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        assert find(".graph")
    finally:
        browser.set_window_size(1200, 900)
