"""Sequence files: every format, and one sentence for every mistake.

Covers also: fasta, storage/delimited.
"""

import gzip

import pandas as pd
import pytest
import yaml
from reader_cases import FASTA, RECORDS, TEMPLATE, write

from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.reader import configured_background, read_sequences, stream_sequences
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("s.fa", FASTA),
        ("s.fa", FASTA.replace("\n", "\r\n")),
        ("s.fa", FASTA.lower()),
        ("s.txt", FASTA.rstrip("\n")),
        ("s.fq", "@a x\nACTGA\n+\nIIIII\n@b\nTTTGG\n+\nIIIII\n"),
        ("s.csv", "id,sequence,group\na,ACTGA,x\nb,tttgg,y\n"),
        ("s.csv", "sequence,id\r\nACTGA,a\r\nTTTGG,b\r\n"),
        ("s.tsv", "id\tsequence\na\tACTGA\nb\tTTTGG\n"),
    ],
)
def test_formats(tmp_path, name, text, zipped):
    path = write(tmp_path / (name + ".gz" * zipped), text, zipped)
    kept, dropped = read_sequences(path, TEMPLATE)
    assert list(zip(kept["sequence_id"], kept["sequence"], strict=True)) == RECORDS
    assert dropped.empty


def test_u_is_read_as_t_where_the_alphabet_is_dna_and_t_as_u_where_it_is_rna(tmp_path):
    kept, _ = read_sequences(write(tmp_path / "s.fa", ">a\nACuGA\n"), TEMPLATE)
    assert kept["sequence"].tolist() == ["ACTGA"]
    rna = Template(Alphabet.from_config("RNA"), "NNNN")
    kept, _ = read_sequences(write(tmp_path / "s.fa", ">a\nATGU\n"), rna)
    assert kept["sequence"].tolist() == ["AUGU"]


def test_rows_without_names_are_numbered_and_na_is_a_name(tmp_path):
    kept, _ = read_sequences(write(tmp_path / "s.csv", "sequence\nACTGA\nTTTGG\n"), TEMPLATE)
    assert kept["sequence_id"].tolist() == ["seq1", "seq2"]
    kept, _ = read_sequences(write(tmp_path / "s.csv", "id,sequence\nNA,ACTGA\n"), TEMPLATE)
    assert kept["sequence_id"].tolist() == ["NA"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("s.fa", "", "holds no sequences"),
        ("s.fa", ">a\nACTG\n", r"record 1 \('a'\) has 4 letters; the template has 5"),
        ("s.fa", ">a\nACTGA\n>b\n\n", r"record 2 \('b'\) has 0 letters"),
        ("s.fa", ">a\nACTGA\n>b\nAC-GA\n", r"record 2 \('b'\) has '-' at position 3; the alphabet is ACGT"),
        ("s.fa", ">a\nACEGA\n", "has 'E' at position 3; the alphabet is ACGT"),
        ("s.fa", ">a\nACTCA\n", "has 'C' at position 4; the template allows G there"),
        ("s.fa", ">a\nANTGA\n", "has 'N' at position 2, an ambiguous letter; use one of ACGT, or set ambiguous"),
        ("s.fa", ">a\nACTGY\n", "has 'Y' at position 5; the template allows AG there"),
        ("s.fa", ">a\nANTGC\n", "has 'C' at position 5; the template allows AG there"),
        ("s.fa", ">a\nACTGA\n>a\nTTTGG\n", "records 1 and 2 are both named 'a'"),
        ("s.fa", ">\nACTGA\n", "record 1 has no name"),
        ("s.fq", "@a\nACTGA\n+\nII\n", "not a valid FASTQ file"),
        ("s.csv", "id,seqence\na,ACTGA\n", "unknown column 'seqence'; did you mean 'sequence'"),
        ("s.csv", "id,group\na,x\n", "has no column 'sequence'; it has id, group"),
        ("s.csv", "id,sequence\na,ACTGA,9,9\n", "row 1 has 4 cells, but the header has 2"),
        ("s.csv", "id,sequence\na,ACTé A\n", r"row 1 \('a'\) has 'é' at position 4; the alphabet is ACGT"),
        ("s.bin", "ACTGA\n", "neither FASTA"),
    ],
)
def test_mistakes_are_one_sentence(tmp_path, root, name, text, message):
    schema = yaml.safe_load((root / "workflow/schemas/sequences.schema.yaml").read_text())
    path = write(tmp_path / name, text)
    with pytest.raises(InputError, match=message) as caught:
        read_sequences(path, TEMPLATE, table_schema=schema)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_groups_may_have_another_column(tmp_path):
    path = write(tmp_path / "s.csv", "id,sequence,tissue\na,ACTGA,liver\nb,TTTGG,\n")
    assert read_sequences(path, TEMPLATE, group="tissue")[0]["group"].tolist() == ["liver", ""]
    with pytest.raises(InputError, match="has no column 'cell'; it has id, sequence"):
        read_sequences(write(path, "id,sequence\na,ACTGA\n"), TEMPLATE, group="cell")
    with pytest.raises(InputError, match="is a FASTA file, which has no column 'cell'"):
        read_sequences(write(path, FASTA), TEMPLATE, group="cell")


