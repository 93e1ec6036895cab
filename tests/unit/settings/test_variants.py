"""The config's `variants`: mistakes are told in one sentence."""

import pytest
import yaml

from shapsketch.settings.config import check_config, check_names
from shapsketch.settings.errors import InputError

MODEL = {"source": {"kind": "builtin", "function": "microhomology"}, "alphabet": "DNA", "template": "NNNN"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": "x"}, "names the model 'x' in variants.v, which is not under models: m, p"),
        ({"model": "t"}, "The config has variants.v, which asks the model, but models.t is a table"),
        ({"model": "p", "genome": "g.fa"}, "gives variants.v a genome, but the alphabet of models.p is protein"),
        ({"genome": "g.fa", "sequence": "ACGT"}, "gives variants.v a genome and a sequence; leave one of them out"),
        ({"strand": "-"}, "sets variants.v.strand: '-', which needs a genome"),
        ({"strand": "reverse"}, "has 'reverse' at variants.v.strand; use one of \\+, -"),
        ({"genome": "g.fa"}, "The file calls.vcf of variants.v does not exist"),
        ({"beside": ["x"]}, "names the model 'x' in variants.v, which is not under models"),
        ({"beside": ["m"]}, "names the model 'm' twice in variants.v; leave it out of beside"),
        ({"beside": ["p"]}, "names the model 'p' in variants.v.beside, whose letters are protein, while those of "
                            "models.m are DNA"),
        ({"predictors": ["esm"]}, "sets variants.v.predictors, which is scored against a label or a score"),
        ({"label": "y", "genome": "g.fa", "alignment": {"path": "a.fa"}}, "sets variants.v.alignment, which is of a "
                                                                          "sequence, and not of a genome"),
        ({"label": "y", "conservation": "c.bw"}, "sets variants.v.conservation, a track of a genome, without a genome"),
        ({"fil": "left"}, "has an unknown key 'fil' under variants.v; did you mean 'fill'?"),
    ],
)  # fmt: skip
def test_mistakes_in_the_config_are_one_sentence(root, changes, sentence):
    schema = yaml.safe_load((root / "workflow/schemas/config.schema.yaml").read_text())
    models = {
        "m": MODEL,
        "p": {**MODEL, "alphabet": "protein"},
        "t": {**MODEL, "source": {"kind": "table", "path": "pyproject.toml"}},
    }
    models["p"] = {**models["p"], "template": "XXXX"}
    config = {"models": models, "variants": {"v": {"path": "calls.vcf", "model": "m", **changes}}}
    with pytest.raises(InputError, match=sentence):
        check_names(check_config(config, schema))


def test_a_config_needs_sequences_or_variants(root):
    schema = yaml.safe_load((root / "workflow/schemas/config.schema.yaml").read_text())
    assert (
        check_config({"models": {"m": MODEL}, "variants": {"v": {"path": "a", "model": "m"}}}, schema)["sequences"]
        == {}
    )
    with pytest.raises(InputError, match="has nothing at sequences; it must be sets of sequences by name"):
        check_config({"models": {"m": MODEL}, "sequences": {}}, schema)
