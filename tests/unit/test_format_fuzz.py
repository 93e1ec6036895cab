"""Random configs, alphabets, templates, databases of motifs and tables: one sentence, or what another reader reads."""

import io
import string
from copy import deepcopy
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from Bio import motifs as biopython
from hypothesis import given, settings
from hypothesis import strategies as st

from shapsketch.sequences.alphabet import UNKNOWN_CODE, Alphabet
from shapsketch.sequences.template import Template
from shapsketch.settings.catalogue import expand
from shapsketch.settings.config import check_config, check_names
from shapsketch.settings.errors import InputError
from shapsketch.settings.motif_databases import read_motifs
from shapsketch.settings.written import read_written
from shapsketch.storage.tsv import TEXT, bed_name, read_table, table_text

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
CATALOGUE = yaml.safe_load((ROOT / "resources/models.yaml").read_text())
CONFIGS = [yaml.safe_load(path.read_text()) for path in sorted((ROOT / "config").rglob("*.yaml"))]

fuzzed = settings(max_examples=300, deadline=None, derandomize=True, database=None)
LETTERS = "".join(c for c in string.printable if c.isprintable() and not c.isspace())


def keys_of(schema):
    """All keys that a schema names, in whatever place."""
    parts = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    own = schema.get("properties", {}) if isinstance(schema, dict) else {}
    return {*own, *(key for part in parts for key in keys_of(part))} if parts else set(own)


NAMES = st.sampled_from(sorted(keys_of(SCHEMA))) | st.text(max_size=4)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.dates() | st.binary(max_size=2)
)
VALUES = st.recursive(
    SCALARS | st.sampled_from(["auto", "2e3", "01", "****", "../x", "{x}", "a\0b", "x" * 300]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | SCALARS, inner, max_size=3),
    max_leaves=4,
)


