"""Outputs in words."""

import pytest

from shapsketch.settings.outputs import output_words


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"of": 1}, "the model's own output 1"),
        ({"transform": "logit"}, "the model's answer, on the scale logit"),
        ({"of": "p", "column": 3}, "column 3 of the model's own output 'p' (counted from 0)"),
        (
            {"of": "profile", "select": {"strand": "plus", "2": "450:550"}, "reduce": "logsumexp"},
            "the logarithm of the summed exponentials of strand plus and axis 2 450 to 549 of the model's own output "
            "'profile' (counted from 0)",
        ),
        (
            {"select": {"tracks": "K562"}, "against": {"tracks": "HepG2"}, "reduce": "difference"}
            | {"transform": {"power": 0.5}},
            "the mean over tracks K562 of the model's answer minus the mean over tracks HepG2 of the model's answer, "
            "on the scale power 0.5",
        ),
        ({"select": [0, "all"], "reduce": "softmax_share"},
         "the share of axis 1 0 of the model's answer in the softmax over the model's answer (counted from 0)"),
    ],
)  # fmt: skip
def test_outputs_in_words(spec, words):
    assert output_words(spec) == words
