"""The config: checked, with defaults in branches, one sentence for each mistake.

Covers also: values, wording.
"""

import pytest
import yaml
from config_cases import MODEL, SEQUENCES, with_model

from shapsketch.settings.config import check_config, check_names
from shapsketch.settings.errors import InputError


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
        ("{kind: onnx, path: m, input: tokens, score: pseudo_log_likelihood, reverse_complement: true}", None),
        (
            "{kind: onnx, path: m, input: tokens, score: masked_marginal, wild_type: ACGT, reverse_complement: true}",
            "score: masked_marginal compares with a wild type, which is of one strand; leave out reverse_complement",
        ),
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


@pytest.mark.parametrize("outputs", ["[onehot, y]", "{onehot: {column: 0}}"])
@pytest.mark.parametrize("mode", ["sketch", "masks"])
def test_no_output_takes_the_file_of_one_hot_sequences(read, outputs, mode):
    text = with_model(source="{kind: python, target: 'a.py:f'}", outputs=outputs) + f"explain: {{mode: {mode}"
    assert read(text + "}\n")
    with pytest.raises(InputError) as told:
        read(text + ", hypothetical: true}\n")
    assert str(told.value) == (
        "The config names an output of models.m 'onehot', as explain.hypothetical names the file of one-hot sequences; "
        "rename the output."
    )


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


def test_recovery_may_take_any_number_of_minutes(read):
    assert read(with_model(recovery="{minutes: null}"))["models"]["m"]["recovery"]["minutes"] is None
    assert read(with_model(recovery="{minutes: '5'}"))["models"]["m"]["recovery"]["minutes"] == 5
    assert read(with_model())["models"]["m"]["recovery"]["minutes"] == 10


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
    "has 'abc' at models.m.recovery.minutes; it must be a number or null.": with_model(recovery="{minutes: abc}"),
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


def config(**changes):
    model = {"source": {"kind": "table", "path": "t.csv"}, "alphabet": "DNA", "template": "NNNN"}
    base = {"models": {"m": model}, "sequences": {"s": {"path": "s.fa"}}}
    for path, value in changes.items():
        *parents, key = path.split("__")
        place = base
        for parent in parents:
            place = place.setdefault(parent, {})
        if value is None:
            del place[key]
        else:
            place[key] = value
    return base


