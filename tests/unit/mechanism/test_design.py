"""Design by steering, on a masked language model whose features are known."""

import numpy as np
import planted_masked
import pytest

from shapsketch.mechanism import design
from shapsketch.models.hooked_network import HookedNetwork
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError

TEMPLATE = Template(Alphabet("ACGT"), "N" * planted_masked.N)
WILD = TEMPLATE.alphabet.encode(["AAAAATTTTT"])[0]
ANY = np.ones((planted_masked.N, 4), bool)
PLAN = design.Plan(mutations=5, designs=60, latents=2, strengths=[0.5, 2])


@pytest.fixture(scope="module")
def masked(root):
    source = {
        "kind": "torch", "factory": f"{root}/tests/planted_masked.py:network", "input": "tokens",
        "tokens": {"vocabulary": ["A", "C", "G", "T", "mask"], "mask": "mask"},
    }  # fmt: skip
    network = HookedNetwork(source, TEMPLATE, ["x"])
    return network, planted_masked.exact_dictionary(network)


def count_g(codes):
    return (codes == 2).sum(1).astype(float)


def variants(count=200):
    """The wild type with three letters anew."""
    draws = np.random.default_rng(0)
    codes = np.repeat(WILD[None], count, 0)
    for row in codes:
        row[draws.choice(len(WILD), 3, replace=False)] = draws.integers(0, 4, 3)
    return codes, count_g(codes)


def test_scores_of_mutations_are_those_of_the_hidden_letter(masked):
    network, _ = masked
    scores = design.letter_scores(network, WILD, {})
    assert np.allclose(scores[np.arange(10), WILD], 0)
    gain = planted_masked.GAIN / planted_masked.N
    assert np.allclose(scores[0], [0, -4 * gain, -4 * gain, gain], atol=1e-5)  # four A and five T are shown
    site = network.site("features")
    g = network.module.features.write.weight[:, 2].numpy()
    pushed = design.letter_scores(network, WILD, {site: 2 * g})
    assert np.allclose(pushed[:, 2] - scores[:, 2], 2 * planted_masked.GAIN, atol=1e-4)  # everywhere, by as much
    codes = TEMPLATE.alphabet.encode(["AAAAATTTTT", "GAAAATTTTT", "GAAAATTTTC"])
    assert np.allclose(design.variant_scores(scores, WILD, codes), [0, scores[0, 2], scores[0, 2] + scores[9, 1]])


def test_designs_have_as_many_mutations_as_they_may(masked):
    scores = np.zeros((10, 4))
    designs = design.draw_designs(scores, WILD, ANY, design.Plan(3, 400, 1, [1]), np.random.default_rng(0))
    changed = (designs != WILD).sum(1)
    assert set(changed.tolist()) == {1, 2, 3}
    scores[4, 1] = 50.0  # certain
    designs = design.draw_designs(scores, WILD, ANY, design.Plan(3, 400, 1, [1]), np.random.default_rng(0))
    assert (designs[:, 4] == 1).all()


def test_designs_fit_the_template(masked):
    allowed = np.zeros((10, 4), bool)
    allowed[np.arange(10), WILD] = True
    allowed[2, [0, 2]] = allowed[7, 1] = True  # R, and Y at a T
    designs = design.draw_designs(
        np.zeros((10, 4)), WILD, allowed, design.Plan(5, 300, 1, [1]), np.random.default_rng(0)
    )
    assert allowed[np.arange(10), designs].all()
    assert set((designs != WILD).sum(1).tolist()) == {1, 2}
    guide = Template(Alphabet("ACGT"), "NNG" + "N" * 7)
    with pytest.raises(
        InputError, match=r"has 'A' at position 3, which the template does not allow; .* fits NNGNNNNNNN"
    ):
        design.read_wild_type("AAAAATTTTT", guide)
    assert design.read_wild_type("AAGAATTTTT", guide)[2] == 2


def test_the_planted_latent_designs_what_the_scorer_counts(masked):
    network, dictionary = masked
    rows, proposals = design.compare_designs(network, dictionary, variants(), WILD, count_g, PLAN, 24, 4, 0)
    arms = {row["arm"]: row for row in rows}
    assert list(arms) == list(design.ARMS)
    assert arms["latents"]["max"] == 5  # as many G as there may be mutations
    assert arms["latents"]["top"] > 4.5
    assert arms["latents"]["mean"] > 2 * max(arms["logits"]["mean"], 0.1)
    assert arms["logits"]["top_gain_low"] > 0
    assert arms["random"]["top_gain"] > 0
    assert arms["latents"]["top_gain"] is None
    assert arms["logits"]["strength"] == 0
    first = next(row for row in proposals if row["arm"] == "latents")
    assert first["scorer"] == first["sequence"].count("G")
    assert all(change[0] == "AT"[int(change[1:-1]) > 5] for change in first["mutations"].split())
    again, _ = design.compare_designs(network, dictionary, variants(), WILD, count_g, PLAN, 24, 4, 0)
    assert again == rows


def test_what_cannot_design_is_refused(masked, network):
    own, dictionary = masked
    with pytest.raises(InputError, match="needs a masked language model, and .* hides no letter"):
        design.letter_scores(network, np.zeros(6, np.uint8), {})
    with pytest.raises(InputError, match="draws 24 labels, and its table has 5 variants"):
        design.compare_designs(own, dictionary, variants(5), WILD, count_g, PLAN, 24, 2, 0)
    with pytest.raises(InputError, match="design.wild_type has 3 letters; give 10 letters of ACGT"):
        design.read_wild_type("ACG", TEMPLATE)
    with pytest.raises(InputError, match="design.wild_type has 'X' at position 2"):
        design.read_wild_type("AXAAAAAAAA", TEMPLATE)
