"""The config as YAML reads it and as it is written: numbers, names, stars, folders, and defaults in branches."""

import os
from typing import get_args, get_type_hints, is_typeddict

import pytest
import yaml

from shapsketch.settings import records
from shapsketch.settings.config import check_config, check_names
from shapsketch.settings.errors import InputError
from shapsketch.settings.written import read_written

MODEL = "models:\n  m:\n    source: {kind: builtin, function: microhomology}\n    alphabet: DNA\n    template: NNNN\n"
SEQUENCES = "sequences:\n  s: {path: s.fa}\n"


@pytest.fixture(scope="module")
def schema(root):
    return yaml.safe_load((root / "workflow/schemas/config.schema.yaml").read_text())


@pytest.fixture
def read(schema, tmp_path):
    """Read a config from its text, as the workflow does."""

    def read_config(text, written=True):
        path = tmp_path / "config.yaml"
        path.write_text(text, encoding="utf-8")
        texts = [read_written(path)]
        config = check_config(yaml.safe_load(text), schema, texts if written else [])
        check_names(config, files=False)
        return config

    return read_config


def record_keys(record, schema):
    """The keys of a record and of those it holds, beside those of the schema, by place."""
    keys = {"": (set(record.__annotations__), set(schema["properties"]))}
    for name, part in get_type_hints(record, include_extras=True).items():
        below = schema["properties"][name]
        branches = [below.get("additionalProperties"), below, *below.get("anyOf", ()), *below.get("oneOf", ())]
        objects = [b for b in branches if isinstance(b, dict) and "properties" in b]
        inner = next((kind for kind in kinds_of(part) if is_typeddict(kind)), None)
        if inner is not None:
            keys |= {f"{name}.{place}": pair for place, pair in record_keys(inner, objects[0]).items()}
    return keys


def kinds_of(annotation):
    """A type and all that it is made of, the outermost first."""
    return [annotation, *(kind for part in get_args(annotation) for kind in kinds_of(part))]


def test_the_records_have_the_keys_of_the_schema(schema):
    keys = record_keys(records.Config, schema)
    assert {"models.", "models.sketch.near.", "models.background.mutate.", "explain.masks.players."} <= set(keys)
    for place, (of_record, of_schema) in keys.items():
        assert of_record == of_schema, place


def with_model(**keys):
    """A config with some keys of its model replaced by text."""
    lines = {"source": "{kind: builtin, function: microhomology}", "alphabet": "DNA", "template": "NNNN"} | keys
    return "models:\n  m:\n" + "".join(f"    {key}: {text}\n" for key, text in lines.items()) + SEQUENCES


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


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("{kind: python, folds: [{target: 'a.py:f'}, {target: 'b.py:f'}]}", None),
        ("{kind: command, folds: [{command: cat a}, {command: cat b}]}", None),
        ("{kind: torch, layout: flat, folds: [a.pt, {path: b.pt}]}", None),
        ("{kind: python, folds: [{target: 'a.py:f'}, {files: [x]}]}", "The fold 2 of models.m.source has no target"),
        ("{kind: onnx, layout: flat, folds: [{files: [x]}, b]}", "The fold 1 of models.m.source has no path, and"),
        ("{kind: table, folds: [a.csv, b.csv]}", "folds are for the kinds torch, onnx, keras_h5, python and command"),
        ("{kind: onnx, layout: flat, folds: [a.onnx]}", "at models.m.source.folds, which needs at least 2 entries"),
        ("{kind: onnx, layout: flat, folds: [a, b], url: x, sha256: '" + 64 * "0" + "'}", "folds are files of yours"),
    ],
)
def test_folds(read, source, sentence):
    if sentence is None:
        assert read(with_model(source=source))
        return
    with pytest.raises(InputError, match=sentence) as told:
        read(with_model(source=source))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("{kind: torch, path: m, input: tokens, tokens: {vocabulary: {A: 4}, before: [0, <cls>]}}", None),
        ("{kind: onnx, path: m, layout: [1, letter, position], constants: {c: [0, 1], d: x.npy}}", None),
        ("{kind: torch, path: m, layout: flat, dtype: bfloat16}", None),
        ("{kind: keras_h5, path: m.h5, config: m.json, layout: channels_last}", None),
        ("{kind: onnx, path: m, layout: flat, config: m.json}", "config is for the kind keras_h5"),
        ("{kind: torch, path: m}", "lacks the key 'layout' under models.m.source"),
        ("{kind: torch, path: m, layout: [letter, letter]}", "models.m.source.layout .a list of axes with"),
        ("{kind: torch, path: m, layout: codes}", "models.m.source.layout.*a list of axes"),
        ("{kind: keras_h5, path: m, input: tokens}", "use one of torch, onnx|torch, onnx"),
        ("{kind: onnx, path: m, layout: flat, score: masked_marginal}", "score and wild_type are for input: tokens"),
        ("{kind: python, target: 'a.py:f', constants: {c: 1}}", "constants are for the kinds torch and onnx"),
        ("{kind: onnx, path: m, layout: flat, dtype: float16}", "torch, with dtype: float16 or bfloat16"),
    ],
)
def test_what_networks_read(read, source, sentence):
    if sentence is None:
        assert read(with_model(source=source))
        return
    with pytest.raises(InputError, match=sentence) as told:
        read(with_model(source=source))
    assert "\n" not in str(told.value)
    assert "{" not in str(told.value).replace("{kind", "")


