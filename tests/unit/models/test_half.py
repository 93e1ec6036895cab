"""Half precision is taken where it answers the same, and refused with a sentence where it does not."""

import numpy as np
import pytest
import torch

from shapsketch.models import Model
from shapsketch.models.half import MAX_DIFFERENCE
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError

TEMPLATE = Template(Alphabet("ACGT"), "N{40}")
CODES = np.random.default_rng(1).integers(0, 4, (200, 40)).astype(np.uint8)
NETWORKS = """
import torch
from torch import nn
class Network(nn.Module):
    def __init__(self, offset):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last, self.offset = nn.Conv1d(4, 32, 9, padding=4), nn.Linear(32, 2), offset
    def forward(self, x):
        high = self.last(torch.relu(self.first(x)).mean(2)) + self.offset
        return {"value": high - self.offset, "other": x.sum((1, 2))[:, None]}
def plain(): return Network(0.0)
def offset(): return Network(300.0)  # of which half of the digits are lost
"""


@pytest.fixture
def source(tmp_path):
    (tmp_path / "networks.py").write_text(NETWORKS)
    return lambda name, **keys: {
        "kind": "torch", "factory": f"{tmp_path}/networks.py:{name}", "layout": "channels_first",
        "select": {"value": {"of": "value", "column": 0}}, **keys,
    }  # fmt: skip


def test_half_precision_answers_the_same_to_a_thousandth(source):
    full = Model(source("plain"), TEMPLATE, ["value"])(CODES)
    half = Model(source("plain", precision="half"), TEMPLATE, ["value"])(CODES)
    assert 0 < np.abs(half - full).max() <= 2 * MAX_DIFFERENCE * np.abs(full).max()


def test_half_precision_that_answers_otherwise_is_refused(source):
    with pytest.raises(
        InputError, match=r"offset answers otherwise in half precision, by up to .* leave out precision"
    ):
        Model(source("offset", precision="half"), TEMPLATE, ["value"])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_half_precision_of_a_cuda_device_agrees_with_the_processor(source):
    full = Model(source("plain"), TEMPLATE, ["value"])(CODES)
    half = Model(source("plain", precision="half", device="cuda"), TEMPLATE, ["value"], 64)(CODES)
    np.testing.assert_allclose(half, full, atol=2 * MAX_DIFFERENCE * np.abs(full).max())
