"""Tables of sequences and values: nothing is guessed, and nothing is left out without a word."""

import gzip
import itertools

import numpy as np
import pandas as pd
import pytest
from function_cases import TEMPLATE

from shapsketch.models import Model
from shapsketch.models.table_model import describe, list_left_out, load, read_table
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.settings.config import check_config
from shapsketch.settings.errors import InputError

DNA = Template(Alphabet("ACGT"), "NN")
PAIRS = ["".join(pair) for pair in itertools.product("ACGT", repeat=2)]
VALUES = [0.1 * k for k in range(16)]


def read(path, content, template=DNA, outputs=("value",), **source):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table({"path": str(path), **source}, template, outputs)


def rows(separator=",", sequences=PAIRS, values=VALUES):
    return "".join(f"{s}{separator}{v!r}\n" for s, v in zip(sequences, values, strict=True))


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.txt", "t"])
@pytest.mark.parametrize(
    "content",
    [
        "sequence,value\n" + rows(),
        "sequence;value\n" + rows(";"),
        "sequence\tvalue\r\n" + rows("\t").replace("\n", "\r\n"),
        " Sequence , VALUE\n\n" + rows().replace(",", " , ").lower(),
        "\ufeffsequence,value,\n" + rows().replace("\n", ",\n"),
        "\ufeffsep=;\r\nsequence;value\r\n" + rows(";"),  # as Excel writes it
        ("sequence,value\n" + rows()).encode("utf-16"),
        gzip.compress(("sequence,value\n" + rows().replace("T", "u")).encode(), mtime=0),
        ",sequence,value,note\n" + "".join(f"{k},{r},x\n" for k, r in enumerate(rows().splitlines())),
    ],
)
def test_formats(tmp_path, name, content):
    table = read(tmp_path / name, content)
    assert DNA.alphabet.decode(table.codes) == PAIRS
    assert table.values[:, 0].tolist() == VALUES  # to the bit
    assert (len(table.left_out), table.repeated, table.rows) == (0, 0, 16)


def test_na_is_two_amino_acids(tmp_path):
    template = Template(Alphabet.from_config("protein"), "XX")
    pairs = ["".join(pair) for pair in itertools.product(template.alphabet.letters, repeat=2)]
    values = [3.0 if pair == "NA" else 0.5 for pair in pairs]
    table = read(tmp_path / "t.csv", "sequence,value\n" + rows(",", pairs, values), template)
    assert template.alphabet.decode(table.codes) == pairs
    assert table.values[pairs.index("NA"), 0] == 3
    assert load({"path": str(tmp_path / "t.csv")}, template, ["value"])(template.alphabet.encode(["NA"])).tolist() == [
        [3]
    ]


def test_digits_are_letters(tmp_path):
    template = Template(Alphabet("01"), "****")
    words = ["".join(word) for word in itertools.product("01", repeat=4)]
    table = read(tmp_path / "t.csv", "sequence,value\n" + rows(",", words), template)
    assert template.alphabet.decode(table.codes) == words
    pd.DataFrame({"sequence": words, "value": VALUES}).to_parquet(tmp_path / "t.parquet")
    assert (
        template.alphabet.decode(read_table({"path": str(tmp_path / "t.parquet")}, template, ["value"]).codes) == words
    )


@pytest.mark.parametrize("kind", ["str", "string[pyarrow]", "large_string[pyarrow]", "category"])
@pytest.mark.parametrize("number", ["float64", "float32", "float16", "int8", "Int64", "str", "category"])
def test_parquet_of_every_type(tmp_path, kind, number):
    kind = pd.ArrowDtype(__import__("pyarrow").large_string()) if kind.startswith("large") else kind
    frame = pd.DataFrame({"sequence": pd.Series(PAIRS).astype(kind), "value": pd.Series(range(16)).astype(number)})
    frame.to_parquet(tmp_path / "t")
    table = read_table({"path": str(tmp_path / "t")}, DNA, ["value"])
    assert DNA.alphabet.decode(table.codes) == PAIRS
    assert table.values[:, 0].tolist() == list(range(16))