def test_templates_that_count_are_written_out(read):
    config = read(with_model(template="N{7}GG"))
    assert config["models"]["m"]["template"] == "NNNNNNNGG"
    with pytest.raises(InputError, match="wrong at models.m: The template .* belongs to no count"):
        read(with_model(template="'N{'"))


def test_numbers_in_branches_and_lists(read):
    config = read(
        with_model(sketch="{budget: {max: 1e5, until_r2: .9}, seed: 1e3, shards: 2.0}")
        + "explain: {top_k: 1e1, refine: {evaluations_per_sequence: 8.0}, masks: {players: {segments: [[1.0, 2e0]]}}}\n"
        + "motifs: {extremes: '0.2', reverse_complement: 'true', seqlets: True}\n"
    )
    assert config["models"]["m"]["sketch"]["budget"] == {"max": 100_000, "until_r2": 0.9}
    assert (config["models"]["m"]["sketch"]["seed"], config["models"]["m"]["sketch"]["shards"]) == (1000, 2)
    assert (config["explain"]["top_k"], config["explain"]["refine"]) == (10, {"evaluations_per_sequence": 8})
    assert config["explain"]["masks"]["players"] == {"segments": [[1, 2]]}
    assert [config["motifs"][key] for key in ("extremes", "reverse_complement", "seqlets")] == [0.2, True, True]


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


def test_markov_backgrounds_have_either_sequences_or_probabilities_and_letters_that_may_depend(read):
    background = read(with_model(background="{markov: {from_sequences: s}}"))["models"]["m"]["background"]
    assert background == {"markov": {"order": 1, "from_sequences": "s", "pseudocount": 1}}
    for wrong, sentence in {
        "{markov: {}}": "wants either from_sequences or both initial and transitions",
        "{markov: {from_sequences: other}}": "names the sequences 'other', which are not under sequences: s",
        "{markov: {order: 2, from_sequences: s}}": "2 at models.m.background.markov.order",
    }.items():
        with pytest.raises(InputError, match=sentence):
            read(with_model(background=wrong))
    with pytest.raises(InputError, match="is a Markov chain, but explain.mode masks needs letters"):
        read(with_model(background="{markov: {from_sequences: s}}") + "\nexplain: {mode: masks}\n")


def test_letters_of_digits_have_frequencies(read):
    config = read(with_model(alphabet="01", template="....", background="{frequencies: {0: 1, 1: 3}}"))
    assert config["models"]["m"]["background"] == {"frequencies": {"0": 1, "1": 3}}


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


