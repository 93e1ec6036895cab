"""DeepLIFT/SHAP of tangermeme: what captum's says, in every layout; it refuses what it cannot follow."""

from dataclasses import replace

import numpy as np
import pytest

from baseline_cases import TEMPLATE
from shapsketch.comparison import UnsuitedError, explain
from shapsketch.models import Model


def test_it_says_what_captum_says_and_refuses_what_it_cannot_follow(network):
    ours, captum = (explain(name, network("relu", 600)) for name in ("deep_lift_shap", "deep_shap"))
    np.testing.assert_allclose(ours.values, captum.values, atol=1e-5 * np.abs(captum.values).max())
    assert (ours.per_sequence == 600).all()
    with pytest.raises(UnsuitedError, match="DeepLIFT/SHAP does not add up on this network"):
        explain("deep_lift_shap", network("squared", 200))


def test_layouts_are_turned(network):
    task = network("relu", 100)
    turned = {**task.model.source, "layout": "channels_last", "factory": task.model.source["factory"] + "_turned"}
    other = replace(task, model=Model(turned, TEMPLATE, ["a", "b"]))
    one, two = (explain("deep_lift_shap", t).values for t in (task, other))
    np.testing.assert_allclose(one, two, atol=1e-6 * np.abs(one).max())
