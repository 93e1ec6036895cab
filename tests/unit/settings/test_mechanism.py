"""The config's `mechanism`: mistakes are told before anything runs."""

import pytest
import yaml

from shapsketch.settings.config import check_config, check_names
from shapsketch.settings.errors import InputError

CONFIG = """
models:
  net: {source: {kind: torch, layout: flat, factory: "net.py:make"}, alphabet: DNA, template: NNNN}
  saved: {source: {kind: torch, layout: flat, path: net.pt2}, alphabet: DNA, template: NNNN}
  both: {source: {kind: torch, layout: flat, factory: "net.py:make", reverse_complement: true}, alphabet: DNA, template: NNNN}
  folded: {source: {kind: torch, layout: flat, factory: "net.py:make", folds: [a.npz, b.npz]}, alphabet: DNA, template: NNNN}
  long: {source: {kind: python, target: "a.py:f"}, alphabet: DNA, template: NNNNN}
sequences:
  some: {path: some.fa}
  vague: {path: some.fa, ambiguous: resolve}
mechanism:
  look: {model: net, sequences: some, modules: [body]}
"""  # noqa: E501

DESIGN = {"path": "a.csv", "label": "y", "wild_type": "AAAA", "scorer": "saved"}


def checked(root, **changes):
    config = yaml.safe_load(CONFIG)
    config["mechanism"]["look"] |= changes
    schema = yaml.safe_load((root / "workflow/schemas/config.schema.yaml").read_text())
    filled = check_config(config, schema)
    check_names(filled, files=False)
    return filled["mechanism"]["look"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": "nets"}, "mechanism.look.model is 'nets', which the config does not define; did you mean 'net'?"),
        ({"sequences": "more"}, "mechanism.look.sequences is 'more', which the config does not define"),
        ({"model": "saved"}, "mechanism.look looks into modules, and models.saved has none to name"),
        ({"model": "both"}, "looks into one pass of models.both, whose source has reverse_complement"),
        ({"model": "folded"}, "looks into one pass of models.folded, whose source has folds; leave it out"),
        ({"sequences": "vague"}, "mechanism.look needs plain letters: set sequences.vague.ambiguous to error or drop"),
        ({"modules": []}, "mechanism.look.modules"),
        ({"circuit": {}}, "mechanism.look.circuit replaces modules: set mechanism.look.dictionary.kind to transcoder"),
        ({"steer": {}, "pool": "mean"}, "mechanism.look has pool: mean, and steer needs every position; set pool to"),
        ({"concepts": {"g": "G"}, "pool": "max"}, "mechanism.look has pool: max, and concepts needs every position"),
        ({"probe": {"p": {"path": "a.csv", "label": "y"}}, "pool": "mean"}, "has pool: mean, and probe needs every"),
        ({"design": {**DESIGN, "scorer": "ne"}}, "mechanism.look.design.scorer is 'ne', which the config does not"),
        ({"design": {**DESIGN, "scorer": "net"}}, "mechanism.look.design.scorer is the model that designs, net"),
        ({"design": {**DESIGN, "scorer": "long"}}, "whose template is NNNNN, and that of net is NNNN"),
        ({"design": DESIGN}, "mechanism.look.design needs a masked language model: give net input: tokens"),
        (
            {"circuit": {"outputs": ["values"]}, "dictionary": {"kind": "transcoder"}},
            "mechanism.look.circuit.outputs is 'values', which the config does not define; did you mean 'value'?",
        ),
        ({"design": {"path": "a.csv"}}, "mechanism.look.design"),
        ({"probe": {"p": {"path": "a.csv", "label": "y", "model": "tree"}}}, "mechanism.look.probe.p.model"),
        ({"special_tokens": [1]}, "mechanism.look.special_tokens"),
        ({"module": ["a"]}, "did you mean 'modules'?"),
    ],
)
def test_mistakes_of_the_config_are_told(root, changes, sentence):
    with pytest.raises(InputError) as told:
        checked(root, **changes)
    assert sentence in str(told.value)


def test_defaults_are_filled_in(root):
    entry = checked(root, sequences={"background": 10})
    assert (entry["pool"], entry["dtype"], entry["shards"], entry["special_tokens"]) == ("none", "float32", 1, [0, 0])


def test_draws_of_the_background_need_no_sequences(root):
    config = yaml.safe_load(CONFIG) | {"analyses": "none"}
    del config["sequences"]
    config["mechanism"]["look"]["sequences"] = {"background": 10}
    filled = check_config(config, yaml.safe_load((root / "workflow/schemas/config.schema.yaml").read_text()))
    check_names(filled, files=False)
    assert filled["sequences"] == {}