def test_defaults_are_filled_in_everywhere(schema):
    filled = check_config(config(), schema)
    assert filled["models"]["m"]["sketch"] == {
        "budget": 20000, "design": "auto", "seed": 0, "batch_size": 1024, "shards": "auto",
    }  # fmt: skip
    assert filled["models"]["m"]["outputs"] == ["value"]
    assert filled["explain"]["indices"] == ["SV", "FSII"]
    assert filled["analyses"] == "all"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": {}}, "has an unknown key 'model'; did you mean 'models'?"),
        ({"models__m__sketch__buget": 5}, "unknown key 'buget' under models.m.sketch; did you mean 'budget'?"),
        ({"models__m__zzz": 5}, "unknown key 'zzz' under models.m; known are source,"),
        ({"models__m__template": None}, "lacks the key 'template' under models.m."),
        ({"sequences": None}, "lacks the key 'sequences'."),
        (
            {"models__m__source__kind": "pytorch"},
            "has 'pytorch' at models.m.source.kind; use one of torch, onnx, keras_h5, trees, python",
        ),
        ({"models__m__source": {"kind": "torch", "path": "x"}}, "lacks the key 'layout' under models.m.source"),
        ({"models__m__source": {"kind": "table"}}, "lacks the key 'path' under models.m.source"),
        ({"models__m__source": {"kind": "python"}}, "lacks the key 'target' under models.m.source"),
        ({"models__m__source": {"kind": "table", "url": "https://x/t.csv"}}, "lacks the key 'sha256'"),
        ({"models__m__source": {"kind": "command"}}, "lacks the key 'command' under models.m.source"),
        ({"models__m__source": {"kind": "builtin"}}, "lacks the key 'function' under models.m.source"),
        ({"models__m__source": {"kind": "onnx", "layout": "flat"}}, "lacks the key 'path' under models.m.source"),
        ({"models__m__source": {"kind": "trees", "path": "m.txt"}}, "lacks the key 'layout' under models.m.source"),
        (
            {"models__m__source": {"kind": "trees", "path": "m.txt", "layout": "channels_last"}},
            "has 'channels_last' at models.m.source.layout; use one of flat, channels_first, codes.",
        ),
        ({"models__m__source__unknown_letters": "mean"}, "unknown_letters is for the kinds torch, onnx and keras_h5"),
        ({"models__m__source__reverse_complement": True}, "trees and tables have no reverse_complement"),
        ({"models__m__source__reference": "r.csv"}, "tables and formulas have no reference, since no layout is chosen"),
        (
            {"models__m__source": {"kind": "builtin", "function": "microhomology", "reference": "r.csv"}},
            "is wrong at models.m.source: tables and formulas have no reference",
        ),
        ({"models__m__source__device": "gpu"}, "has 'gpu' at models.m.source.device; it must be cpu, cuda,"),
        ({"models__m__sketch__budget": 0}, "has 0 at models.m.sketch.budget; it must be at least 1."),
        ({"models__m__sketch__budget": "many"}, "has 'many' at models.m.sketch.budget; it must be a whole number"),
        ({"models__m__background": "flat"}, "at models.m.background"),
        ({"models__m__background": {"mutate": {"around": "ACGT", "rate": 1}}}, "it must be less than 1"),
        ({"explain__indices": ["SV", "XII"]}, "has 'XII' at explain.indices.1; use one of SV, BV, SII, k-SII,"),
        ({"motifs": {"colors": "red"}}, "has 'red' at motifs.colors; use one of colorblind, classic."),
        ({"motifs": {"seqlets": "maybe"}}, "has 'maybe' at motifs.seqlets; use one of auto, true, false."),
        ({"motifs": {"extremes": 0}}, "has 0 at motifs.extremes; it must be more than 0."),
        ({"analyses": [["m", "s"], ["m", "s"]]}, "The config has ['m', 's'] twice at analyses."),
        ({"compare": {"methods": ["lime"]}}, "has 'lime' at compare.methods.0; use one of shapsketch, "),
        ({"compare": {"evaluations": [4]}}, "has 4 at compare.evaluations.0; it must be at least 8."),
        ({"sequences__sketch": {"path": "x"}}, "has the name 'sketch' under sequences, which cannot name a folder"),
        ({"models__a/b": {}}, "has the name 'a/b' under models, which cannot name a folder"),
        ({"models__..": {}}, "has the name '..' under models, which cannot name a folder"),
        ({"models__a\n": {}}, "has the name 'a\\n' under models, which cannot name a folder"),
        ({"sequences__../../s": {}}, "has the name '../../s' under sequences, which cannot name a folder"),
        ({"sequences__-rf": {}}, "has the name '-rf' under sequences, which cannot name a folder"),
        ({"models__m__outputs": ["../y"]}, "names an output of models.m "),
        ({"models__m__outputs": ["y<b>"]}, "names an output of models.m "),
        (
            {"models__m__source": {"kind": "table", "downloads": [{"url": "https://x/t", "file": ".."}]}},
            "at models.m.source.downloads.0.file; it must be a file name without folders.",
        ),
        (
            {"models__m__source": {"kind": "table", "downloads": [{"url": "https://x/t", "file": "a/../../b"}]}},
            "at models.m.source.downloads.0.file; it must be a file name without folders.",
        ),
    ],
)
def test_config_mistakes_are_one_sentence(schema, changes, sentence):
    with pytest.raises(InputError) as caught:
        check_config(config(**changes), schema)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_names_that_lead_nowhere(schema, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"The file t.csv of models.m.source does not exist"):
        check_names(check_config(config(), schema))
    (tmp_path / "t.csv").touch()
    with pytest.raises(InputError, match=r"The file s.fa of sequences.s does not exist"):
        check_names(check_config(config(), schema))
    with pytest.raises(InputError, match="'other' in analyses, which is not under sequences: s"):
        check_names(check_config(config(analyses=[["m", "other"]]), schema))
    background = {"from_sequences": {"queries": "other"}}
    with pytest.raises(InputError, match="names the sequences 'other'"):
        check_names(check_config(config(models__m__background=background), schema))
    (tmp_path / "s.fa").touch()
    with pytest.raises(InputError, match=r"The file db.meme of motifs.database does not exist"):
        check_names(check_config(config(motifs={"database": "db.meme"}), schema))
    with pytest.raises(InputError, match=r"enables compare, which asks the model, but models.m is a table"):
        check_names(check_config(config(compare={"enabled": True}), schema))
    protein = config(models__m__alphabet="protein", models__m__template="XXXX", motifs={"reverse_complement": True})
    with pytest.raises(InputError, match=r"the alphabet of models.m is protein; only DNA has a second strand"):
        check_names(check_config(protein, schema))


def test_the_embedded_config_is_valid(schema, root, monkeypatch):
    monkeypatch.chdir(root)
    check_names(check_config(yaml.safe_load((root / "config/config.yaml").read_text()), schema))


def intervals(**changes):
    """A config of intervals of a genome that no analysis explains."""
    return config(
        models__m__source={"kind": "torch", "layout": "flat", "factory": "net.py:make"},
        sequences={"s": {"path": "s.bed", "genome": "g.fa"}},
        analyses="none",
        **changes,
    )


LOOK = {"model": "m", "sequences": "s", "modules": ["body"]}


@pytest.mark.parametrize(
    "used",
    [
        {"variants": {"v": {"path": "v.vcf", "genome": "g.fa", "model": "m"}}},
        {"mechanism": {"look": LOOK}},
        {"mechanism": {"look": LOOK | {"sequences": {"background": 10}}}},
    ],
)
def test_intervals_without_analyses(schema, used):
    check_names(check_config(intervals(**used), schema), files=False)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"sequences__s__width": 5}, "sequences.s.width: 5, but the template of models.m has 4"),
        (
            {"mechanism": {}, "models__m__sketch": {"near": {"sequences": "s"}}, "sequences__s__width": 5},
            "sequences.s.width: 5, but the template of models.m has 4",
        ),
        (
            {"models__m__alphabet": "protein", "models__m__template": "XXXX"},
            "has intervals of a genome in sequences.s; models.m reads protein",
        ),
        ({"mechanism": {"look": LOOK | {"model": "n"}}}, "mechanism.look.model is 'n', which the config does not"),
    ],
)
def test_intervals_that_are_only_looked_into_are_checked(schema, changes, sentence):
    with pytest.raises(InputError, match=sentence):
        check_names(check_config(intervals(**({"mechanism": {"look": LOOK}} | changes)), schema), files=False)
