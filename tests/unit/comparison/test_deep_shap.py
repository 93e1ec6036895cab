"""DeepSHAP follows functions, and refuses what it cannot follow."""

from dataclasses import replace

import numpy as np
import pytest

from baseline_cases import FREE
from shapsketch.comparison import Task, UnsuitedError, explain
from shapsketch.models import Model
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template


def test_deep_shap_follows_functions_and_refuses_what_it_cannot_follow(network):
    answer, exact = (explain(name, network("relu", 2000)) for name in ("deep_shap", "exact"))
    assert np.corrcoef(answer.values[:, FREE].ravel(), exact.values[:, FREE].ravel())[0, 1] > 0.8
    with pytest.raises(UnsuitedError, match="does not add up"):
        explain("deep_shap", network("squared", 200))


@pytest.mark.parametrize("name", ["deep_shap", "deep_lift_shap"])
def test_the_embedded_network_is_followed(root, name):
    """An exported ensemble, in which a batch does not always lie along the first axis."""
    template = Template(Alphabet("ACGT"), "N" * 25 + "GGNNN")
    source = {"kind": "torch", "path": str(root / "resources/models/guide_cnn/model.pt2"), "layout": "channels_first"}
    codes = np.random.default_rng(0).integers(0, 4, (3, 30)).astype(np.uint8)
    codes[:, 25:27] = 0
    task = Task(Model(source, template, ["activity"]), Background.uniform(template), 0, codes, 400)
    answer, truth = explain(name, task), explain("monte_carlo", replace(task, evaluations=3000))
    assert np.corrcoef(answer.values.ravel(), truth.values.ravel())[0, 1] > 0.9
    assert not answer.values[:, 25:27].any()
