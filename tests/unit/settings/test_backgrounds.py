"""Backgrounds of the config: what they draw from, and what they cannot be used for."""

import pytest
from config_cases import with_model

from shapsketch.settings.errors import InputError


def test_markov_backgrounds_have_either_sequences_or_probabilities_and_letters_that_may_depend(read):
    background = read(with_model(background="{markov: {from_sequences: s}}"))["models"]["m"]["background"]
    assert background == {"markov": {"order": 1, "from_sequences": "s", "pseudocount": 1}}
    for wrong, sentence in {
        "{markov: {}}": "wants either from_sequences or both initial and transitions",
        "{markov: {from_sequences: other}}": "names the sequences 'other', which are not under sequences: s",
        "{markov: {order: 2, from_sequences: s}}": "2 at models.m.background.markov.order",
    }.items():
        with pytest.raises(InputError, match=sentence):
            read(with_model(background=wrong))
    with pytest.raises(InputError, match="is a Markov chain, but explain.mode masks needs letters"):
        read(with_model(background="{markov: {from_sequences: s}}") + "\nexplain: {mode: masks}\n")


@pytest.mark.parametrize("background", ["{draws: {path: pool.fa}}", "{shuffle: {}}"])
def test_a_background_of_whole_sequences_has_no_sketch_for_variants(read, background):
    text = with_model(background=background) + "explain: {mode: masks}\n"
    variants = "variants: {{v: {{path: v.csv, sequence: ACGT, model: m, sketch: {}}}}}\n"
    for fine in ("auto", "false"):
        assert read(text + variants.format(fine))
    kind = background[1:].partition(":")[0]
    with pytest.raises(InputError) as told:
        read(text + variants.format("true"))
    assert str(told.value) == (
        "The config sets variants.v.sketch: true, which needs letters that are drawn one by one, but the background of "
        f"models.m draws whole sequences ({kind}); set sketch to false, or choose another background."
    )


def test_letters_of_digits_have_frequencies(read):
    config = read(with_model(alphabet="01", template="....", background="{frequencies: {0: 1, 1: 3}}"))
    assert config["models"]["m"]["background"] == {"frequencies": {"0": 1, "1": 3}}
