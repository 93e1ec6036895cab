"""Scores of language models."""

import re

import pytest
import torch
from token_cases import CODES, NETWORKS, TEMPLATE, VOCABULARY, network, places

from shapsketch.models import Model
from shapsketch.settings.errors import InputError

LANGUAGE = {"input": "tokens", "tokens": {"vocabulary": VOCABULARY, "before": [0], "after": [2], "mask": "<mask>"}}


def probabilities(folder, tokens):
    """The oracle: the network itself, asked about one list of tokens."""
    namespace = {}
    exec(NETWORKS, namespace)  # the network that the factory makes
    with torch.inference_mode():
        return torch.log_softmax(namespace["Language"]()(torch.tensor([tokens]))["logits"].double(), -1)[0].numpy()


@pytest.mark.parametrize("batch", [3, 1024])
def test_pseudo_log_likelihoods(tmp_path, batch):
    source = network(tmp_path, "Language", score="pseudo_log_likelihood", **LANGUAGE)
    model = Model(source, TEMPLATE, ["y"], batch)
    values = model(CODES[:7])[:, 0]
    assert model.evaluations == 7
    for row, codes in enumerate(CODES[:7]):
        plain = [0, *[VOCABULARY.index("ACGT"[code]) for code in codes], 2]
        total = 0.0
        for place in range(1, 6):
            masked = [7 if k == place else token for k, token in enumerate(plain)]
            total += probabilities(tmp_path, masked)[place, plain[place]]
        assert values[row] == pytest.approx(total, abs=1e-5)


def test_masked_marginals(tmp_path):
    source = network(tmp_path, "Language", score="masked_marginal", wild_type="ACGTA", **LANGUAGE)
    values = Model(source, TEMPLATE, ["y"])(TEMPLATE.alphabet.encode(["ACGTA", "TCGAA", "ACGTC"]))[:, 0]
    own = {letter: VOCABULARY.index(letter) for letter in "ACGT"}
    log = probabilities(tmp_path, [0, 7, own["C"], own["G"], 7, own["A"], 2])
    both = log[1, own["T"]] - log[1, own["A"]] + log[4, own["A"]] - log[4, own["T"]]
    log = probabilities(tmp_path, [0, own["A"], own["C"], own["G"], own["T"], 7, 2])
    assert values == pytest.approx([0.0, both, log[5, own["C"]] - log[5, own["A"]]], abs=1e-5)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"tokens": {"vocabulary": VOCABULARY}}, "hides letters; say by which token: tokens: {mask: ...}"),
        ({"score": "masked_marginal"}, "compares with a wild type: give wild_type, a sequence of 5 letters of ACGT"),
        ({"score": "masked_marginal", "wild_type": "ACGTN"}, "give wild_type, a sequence of 5 letters"),
        (
            {"score": "masked_marginal", "wild_type": "ACGTA", "reverse_complement": True},
            "compares with a wild type, which is of one strand; leave out reverse_complement.",
        ),
        ({"input": "strings", "layout": "flat"}, "The key tokens of a source is for networks that read tokens"),
    ],
)
def test_scores_that_cannot_be_are_one_sentence(tmp_path, changes, sentence):
    source = network(tmp_path, "Language", score="pseudo_log_likelihood", **LANGUAGE) | changes
    with pytest.raises(InputError, match=re.escape(sentence)) as told:
        Model(source, TEMPLATE, ["y"])
    assert "\n" not in str(told.value)


def test_a_score_needs_logits(tmp_path):
    source = places(tmp_path, mask="<mask>") | {"score": "pseudo_log_likelihood"}
    with pytest.raises(
        InputError, match=r"logits of the shape \(\d+, 9\) x vocabulary, .* the network returned \(\d+,\)"
    ):
        Model(source, TEMPLATE, ["y"])(CODES[:4])
