"""Sequence files: every format, and one sentence for every mistake."""

import gzip

import pytest
import yaml

from shapsketch.alphabet import Alphabet
from shapsketch.errors import InputError
from shapsketch.sequences import read_sequences, stream_sequences
from shapsketch.template import Template

TEMPLATE = Template(Alphabet("ACGT"), "NNNGR")
RECORDS = [("a", "ACTGA"), ("b", "TTTGG")]
FASTA = ">a first\nACTGA\n>b\nTTT\nGG\n"


def write(path, text, zipped=False):
    data = text.encode()
    path.write_bytes(gzip.compress(data) if zipped else data)
    return path


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
        ("s.csv", "id,sequence\na,ACTGA,9,9\n", "not a valid CSV"),
        ("s.csv", "id,sequence\na,ACTé A\n", "record 1"),
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
    monkeypatch.setattr("shapsketch.sequences.PIECE", 3)
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
    with pytest.raises(InputError, match="records 2 and 11 are both named 'r1'"):
        read_sequences(path, TEMPLATE, mismatch="drop")


def test_rows_without_names_are_numbered_through_all_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr("shapsketch.sequences.PIECE", 2)
    kept, _ = read_sequences(write(tmp_path / "s.csv", "sequence\n" + 5 * "ACTGA\n"), TEMPLATE)
    assert kept["sequence_id"].tolist() == ["seq1", "seq2", "seq3", "seq4", "seq5"]


def test_missing_damaged_and_folder(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_sequences(tmp_path / "none.fa", TEMPLATE)
    with pytest.raises(InputError, match="is a folder"):
        read_sequences(tmp_path, TEMPLATE)
    broken = tmp_path / "s.fa.gz"
    broken.write_bytes(gzip.compress(FASTA.encode())[:-12])
    with pytest.raises(InputError, match="damaged gzip|not a valid FASTA"):
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
