"""How few latents keep what an output varies by."""

import numpy as np
from planted import TEMPLATE

from shapsketch.mechanism import ablation, activations
from shapsketch.mechanism.replacement import encode_all
from shapsketch.sequences.background import Background


def test_two_latents_keep_what_the_output_varies_by(traced):
    network, dictionary = traced
    codes = activations.draw(Background.uniform(TEMPLATE), 0, 0, 300)
    means = [z.mean(0) for z in encode_all(network, dictionary, codes)]
    curve = ablation.ablation_curve(network, dictionary, codes, means, np.array([0, 1, 2, 3]), [0, 1, 2, 4], 0)
    assert abs(curve[0]) < 1e-6
    assert 0.3 < curve[1] < 0.95  # 2 g
    assert curve[1] - 1e-6 < curve[2] < 0.999
    assert np.isclose(curve[3], 1, atol=1e-6)


def test_the_smallest_circuit_is_the_last_that_keeps_enough():
    assert ablation.needed([0, 0.9, 0.5, 0.85, 1], [0, 1, 2, 4, 8]) == 4
    assert ablation.needed([0, 0.1], [0, 1]) is None
    sizes = ablation.curve_sizes(512)
    assert sizes[:4] == [0, 1, 2, 3]
    assert sizes[-1] == 512
