"""The workflow's own tables: what is written is read back, letter by letter; BED holds any name."""

import io
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest

from shapsketch.motifs.instances import Sites
from shapsketch.motifs.reading import Chunk
from shapsketch.motifs.tables import INSTANCE_COLUMNS, instance_tables
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.storage.tsv import bed_name, bed_text, read_table, table_text

LIKE_NUMBERS = [
    "1",
    "1.0",
    "0.10",
    "01",
    "NA",
    "nan",
    "None",
    "null",
    "true",
    "False",
    "inf",
    "-inf",
    "1e5",
    "0x1",
    "2024-01-01",
]
ODD = ['q"uote', '"', '""', "'", "a\tb", "a\nb", "a\r\nb", "a\rb", "a,b", " a ", "#a", "ä→😀", "x" * 5000, "a b", "\\N",
       "</script><script>alert(1)</script>", "50%", "%41", "track1", "browser", "a\u2028b", "a\u00a0b", "=1+1",
       "\x0b\x1c"]  # fmt: skip


@pytest.mark.parametrize("names", [LIKE_NUMBERS, ODD, LIKE_NUMBERS + ODD, ["a\rb"]])
def test_what_is_written_is_read_back(names, tmp_path):
    values = np.linspace(-1, 1, len(names))
    texts = ("output", "set", "latent", "module", "concept", "probe", "condition", "sequence")
    table = pd.DataFrame({"sequence_id": names[::-1], **dict.fromkeys(texts, names), "value": values, "order": 2})
    path = tmp_path / "t.tsv"
    path.write_bytes(table_text(table, 17).encode())
    read = read_table(path)
    for name in ("sequence_id", *texts):
        assert read[name].tolist() == table[name].tolist()
    assert read["value"].tolist() == values.tolist()
    assert read["order"].tolist() == [2] * len(names)
    for name in names:
        assert (read["output"] == name).sum() == names.count(name)


def test_pieces_without_a_header_are_one_table(tmp_path):
    table = pd.DataFrame({"sequence_id": ODD, "value": range(len(ODD))})
    pieces = [table_text(table[:0]), *(table_text(table[k : k + 1], header=False) for k in range(len(table)))]
    (tmp_path / "t.tsv").write_bytes("".join(pieces).encode())
    assert read_table(tmp_path / "t.tsv").equals(table.astype({"sequence_id": "str"}))


def test_missing_values_are_empty(tmp_path):
    table = pd.DataFrame({"output": ["NA", None], "value": [np.nan, np.inf]})
    (tmp_path / "t.tsv").write_text(table_text(table))
    read = read_table(tmp_path / "t.tsv")
    assert read["output"][0] == "NA" and pd.isna(read["output"][1])
    assert np.isnan(read["value"][0]) and read["value"][1] == np.inf


@pytest.mark.parametrize("name", [*ODD, *LIKE_NUMBERS])
def test_names_of_bed_are_one_field_of_one_record(name):
    encoded = bed_name(name)
    assert unquote(encoded) == name
    assert len(encoded.split()) == 1 and encoded.isprintable()
    assert not encoded.startswith(("#", "track", "browser"))
    assert bed_name("chr1_ä\"'(x)|") == "chr1_ä\"'(x)|"


def test_instances_of_sequences_with_any_name():
    count = len(ODD)
    rows, zeros = np.arange(count), np.zeros(count, np.int64)
    chunk = Chunk(rows, ODD, ["ACGT"] * count, np.zeros((count, 4), np.uint8), np.zeros((count, 4), np.uint8),
                  np.ones((count, 4)), np.ones(count), zeros)  # fmt: skip
    positions = np.tile([[0, 2]], (count, 1))
    sites = Sites(rows=rows, starts=zeros, stops=zeros + 3, minus=zeros > 0, positions=positions, values=np.ones(count))
    table, bed = instance_tables("1", "M1", sites, chunk, Alphabet("ACGT"))
    records = [line.split("\t") for line in bed_text(bed).split("\n")[:-1]]
    assert [unquote(record[0]) for record in records] == ODD
    assert all(record[1:] == ["0", "3", "1_M1", "0", "+", "0", "3", "0", "2", "1,1", "0,2"] for record in records)
    read = read_table(io.BytesIO(table_text(table).encode()))
    assert read["sequence_id"].tolist() == ODD
    assert list(read) == list(INSTANCE_COLUMNS)


def test_letters_that_look_like_missing_values_stay_letters(tmp_path):
    (tmp_path / "t.tsv").write_text("output\tmotif\tletters\tpositions\tvalue\ny\tM1\tNA\t3,4\t\n")
    table = read_table(str(tmp_path / "t.tsv"))
    assert table.loc[0, "letters"] == "NA"
    assert np.isnan(table.loc[0, "value"])