def places(value, path=()):
    """The paths of all values of a config."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield (*path, key)
        yield from places(value[key], (*path, key))


@st.composite
def mutated_configs(draw):
    """A config of the project, changed in a few places."""
    config = deepcopy(draw(st.sampled_from(CONFIGS)))
    for _ in range(draw(st.integers(1, 3))):
        *path, key = draw(st.sampled_from(sorted(places(config), key=repr) or [("models",)]))
        owner = config
        for step in path:
            owner = owner[step]
        match draw(st.sampled_from(["replace", "remove", "add"])):
            case "replace":
                owner[key] = draw(VALUES)
            case "remove":
                del owner[key]
            case "add" if isinstance(owner, dict):
                owner[draw(NAMES | SCALARS)] = draw(VALUES)
    return config


def told(error):
    """Check that an error is one sentence, without a pattern."""
    text = str(error)
    assert text.strip() and "\n" not in text and "[A-Za-z" not in text and "(?!" not in text


@fuzzed
@given(mutated_configs())
def test_configs_are_read_or_refused_in_a_sentence(config):
    try:
        filled = check_config(expand(config, CATALOGUE), SCHEMA)
        check_names(filled, files=False)
    except InputError as error:
        told(error)
        return
    assert check_config(filled, SCHEMA) == filled
    for model in filled["models"].values():
        assert type(model["sketch"]["batch_size"]) is int
        Template(Alphabet.from_config(model["alphabet"]), model["template"])


WORDS = st.text(st.sampled_from("aA01.:-_*&!#'\"[]{},|>%@?~<=\t\n é"), max_size=12)


@fuzzed
@given(
    st.lists(
        st.tuples(st.sampled_from(["models", "sequences", "m", "  m", "  template", "- x", "\t"]), WORDS), max_size=5
    )
)
def test_yaml_is_read_as_pyyaml_reads_it_or_refused_in_a_sentence(tmp_path_factory, pairs):
    path = tmp_path_factory.getbasetemp() / "fuzz.yaml"
    path.write_text("".join(f"{key}: {value}\n" for key, value in pairs), encoding="utf-8", newline="")
    text = path.read_text(encoding="utf-8")
    try:
        written = read_written(path)
    except InputError as error:
        told(error)
        return
    expected = yaml.safe_load(text)
    if isinstance(expected, dict):
        assert list(written.children) == list(expected)
        for key, value in expected.items():
            if not isinstance(value, (dict, list)):
                assert (written.children[key].value, type(written.children[key].value)) == (value, type(value))


@fuzzed
@given(st.text(max_size=5), st.text(max_size=8))
def test_alphabets_and_templates_are_taken_or_refused(letters, pattern):
    try:
        template = Template(Alphabet.from_config(letters), pattern)
    except InputError as error:
        told(error)
        return
    assert template.n == len(pattern) and template.sizes.max() > 1


@fuzzed
@given(st.lists(st.sampled_from(LETTERS), min_size=2, max_size=64, unique=True), st.data())
def test_every_alphabet_can_fix_and_free_every_position(letters, data):
    alphabet = Alphabet("".join(letters))
    symbols = data.draw(st.lists(st.sampled_from([*letters, None]), min_size=1, max_size=6))
    pattern = "".join(symbol or alphabet.wildcard for symbol in symbols) + alphabet.wildcard
    template = Template(alphabet, pattern)
    assert alphabet.wildcard not in letters
    assert [template.sizes[i] == 1 for i in range(template.n)] == [*(s is not None for s in symbols), False]
    codes = alphabet.encode([pattern])[0]
    assert all((codes[i] == UNKNOWN_CODE) == (s is None) for i, s in enumerate(symbols))
    assert alphabet.decode(np.arange(alphabet.q)[None]) == ["".join(letters)]


@st.composite
def databases(draw):
    """Some motifs of DNA, as numbers of hundredths, and a file that holds them as the format allows."""
    identifiers = st.text(st.sampled_from("abcXYZ019_.:-"), min_size=1, max_size=6)
    names = draw(st.lists(identifiers, min_size=1, max_size=4, unique=True))
    cuts = st.lists(st.integers(0, 100), min_size=3, max_size=3).map(sorted)
    matrices = {name: draw(st.lists(cuts, min_size=1, max_size=4)) for name in names}
    head = draw(st.sampled_from(["ALPHABET= ACGT\n", 'ALPHABET "D" DNA-LIKE\nT ~ A\nG ~ C\nN = ACGT\nEND ALPHABET\n']))
    lines = [
        "MEME version 4\n",
        head,
        "strands: + -\n",
        "Background letter frequencies\n",
        "A 0.3 C 0.2 G 0.2 T 0.3\n",
        "\n",
    ]
    rows = {name: [np.diff([0, *cut, 100]) / 100 for cut in own] for name, own in matrices.items()}
    for name, own in rows.items():
        width, blank = draw(st.sampled_from([f" w= {len(own)}", ""])), draw(st.sampled_from(["", "\n"]))
        lines += [f"MOTIF {name}\n", blank, f"letter-probability matrix: alength= 4{width} nsites= 10000000 E= 0\n"]
        number = draw(st.sampled_from(["{:.2f}", "{:.3e}", " {:g}\t"]))
        lines += [" ".join(number.format(p) for p in row) + "\n" for row in own] + ["\n"]
    return rows, "".join(lines)


@fuzzed
@given(databases(), st.permutations("ACGT"), st.sampled_from(["\n", "\r\n"]))
def test_databases_are_read_as_they_were_made(tmp_path_factory, database, letters, ends):
    rows, text = database
    path = tmp_path_factory.getbasetemp() / "fuzz.meme"
    path.write_bytes(text.replace("\n", ends).encode())
    read = read_motifs(path, "".join(letters))
    assert list(read) == list(rows)
    for name, own in rows.items():
        assert np.allclose(np.array(read[name])[:, [letters.index(a) for a in "ACGT"]], own, atol=1e-9)
    if "ALPHABET= " in text and text.count(" w= ") == len(rows):
        for theirs in biopython.parse(io.StringIO(text), "minimal"):
            assert np.allclose(np.array([theirs.pwm[a] for a in letters]).T, read[theirs.name], atol=1e-6)


PARTS = st.sampled_from(
    [
        "MEME version 4", "ALPHABET= ACGT", "ALPHABET", "END ALPHABET", "A ~ T", "C ~ G", "MOTIF a", "MOTIF", "0 0 0 1",
        "1 0 0", "letter-probability matrix: w= 1", "letter-probability matrix: alength= x", "nan nan nan nan",
        "1e999 0 0 0", "-1 1 1 0", "log-odds matrix: w= 1", "",
    ]
)  # fmt: skip


@fuzzed
@given(st.lists(PARTS | st.text(max_size=5), max_size=9).map("\n".join).map(str.encode) | st.binary(max_size=60))
def test_any_bytes_as_a_database_are_motifs_or_a_sentence(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "bytes.meme"
    path.write_bytes(content)
    try:
        found = read_motifs(path, "ACGT")
    except InputError as error:
        told(error)
        return
    for rows in found.values():
        assert np.allclose(np.sum(rows, 1), 1) and np.min(rows) >= 0 and np.shape(rows)[1] == 4


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=6)


@fuzzed
@given(st.lists(CELLS | st.sampled_from(["NA", "1", "1.0", "true", "inf", '"', "\r", "\n"]), min_size=1, max_size=6))
def test_tables_come_back_to_the_letter(cells):
    table = pd.DataFrame(dict.fromkeys(TEXT[:3], cells) | {"value": np.arange(len(cells)) / 7})
    read = read_table(io.BytesIO(table_text(table, 17).encode()))
    assert all(read[name].tolist() == table[name].tolist() for name in table)
    assert all(len(bed_name(cell).split()) == 1 for cell in cells)
    assert len({bed_name(cell) for cell in cells}) == len(set(cells))


@pytest.mark.parametrize(("first", "second"), [*product(["#", "%23", "track", "%74rack"], repeat=2)])
def test_names_of_bed_are_told_apart(first, second):
    assert (bed_name(first) == bed_name(second)) == (first == second)
