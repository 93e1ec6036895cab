"""The config as it is written: numbers, names and stars in any spelling."""

import pytest
import yaml
from config_cases import MODEL, SEQUENCES, with_model

from shapsketch.settings.config import check_config
from shapsketch.settings.errors import InputError
from shapsketch.settings.written import read_written


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("2.0e+3", 2000),
        ("2e3", 2000),
        ("2E+3", 2000),
        ("2000.0", 2000),
        ("2_000", 2000),
        ("'2000'", 2000),
        ("0x10", 16),
    ],
)
def test_whole_numbers_in_any_spelling(read, text, budget):
    found = read(with_model(sketch=f"{{budget: {text}}}"))["models"]["m"]["sketch"]["budget"]
    assert (found, type(found)) == (budget, int)


def test_selections_are_read_as_they_are_written(read):
    """10:20 is 620 to YAML, and a key 1 a number."""
    select = "{p: {select: [0, 10:20]}, q: {select: {1: 3, tracks: [K562, 01:02]}, reduce: mean}}"
    source = "{kind: python, target: 'm.py:f'}"
    outputs = read(with_model(source=source, outputs=select))["models"]["m"]["outputs"]
    assert outputs["p"]["select"] == [0, "10:20"]
    assert outputs["q"]["select"] == {"1": 3, "tracks": ["K562", "01:02"]}
    with pytest.raises(InputError, match="p of models.m is a difference, which needs a second selection: against"):
        read(with_model(source=source, outputs="{p: {reduce: difference}}"))


@pytest.mark.parametrize("name", ["2024", "no", "off", "true", "007", "0x1F", "1_000", "2024-01-01", "1e3", "1.50"])
def test_names_are_text_as_they_are_written(read, name):
    text = MODEL.replace("  m:", f"  {name}:") + f"sequences:\n  {name}: {{path: s.fa}}\nanalyses: [[{name}, {name}]]\n"
    config = read(text)
    assert (list(config["models"]), list(config["sequences"])) == ([name], [name])
    assert config["analyses"] == [[name, name]]
    if "." not in name:
        assert read(with_model(outputs=f"[{name}]"))["models"]["m"]["outputs"] == [name]


@pytest.mark.parametrize(
    ("alphabet", "template"), [("01", "...."), ("01", "0..1"), ("10", "0010.."), ("'01'", "'****'")]
)
def test_alphabets_and_templates_of_digits(read, alphabet, template):
    model = read(with_model(alphabet=alphabet, template=template))["models"]["m"]
    assert (model["alphabet"], model["template"]) == (alphabet.strip("'"), template.strip("'"))


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"template": 0}, "has 0 at models.m.template, which YAML reads as a number; put it in quotes."),
        ({"alphabet": 1}, "has 1 at models.m.alphabet, which YAML reads as a number; put it in quotes."),
        ({"outputs": [False]}, "has false at models.m.outputs.0, which YAML reads as true or false; put it in quotes."),
        ({"outputs": [None]}, "has nothing at models.m.outputs.0; give a name of letters"),
    ],
)
def test_values_whose_text_nobody_knows_are_to_be_quoted(schema, keys, sentence):
    config = yaml.safe_load(MODEL + SEQUENCES)
    config["models"]["m"] |= keys
    with pytest.raises(InputError) as caught:
        check_config(config, schema)
    assert sentence in str(caught.value)
    for name in (2024, True, 1.5, None):
        with pytest.raises(InputError, match="under models, which YAML reads as .*; put it in quotes"):
            check_config({"models": {name: config["models"]["m"]}, "sequences": {"s": {"path": "s.fa"}}}, schema)


def test_aliases_and_merged_keys(read):
    text = (
        MODEL.replace("  m:", "  m: &m").replace("NNNN", "&t NNNN")
        + "    outputs: [1]\n"
        + ("  2:\n    <<: *m\n    template: *t\n" + SEQUENCES)
    )
    models = read(text)["models"]
    assert models["2"] == models["m"]
    assert models["2"]["outputs"] == ["1"]


def test_json_configs_are_read_too(read, tmp_path):
    path = tmp_path / "c.json"
    path.write_text('{"a": 1,\n\t"b": {"c": 2, "c": 3}}')
    with pytest.raises(InputError, match="the key 'c' twice"):
        read_written(path)
    path.write_text('{"a": 1,\n\t"b": "01"}')
    assert read_written(path).children == {}


@pytest.mark.parametrize(
    ("written", "value"),
    [("1.10", "1.10"), ("'1.10'", "1.10"), ("'0.0'", "0.0"), ("1.0", "1.0"), ("17", 17), ("'17'", 17)],
)
def test_names_that_look_like_numbers_with_a_point_are_names(read, written, value):
    source = "{kind: python, target: 'a.py:f'}"
    model = read(with_model(source=source, outputs=f"{{z: {{of: {written}}}}}"))["models"]["m"]
    assert model["outputs"]["z"]["of"] == value
    assert type(model["outputs"]["z"]["of"]) is type(value)
