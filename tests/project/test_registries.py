"""What a recipe of CONTRIBUTING adds is known to the code, the config, the methods text and the documents."""

import re
from dataclasses import replace
from importlib.util import find_spec
from typing import get_args

import pytest
import yaml

from shapsketch.models import KINDS
from shapsketch.report import methods_text
from shapsketch.sampling.design import available_estimators, make_plan
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.settings.config import check_config
from shapsketch.settings.errors import InputError
from shapsketch.settings.estimators import ESTIMATORS
from shapsketch.settings.methods import METHODS, PAID_ONCE
from shapsketch.settings.sources import STEADY
from shapsketch.spectrum.indices import WEIGHTS, Index


@pytest.fixture(scope="module")
def schema(root):
    return yaml.safe_load((root / "workflow/schemas/config.schema.yaml").read_text())


@pytest.fixture(scope="module")
def model_keys(schema):
    return schema["properties"]["models"]["additionalProperties"]["properties"]


@pytest.fixture(scope="module")
def described(root):
    """The names in the first column of the tables of config/README.md."""
    cells = re.findall(r"^\| ([^|]*) \|", (root / "config/README.md").read_text(), re.M)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def estimators():
    plan = make_plan({}, ["y"], Background.uniform(Template(Alphabet("ACGT"), "N" * 12)), budget=40_000)
    assert plan.lattice
    alone = replace(plan, rounds=({"train": 1},))
    return {*available_estimators(plan), *available_estimators(alone)}


def test_estimators(model_keys, described):
    names = estimators()
    assert model_keys["recovery"]["properties"]["estimator"]["enum"][0] == "auto"
    assert set(model_keys["recovery"]["properties"]["estimator"]["enum"][1:]) == names
    assert names == ESTIMATORS.keys()
    assert names <= described
    assert all(find_spec(f"shapsketch.recovery.{name}") for name in names - {"train_alone"})


def test_kinds_of_models(root, schema, model_keys, described):
    assert set(model_keys["source"]["properties"]["kind"]["enum"]) == set(KINDS)
    assert set(KINDS) <= described
    rows = re.findall(r"^\| ([^|]*) \|", (root / "README.md").read_text(), re.M)
    assert set(KINDS) <= set(re.findall(r"`(\w+)`", " ".join(rows)))
    assert set(STEADY) < set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_without_what_it_needs_is_refused_by_the_config(schema, kind):
    model = {"source": {"kind": kind, "layout": "flat"}, "alphabet": "DNA", "template": "NNNN"}
    with pytest.raises(InputError, match=r"needs|lacks|give|must"):
        check_config({"models": {"m": model}, "sequences": {"s": {"path": "s.fa"}}}, schema)


def test_interaction_indices(schema, described):
    listed = schema["properties"]["explain"]["properties"]["indices"]["items"]["enum"]
    assert set(listed) == set(WEIGHTS) == set(get_args(Index))
    assert methods_text.INDICES.keys() == WEIGHTS.keys() - {"SV"}
    assert WEIGHTS.keys() - {"SV"} <= described


def test_methods_to_compare_with(schema, described):
    assert schema["properties"]["compare"]["properties"]["methods"]["items"]["enum"] == list(METHODS)
    assert set(METHODS) <= described
    assert set(METHODS) > PAID_ONCE
    assert all(find_spec(f"shapsketch.comparison.{name}") for name in METHODS)
