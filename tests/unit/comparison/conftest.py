"""Networks for methods that follow gradients, and a task whose truth is known."""

from dataclasses import replace

import pytest
from gradient_cases import NETWORKS

from baseline_cases import TEMPLATE, task_of
from shapsketch.comparison.scoring import Scorer
from shapsketch.comparison.truth import enumerated_truth
from shapsketch.models import Model


@pytest.fixture(scope="session")
def network(tmp_path_factory):
    path = tmp_path_factory.mktemp("networks") / "networks.py"
    path.write_text(NETWORKS)

    def build(kind, evaluations):
        source = {"kind": "torch", "factory": f"{path}:{kind}", "layout": "channels_first", "dtype": "float32"}
        return replace(task_of(evaluations), model=Model(source, TEMPLATE, ["a", "b"]))

    return build


@pytest.fixture(scope="session")
def known():
    task = task_of(200)
    return task, Scorer(enumerated_truth([task_of(10), task_of(10)]), 1, 16, 0)