@pytest.mark.parametrize("name", ["s.fa", "s.csv"])
def test_long_files_are_read_in_pieces(tmp_path, monkeypatch, name):
    monkeypatch.setattr("shapsketch.sequences.reader.PIECE", 3)
    rows = [(f"r{k}", "ACTGA" if k % 4 else "ACTG") for k in range(10)]
    if name == "s.fa":
        path = write(tmp_path / name, "".join(f">{i}\n{s}\n" for i, s in rows))
    else:
        path = write(tmp_path / name, "sequence,id\n" + "".join(f"{s},{i}\n" for i, s in rows))
    kept, dropped = read_sequences(path, TEMPLATE, mismatch="drop")
    assert kept["sequence_id"].tolist() == [f"r{k}" for k in range(10) if k % 4]
    assert dropped["record"].tolist() == [1, 5, 9]
    assert len(list(stream_sequences(path, TEMPLATE, mismatch="drop"))) == 4
    with path.open("a") as handle:
        handle.write(">r1\nACTGA\n" if name == "s.fa" else "ACTGA,r1\n")
    with pytest.raises(InputError, match="(records|rows) 2 and 11 are both named 'r1'"):
        read_sequences(path, TEMPLATE, mismatch="drop")


def test_rows_without_names_are_numbered_through_all_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr("shapsketch.sequences.reader.PIECE", 2)
    kept, _ = read_sequences(write(tmp_path / "s.csv", "sequence\n" + 5 * "ACTGA\n"), TEMPLATE)
    assert kept["sequence_id"].tolist() == ["seq1", "seq2", "seq3", "seq4", "seq5"]


def test_missing_damaged_and_folder(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_sequences(tmp_path / "none.fa", TEMPLATE)
    with pytest.raises(InputError, match="is a folder"):
        read_sequences(tmp_path, TEMPLATE)
    broken = tmp_path / "s.fa.gz"
    broken.write_bytes(gzip.compress(FASTA.encode())[:-12])
    with pytest.raises(InputError, match="is a damaged or incomplete archive"):
        read_sequences(broken, TEMPLATE)


def test_what_may_be_dropped_is_dropped_and_listed(tmp_path):
    path = write(tmp_path / "s.fa", ">a\nACTGA\n>b\nANTGA\n>c\nACT\n>d\nACTTA\n>e\nACTGR\n")
    kept, dropped = read_sequences(path, TEMPLATE, ambiguous="drop", mismatch="drop")
    assert kept["sequence_id"].tolist() == ["a"]
    assert dropped["record"].tolist() == [2, 3, 4, 5]
    assert dropped["reason"][1] == "has 3 letters"
    kept, dropped = read_sequences(path, TEMPLATE, ambiguous="resolve", mismatch="drop")
    assert kept["sequence"].tolist() == ["ACTGA", "ANTGA", "ACTGR"]
    with pytest.raises(InputError, match="all 1 records were dropped"):
        read_sequences(write(path, ">a\nAC\n"), TEMPLATE, mismatch="drop")


def test_the_background_counts_what_fits_and_says_what_does_not(tmp_path):
    path = write(tmp_path / "s.csv", "Sequence;tissue\nACTGA;x\nACT;y\nAUTGG;x\n")
    notes = []
    spec = {"from_sequences": {"queries": "s", "pseudocount": 1}}
    background = configured_background(TEMPLATE, spec, str(path), notes.append)
    assert background.probabilities[2].tolist() == [1 / 6, 1 / 6, 1 / 6, 3 / 6]
    assert notes == [
        f"the background counts 2 of the 3 sequences of {path}: the others do not fit the template, the first of them "
        "('seq2') has 3 letters"
    ]


def test_ids_groups_and_names_may_have_any_letters(tmp_path):
    path = write(tmp_path / "s.csv", "id,sequence,Gewebe\nβ-Größe,ACTGA,Niere 5\u2032\nNA,TTTGG,NA\n")
    kept, _ = read_sequences(path, TEMPLATE, group="Gewebe")
    assert kept["sequence_id"].tolist() == ["β-Größe", "NA"]
    assert kept["group"].tolist() == ["Niere 5\u2032", "NA"]
    kept, _ = read_sequences(write(tmp_path / "s.fa", ">β\u2032 x\nACTGA\n"), TEMPLATE)
    assert kept["sequence_id"].tolist() == ["β\u2032"]


@pytest.mark.parametrize("name", ["a\tb", "a\nb", "a\u2028b", 'q"uote', "a,b"])
def test_names_of_spreadsheet_cells_are_taken(tmp_path, name):
    path = tmp_path / "s.csv"
    path.write_bytes(pd.DataFrame({"id": [name, "z"], "sequence": ["ACTGA", "TTTGG"]}).to_csv(index=False).encode())
    assert read_sequences(path, TEMPLATE)[0]["sequence_id"].tolist() == [name, "z"]


def test_empty_rows_number_nobody_anew(tmp_path):
    path = write(tmp_path / "s.csv", "sequence,group\nACTGA,x\n,\n\nTTTGG,y\nTTT,y\n")
    kept, dropped = read_sequences(path, TEMPLATE, mismatch="drop")
    assert kept["sequence_id"].tolist() == ["seq1", "seq4"]
    assert dropped["record"].tolist() == [5]


def test_parquet_is_read_as_text(tmp_path):
    table = pd.DataFrame({"id": [1, 2], "sequence": pd.Categorical(["actga", "TTTGG"]), "group": ["x", None]})
    table.to_parquet(tmp_path / "s")
    kept, _ = read_sequences(tmp_path / "s", TEMPLATE)
    assert kept.to_numpy().tolist() == [["1", "ACTGA", "x"], ["2", "TTTGG", ""]]


def test_letters_that_begin_comments_elsewhere_are_letters_where_the_alphabet_has_them(tmp_path):
    path = write(tmp_path / "s.fa", ";c\n>a\nAB\n#B\n;c\n")
    assert read_sequences(path, Template(Alphabet("AB#"), "****"))[0]["sequence"].tolist() == ["AB#B"]