def test_parquet_that_has_lost_letters_or_values_is_told(tmp_path):
    path = tmp_path / "t.parquet"
    digits = Template(Alphabet("01"), "**")
    pd.DataFrame({"sequence": [0, 1, 10, 11], "value": range(4)}).to_parquet(path)
    with pytest.raises(InputError, match="'sequence' of type int64, which has lost leading zeros; text is needed"):
        read_table({"path": str(path)}, digits, ["value"])
    pd.DataFrame({"sequence": ["00", "01"], "value": [[1], [2]]}).to_parquet(path)
    with pytest.raises(InputError, match="column 'value' of type list.* text or numbers are needed"):
        read_table({"path": str(path)}, digits, ["value"])
    pd.DataFrame({"sequence": ["00", "01"], "value": [True, False]}).to_parquet(path)
    with pytest.raises(InputError, match="row 1 has 'true' in column 'value'; a number is needed"):
        read_table({"path": str(path)}, digits, ["value"])
    pd.DataFrame({"sequence": ["00", "01", "10"], "value": [1, np.nan, np.inf]}).to_parquet(path)
    table = read_table({"path": str(path), "not_finite": "drop"}, digits, ["value"])
    assert table.left_out["row"].tolist() == [2, 3]
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="is a damaged Parquet file"):
        read_table({"path": str(path)}, digits, ["value"])


def test_infinite_values_are_an_error_or_counted_and_listed(tmp_path):
    values = [float("-inf") if pair[0] == "T" else value for pair, value in zip(PAIRS, VALUES, strict=True)]
    content = "sequence,value\n" + rows(",", PAIRS, values)
    with pytest.raises(
        InputError,
        match="row 13 has '-inf' in column 'value', as the first of 4 rows; .* set source.not_finite to drop",
    ):
        read(tmp_path / "t.csv", content)
    table = read(tmp_path / "t.csv", content, not_finite="drop")
    assert DNA.alphabet.decode(table.codes) == PAIRS[:12]
    listed = [line.split("\t") for line in list_left_out(table).splitlines()]
    assert listed[:2] == [["row", "sequence", "reason"], ["13", "TA", "an infinite value in column 'value'"]]
    assert len(listed) == 5
    used = describe(table, DNA, np.arange(12))
    assert (used["rows"], used["sampled"], used["space"], used["unseen"]) == (16, 12, 16, {"1": "T"})
    assert used["left_out"] == {"an infinite value in column 'value'": 4}
    assert used["notes"] == [
        "4 of the table's 16 rows are left out: 4 with an infinite value in column 'value'",
        "T at position 1 never occurs in the table: nothing is known of sequences that have one, and what is said of "
        "them is a guess",
    ]
    assert list_left_out(None) == "row\tsequence\treason\n"


@pytest.mark.parametrize("word", ["", " ", "NA", "nan", "NaN", "None", "null", "N/A", "#N/A"])
def test_missing_values_are_counted_and_listed(tmp_path, word):
    content = "sequence,a,b\n" + "".join(f"{pair},{k},{word if k in (2, 5) else k}\n" for k, pair in enumerate(PAIRS))
    table = read(tmp_path / "t.csv", content, outputs=("a", "b"))
    assert table.values.tolist() == [[k, k] for k in range(16) if k not in (2, 5)]
    assert table.left_out.to_numpy().tolist() == [[k + 1, PAIRS[k], "no value in column 'b'"] for k in (2, 5)]
    with pytest.raises(InputError, match="no row with a value in each of value; row 1 has no value in column 'value'"):
        read(tmp_path / "t.csv", f"sequence,value\nAA,{word}\n")


def test_letters_that_are_never_sampled_are_told(tmp_path):
    table = read(tmp_path / "t.csv", "sequence,value\n" + rows())
    assert describe(table, DNA, np.arange(16))["notes"] == []
    (note,) = describe(table, DNA, np.array([0, 1]))["notes"]
    assert note.startswith(
        "C at position 1, G at position 1, T at position 1, G at position 2 and T at position 2 never occur among the "
        "rows that are sampled"
    )
    (note,) = describe(table, DNA, np.array([0]))["notes"]
    assert "G at position 2 and 1 other letter never occur" in note
    fixed = Template(DNA.alphabet, "AN")
    assert describe(read(tmp_path / "t.csv", "sequence,value\n" + rows(",", PAIRS[:4], VALUES[:4]), fixed), fixed,
                    np.arange(4))["unseen"] == {}  # fmt: skip