def test_defaults_in_branches_are_filled_in(read):
    background = read(with_model(background="{from_sequences: {queries: s}}"))["models"]["m"]["background"]
    assert background == {"from_sequences": {"queries": "s", "pseudocount": 1}}
    assert read(with_model(background="{mutate: {around: ACGT, rate: 0.5}}"))["models"]["m"]["background"] == {
        "mutate": {"around": "ACGT", "rate": 0.5}
    }


def test_a_key_whose_keys_are_all_left_out_is_empty(read):
    config = read(with_model(sketch="", recovery="null") + "motifs:\nexplain:\n")
    assert config["models"]["m"]["sketch"]["budget"] == 20000
    assert config["motifs"]["count"] == 12


def test_aliases_and_merged_keys(read):
    text = (
        MODEL.replace("  m:", "  m: &m").replace("NNNN", "&t NNNN")
        + "    outputs: [1]\n"
        + ("  2:\n    <<: *m\n    template: *t\n" + SEQUENCES)
    )
    models = read(text)["models"]
    assert models["2"] == models["m"]
    assert models["2"]["outputs"] == ["1"]


WRONG = {
    "line 5: a value that begins with * has a meaning of its own in YAML; put it in quotes": with_model(
        template="******"
    ),
    "line 4: a value that begins with * ": with_model(alphabet="*AC"),
    "line 5: a value that begins with '&' must be in quotes": with_model(template="&&&"),
    "line 5: a value that begins with '@' must be in quotes": with_model(template="@@@"),
    "line 5: a value that begins with '!' must be in quotes": with_model(template="!<"),
    "a tab stands where YAML wants spaces": MODEL + "\tsketch: {budget: 5}\n" + SEQUENCES,
    "there is a second ':' in a value": with_model(template="a: b: c"),
    "has the key 'm' twice in one place, on the lines 2 and 6": MODEL + MODEL.split("\n", 1)[1] + SEQUENCES,
    "has the key 'models' twice in one place": MODEL + SEQUENCES + MODEL,
    "has the key '1' twice under models": MODEL.replace("  m:", "  1:")
    + MODEL[8:].replace("  m:", "  '1':")
    + SEQUENCES,
    "line 5: YAML cannot read 2024-13-45": with_model(template="2024-13-45"),
    "has 'text' at models.m.sketch; it must be keys with values": with_model(sketch="text"),
    "has true at models.m.sketch.budget; it must be a whole number": with_model(sketch="{budget: yes}"),
    "has 2.5 at models.m.sketch.budget; it must be a whole number": with_model(sketch="{budget: 2.5}"),
    "has nothing at models.m.sketch.budget; give a whole number": with_model(sketch="{budget: }"),
    "has nothing at models.m.template; give text, one symbol per position": with_model(template=""),
    "has inf at models.m.sketch.budget; it must be a finite number": with_model(sketch="{budget: .inf}"),
    "has inf at models.m.background.frequencies.A": with_model(background="{frequencies: {A: 1e999}}"),
    "has nan at models.m.background.frequencies.A": with_model(background="{frequencies: {A: .nan}}"),
    "has 10000000000000000000000000 at models.m.sketch.budget; it must be at most": with_model(
        sketch="{budget: 10000000000000000000000000}"
    ),
    "at models.m.sketch.shards; it must be at most 100000": with_model(sketch="{shards: 1e9}"),
    "has 'flat' at models.m.background; it must be uniform, or one of {frequencies": with_model(background="flat"),
    "unknown key 'rat' under models.m.background.mutate; did you mean 'rate'": with_model(
        background="{mutate: {around: A, rat: 1}}"
    ),
    "has 2 keys at models.m.background; it must be at most 1": with_model(
        background="{mutate: {around: A, rate: 0.1}, frequencies: {A: 1}}"
    ),
    "has 'y' twice at models.m.outputs": with_model(outputs="[y, y]"),
    "names an output of models.m 'a b', which cannot name files and columns": with_model(outputs="[a b]"),
    "has nothing at models.m.outputs; it must be": with_model(outputs="[]"),
    "Alphabet 'ACCG' has the letter 'C' more than once": with_model(alphabet="ACCG"),
    "The template has 'Z' at position 2, which is neither a letter of ACGT, nor 'N' or '.'": with_model(template="NZ"),
    "'*' is a letter of the alphabet AC*; write '.' for a free position": with_model(alphabet="AC*", template="'**'"),
    "which cannot name a folder of results; use up to 100 letters": MODEL.replace("  m:", "  m m:") + SEQUENCES,
    "no YAML that can be read (a value holds itself)": MODEL + "explain: &e {masks: *e}\n" + SEQUENCES,
}


