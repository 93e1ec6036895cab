"""The catalogue: whole models, what the config says wins."""

import pytest
import yaml

from shapsketch.settings.catalogue import expand
from shapsketch.settings.config import check_config
from shapsketch.settings.errors import InputError
from shapsketch.settings.sources import downloads, local_source, source_files


@pytest.fixture
def catalogue(root):
    return yaml.safe_load((root / "resources/models.yaml").read_text())


def catalogued(name, **source):
    return {"models": {"m": {"source": {"catalogue": name, **source}}}, "sequences": {"s": {"path": "s.fa"}}}


@pytest.mark.parametrize("name", ["optimus_5prime", "deepspcas9", "sprout", "gb1_nn4dms", "microhomology"])
def test_catalogue_entries_are_whole_models(schema, catalogue, name):
    model = check_config(expand(catalogued(name), catalogue), schema)["models"]["m"]
    local = local_source(model["source"], "resources/models/m")
    assert local.keys() <= {"kind", "layout", "architecture", "path", "function", "cut"}
    assert {"citation", "homepage", "license", "title"} <= catalogue[name].keys()
    assert (not source_files(local)) == (name == "microhomology")
    own = check_config(expand(catalogued(name, path="mine.h5"), catalogue), schema)["models"]["m"]
    assert downloads(own["source"]) == []
    assert local_source(own["source"], "x")["path"] == "mine.h5"


def test_what_the_config_says_wins_over_the_catalogue(schema, catalogue):
    given = catalogued("optimus_5prime", dtype="float64", mirror="/mnt/models/")
    given["models"]["m"]["outputs"] = ["a", "b", "c"]
    model = check_config(expand(given, catalogue), schema)["models"]["m"]
    assert (model["outputs"], model["alphabet"], len(model["template"])) == (["a", "b", "c"], "DNA", 50)
    assert model["source"]["dtype"] == "float64"
    (one,) = downloads(model["source"])
    assert one.urls[0] == "/mnt/models/model_optimus5p_multioutput.h5"
    assert one.urls[1].startswith("https://raw.githubusercontent.com/castillohair/")
    assert (one.size, one.sha256[:8]) == (1933712, "9168b05a")


def test_sums_that_the_catalogue_lacks_can_be_given(schema, catalogue):
    given = catalogued("gb1_nn4dms", sha256={"pca-19.npy": "a" * 64})
    found = {
        d.file: d.sha256 for d in downloads(check_config(expand(given, catalogue), schema)["models"]["m"]["source"])
    }
    assert found == {"gb1_cnn.index": "", "gb1_cnn.data-00000-of-00001": "", "pca-19.npy": "a" * 64}


@pytest.mark.parametrize(
    ("name", "source", "sentence"),
    [
        ("deepspcas", {}, "no entry 'deepspcas' (models.m.source); did you mean 'deepspcas9'?"),
        ("tiger", {}, "The model tiger is one that you bring (models.m.source): clone https://github.com/daklab/tiger"),
        ("tranception", {}, "give `template` the wild type with X at the few sites under study"),
        ("indelphi", {"command": "score"}, "The licence of indelphi asks for acceptance (Copyright 2018 MIT, for non-"),
        ("indelphi", {"accept_license": True}, "if its licence lets you, clone"),
    ],
)
def test_catalogue_mistakes_are_one_sentence(catalogue, name, source, sentence):
    with pytest.raises(InputError) as caught:
        expand(catalogued(name, **source), catalogue)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_models_that_users_bring(schema, catalogue):
    for name, kind in (
        ("tiger", {"kind": "command", "command": "score"}),
        ("indelphi", {"kind": "python", "target": "a.py:f"}),
    ):
        model = check_config(expand(catalogued(name, **kind, accept_license=True), catalogue), schema)["models"]["m"]
        assert local_source(model["source"], "x") == kind
        assert model["template"] == "N" * {"tiger": 26, "indelphi": 40}[name]