def test_the_same_sequence_twice_is_an_error_or_averaged(tmp_path):
    content = "sequence,value\nAU,1\nCC,5\n\nat,3\nA T,8\nCC,\n"
    with pytest.raises(
        InputError, match="rows 1 and 4 hold the same sequence, AT, as the first of 2 repetitions; .* mean"
    ):
        read(tmp_path / "t.csv", content)
    table = read(tmp_path / "t.csv", content, duplicates="mean")
    assert DNA.alphabet.decode(table.codes) == ["AT", "CC"]
    assert table.values.tolist() == [[4], [5]]
    assert (table.rows, table.repeated, table.averaged, len(table.left_out)) == (5, 1, 3, 1)
    assert "1 sequence occurs in 3 rows of the table: it has the mean" in describe(table, DNA, np.arange(2))["notes"][1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("sequence;value\nAA;0,5\n", "row 1 has '0,5' in column 'value'; write its decimal comma as a point, 0.5"),
        ("sequence,value\nAA,0,5\n", "row 1 has 3 cells, but the header has 2"),
        ("sequence,value\nAA,1\nCC,1_0\n", "row 2 has '1_0' in column 'value'; a number is needed"),
        ("sequence,value\nAA,\u0661\n", "row 1 has '\u0661' in column 'value'; a number is needed"),
        ("sequence,value\nAA,5 %\n", "row 1 has '5 %'"),
        ("sequence,value\nAA,0x10\n", "row 1 has '0x10'"),
        ("sequence;value\nAA;1,000\n", "'1,000' .*; write 1000 if its comma parts thousands, 1.000 if it is decimal"),
        ("sequence,value\nAA,1e400\n", "row 1 has '1e400' in column 'value'; values must be finite"),
        ("sequence,value\nAA,1\nAA,1\n", "rows 1 and 2 hold the same sequence, AA; leave one"),
        ("sequence|value\nAA|1\n", "it has sequence.value .separate columns by commas, semicolons or tabs"),
        ("sequence,value\nAA,Infinity\n", "row 1 has 'Infinity'"),
        ("sequence,value\n\nAAA,1\n", "row 2 has 3 letters; the template has 2"),
        ("sequence,value\nAX,1\n", "row 1 has 'X' at position 2; the alphabet is ACGT"),
        ("sequence,value\nAN,1\n", "row 1 has 'N' at position 2, an ambiguous letter; use single letters"),
        ("sequence,value\n,1\n", "row 1 has 0 letters"),
        ("sequence,values\nAA,1\n", "no column 'value'; it has sequence, values .is 'values' meant"),
        ("seq,value\nAA,1\n", "no column 'sequence'; it has seq, value"),
        ("sequence,Value,VALUE\nAA,1,2\n", "two columns for 'value': 'Value' .column 2. and 'VALUE' .column 3."),
        ("sequence,value\n", "holds no rows"),
        ("", "holds no rows"),
        (b"PK\x03\x04xl/", "is an Excel or other Office document"),
    ],
)
def test_mistakes_are_one_sentence(tmp_path, content, message):
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path / "t.csv", content)
    assert str(tmp_path / "t.csv") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_and_folder(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_table({"path": str(tmp_path / "t.csv")}, DNA, ["value"])
    with pytest.raises(InputError, match="is a folder"):
        read_table({"path": str(tmp_path)}, DNA, ["value"])


def test_only_tables_have_their_keys(root):
    import yaml

    schema = yaml.safe_load((root / "workflow/schemas/config.schema.yaml").read_text())
    source = {"kind": "table", "path": "t.csv", "not_finite": "drop", "duplicates": "mean"}
    config = {
        "models": {"m": {"source": source, "alphabet": "DNA", "template": "NN"}},
        "sequences": {"s": {"path": "s"}},
    }
    assert check_config(config, schema)["models"]["m"]["source"] == source
    source |= {"kind": "python", "target": "m.py:f"}
    with pytest.raises(InputError, match="models.m.source: not_finite and duplicates are for the kind table"):
        check_config(config, schema)


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.parquet"])
def test_tables(tmp_path, name):
    frame = pd.DataFrame({"sequence": ["ACGTA", "ttttt", "CCCCC"], "y": [1.5, None, 2.5]})
    path = tmp_path / name
    if name.endswith("parquet"):
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="," if name.endswith("csv") else "\t")
    model = Model({"kind": "table", "path": str(path)}, TEMPLATE, ["y"])
    assert model(TEMPLATE.alphabet.encode(["CCCCC", "ACGTA"]))[:, 0].tolist() == [2.5, 1.5]
    with pytest.raises(InputError, match="a sequence is not in the table"):
        model(TEMPLATE.alphabet.encode(["TTTTT"]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sequence,x\nACGTA,1\n", "no column 'y'; it has sequence, x"),
        ("sequence,y\nACGTA,high\n", "row 1 has 'high' in column 'y'"),
        ("sequence,y\nACGTA,1\nACGT,2\n", "row 2 has 4 letters; the template has 5"),
        ("sequence,y\nACGTA,1\nACGTZ,2\n", "row 2 has 'Z' at position 5"),
        ("sequence,y\nACGTA,1\nacgta,2\n", "rows 1 and 2 hold the same sequence, ACGTA"),
        ("sequence,y\nACGTA,\n", "no row with a value"),
    ],
)
def test_table_mistakes(tmp_path, text, message):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        Model({"kind": "table", "path": str(path)}, TEMPLATE, ["y"])