@pytest.mark.parametrize("sentence", WRONG)
def test_mistakes_get_one_sentence_without_patterns(read, sentence):
    with pytest.raises(InputError) as caught:
        read(WRONG[sentence])
    text = str(caught.value)
    assert sentence in text
    assert "\n" not in text and "^" not in text and "[A-Za-z" not in text


def test_json_configs_are_read_too(read, tmp_path):
    path = tmp_path / "c.json"
    path.write_text('{"a": 1,\n\t"b": {"c": 2, "c": 3}}')
    with pytest.raises(InputError, match="the key 'c' twice"):
        read_written(path)
    path.write_text('{"a": 1,\n\t"b": "01"}')
    assert read_written(path).children == {}


@pytest.fixture
def place(schema, tmp_path, monkeypatch):
    """A folder with what a config may name, and a function that checks a config there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved/saved_model.pb").touch()
    (tmp_path / "one").mkdir()
    (tmp_path / "one/m.onnx").touch()
    (tmp_path / "empty").mkdir()
    for name in ("f.py", "s.fa", "m.h5"):
        (tmp_path / name).touch()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("nowhere")

    def check(source, queries="s.fa", database=None):
        config = yaml.safe_load(MODEL)
        config["models"]["m"]["source"] = source
        config |= {"sequences": {"s": {"path": queries}}} | ({"motifs": {"database": database}} if database else {})
        check_names(check_config(config, schema))

    return check


KERAS = {"kind": "keras_h5", "layout": "channels_last", "path": "m.h5"}
PLACES = {
    "saved of models.m.source is a folder; a SavedModel of TensorFlow is not read: load it in Keras": (
        KERAS | {"path": "saved"},
    ),
    "one of models.m.source is a folder; give an .onnx file, such as one/m.onnx.": (
        KERAS | {"kind": "onnx", "path": "one"},
    ),
    "empty of models.m.source is a folder; give an .h5 or .keras file.": (KERAS | {"path": "empty"},),
    "one of models.m.source is a folder; give a file, such as one/m.onnx.": (
        {"kind": "python", "target": "f.py:f", "files": ["one"]},
    ),
    "empty of sequences.s is a folder; give a FASTA, FASTQ, CSV or TSV file.": (KERAS, "empty"),
    "empty of motifs.database is a folder; give a MEME file.": (KERAS, "s.fa", "empty"),
    "pipe of sequences.s is not a plain file; give a FASTA": (KERAS, "pipe"),
    "The file link of sequences.s is a link to nowhere, which does not exist.": (KERAS, "link"),
    "cannot be looked at (File name too long)": (KERAS, "x" * 300),
    "The path ' ' of sequences.s names no file": (KERAS, " "),
}


@pytest.mark.parametrize("sentence", PLACES)
def test_what_is_no_file_is_told_with_what_would_be_right(place, sentence):
    place(KERAS)
    with pytest.raises(InputError) as caught:
        place(*PLACES[sentence])
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("written", "value"),
    [("1.10", "1.10"), ("'1.10'", "1.10"), ("'0.0'", "0.0"), ("1.0", "1.0"), ("17", 17), ("'17'", 17)],
)
def test_names_that_look_like_numbers_with_a_point_are_names(read, written, value):
    source = "{kind: python, target: 'a.py:f'}"
    model = read(with_model(source=source, outputs=f"{{z: {{of: {written}}}}}"))["models"]["m"]
    assert model["outputs"]["z"]["of"] == value
    assert type(model["outputs"]["z"]["of"]) is type(value)
