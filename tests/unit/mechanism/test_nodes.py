"""Latents at single positions: what they say, and what an output is without them."""

import numpy as np
import planted
import pytest

from shapsketch.mechanism import circuits, nodes
from shapsketch.mechanism.replacement import encode_all

G = planted.TEMPLATE.alphabet.letters.index("G")


@pytest.fixture(scope="module")
def watched(network, letters):
    dictionary = planted.exact_dictionary(network)
    return dictionary, nodes.Watched.of(network, dictionary, letters, np.arange(len(letters)) // 2, 0)


def test_a_latent_at_a_position_says_which_letter_is_there(watched, letters):
    own = watched[1]
    at = np.arange(planted.N)
    said = own.name(own.active(0 * at, at, 0 * at), "ACGT")
    assert [(one["letter"], one["place"], one["f1"]) for one in said] == [("G", k + 1, 1.0) for k in at]
    assert all(one["chance_f1"] < 0.6 for one in said)
    always = nodes.name_nodes(np.ones((len(letters), 1), bool), letters, own.scored, 4, 0)
    share = (letters[own.scored] == always.letter)[:, always.place].mean()
    assert always.f1 == pytest.approx(2 * share / (1 + share))
    unscored = nodes.name_nodes(letters[:, :1] == G, letters, np.zeros(len(letters), bool), 4, 0)
    assert unscored.record(0, "ACGT") == {"letter": "G", "place": 1, "f1": None, "chance_f1": None}


def test_the_strongest_nodes_are_those_that_change_the_output_most(watched, network, letters):
    dictionary, own = watched
    means = [z.mean(0) for z in encode_all(network, dictionary, letters)]
    rows = nodes.strongest_nodes(network, dictionary, own, means, 0)
    first = next(row for row in rows if (row["latent"], row["position"]) == ("0.0", 1))
    assert first["effect"] == pytest.approx(2, abs=1e-4)  # no t stands before it
    assert first["active"] == (letters[:, 0] == G).mean()
    assert first["size"] == pytest.approx(2 * np.sqrt(first["active"]), abs=1e-4)
    assert (first["letter"], first["place"]) == ("G", 1)
    assert [row["size"] for row in rows] == sorted((row["size"] for row in rows), reverse=True)
    assert "1.1" not in {row["latent"] for row in rows if row["size"] > 0}  # which says nothing


def test_nodes_of_graphs_are_named_and_others_are_not(watched, network):
    dictionary, own = watched
    graph = circuits.trace(network, dictionary, planted.TEMPLATE.alphabet.encode(["TGATGA"])[0], "y")
    said = nodes.name_graph(graph, own, "ACGT")
    assert [one is not None for one in said] == [kind == "latent" for kind in graph.kinds]
    named = {
        tuple(map(int, key)): one
        for *key, one in zip(graph.layer, graph.position, graph.latent, said, strict=True)
        if one
    }
    assert (named[0, 1, 0]["letter"], named[0, 1, 0]["place"]) == ("G", 2)
    assert (named[0, 3, 1]["letter"], named[0, 3, 1]["place"]) == ("T", 4)
