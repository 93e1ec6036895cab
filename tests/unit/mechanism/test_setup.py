"""What every script of a mechanism opens: the network that its params name, and activations of that network alone."""

from types import SimpleNamespace

import numpy as np
import planted
import pytest

from shapsketch.mechanism import activations
from shapsketch.mechanism.setup import open_mechanism, open_network
from shapsketch.models import identity
from shapsketch.settings.errors import InputError


@pytest.fixture
def params(root):
    source = {"kind": "torch", "layout": "channels_first", "factory": f"{root}/tests/planted.py:network"}
    model = {"alphabet": "DNA", "template": planted.TEMPLATE.pattern, "outputs": ["y"]}
    return SimpleNamespace(model=model, source=source, dictionary={"cluster_identity": 0.5}, drawn={}, seed=0)


class Inputs(dict):
    """Files by name, as Snakemake hands them over."""

    __getattr__ = dict.__getitem__


def test_the_network_is_that_of_the_params(root, params, network, letters):
    opened = open_network(params, Inputs(model=[f"{root}/tests/planted.py"]))
    assert np.array_equal(opened.predict(letters[:5]), network.predict(letters[:5]))


def test_activations_of_another_model_are_refused(root, params, network, letters, tmp_path):
    code, sites = [f"{root}/tests/planted.py"], [network.site("first")]
    kept = activations.collect(network, letters, sites)
    for name, source in (("own", params.source), ("other", params.source | {"dtype": "float64"})):
        record = activations.describe(sites, identity(source), "none")
        activations.write_shard(str(tmp_path / f"{name}.safetensors"), kept, letters, record)
    _, split = open_mechanism(params, Inputs(model=code, shards=[str(tmp_path / "own.safetensors")]))
    assert split is not None
    with pytest.raises(InputError, match="another model"):
        open_mechanism(params, Inputs(model=code, shards=[str(tmp_path / "other.safetensors")]))
