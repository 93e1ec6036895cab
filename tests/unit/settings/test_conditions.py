"""The config's `conditions`: mistakes are told in one sentence."""

import pytest
import yaml

from shapsketch.settings.errors import InputError

SOURCE = "{kind: builtin, function: microhomology}"
CONFIG = f"""
models:
  m: {{source: {SOURCE}, alphabet: DNA, template: NNNN}}
  k: {{source: {SOURCE}, alphabet: DNA, template: NNNN}}
  long: {{source: {SOURCE}, alphabet: DNA, template: NNNNN}}
  rna: {{source: {SOURCE}, alphabet: RNA, template: NNNN}}
sequences:
  s: {{path: s.fa}}
"""


TWO = ["m/value", "k/value"]


def with_condition(outputs, sequences="s", **others):
    condition = {"c": {"sequences": sequences, "outputs": outputs}}
    return yaml.safe_dump(yaml.safe_load(CONFIG) | others | {"conditions": condition})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (with_condition(["m/value", "x/value"]),
         "names 'x/value' in conditions.c.outputs, which is none of k/value, "),
        (with_condition(["m/value", "k"]), "names 'k' in conditions.c.outputs, which is none of"),
        (with_condition(["m/value", "k/z"]), "names 'k/z' in conditions.c.outputs, which is none of"),
        (with_condition(TWO, "t"), "names the sequences 't' in conditions.c, which are not under sequences: s"),
        (with_condition(["m/value", "long/value"]),
         r"compares long/value \(5 letters of ACGT\) with m/value \(4 letters of ACGT\) in conditions.c: only"),
        (with_condition(["m/value", "rna/value"]),
         r"compares rna/value \(4 letters of ACGU\) with m/value \(4 letters of ACGT\) in conditions.c: only"),
        (with_condition(TWO, analyses=[["m", "s"]]), "has conditions.c, but analyses do not explain k on s"),
        (with_condition(TWO, analyses="none"), "has conditions.c, but analyses do not explain m on s"),
        (with_condition(TWO, explain={"mode": "masks"}), "sets conditions.c, which needs sketches"),
        (with_condition(TWO[:1]), "conditions.c.outputs"),
        (with_condition(TWO[:1] * 2), "conditions.c.outputs"),
    ],
)  # fmt: skip
def test_mistakes_in_conditions_are_one_sentence(read, text, sentence):
    with pytest.raises(InputError, match=sentence):
        read(text, written=False)


def test_right_conditions_pass(read):
    assert read(with_condition(["m/value", "k/value"]), written=False)["conditions"]["c"]["outputs"] == [
        "m/value",
        "k/value",
    ]
    assert read(with_condition(["m/value", "k/value"], analyses=[["m", "s"], ["k", "s"]]), written=False)["conditions"]
    assert read(CONFIG)["conditions"] == {}
