"""Sequence files: every format, and one sentence for every mistake."""

import bz2
import gzip
import io
import lzma
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml

from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.reader import configured_background, read_sequences, stream_sequences
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError

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


BOM = b"\xef\xbb\xbf"
ODD = {
    "a byte-order mark": BOM + FASTA.encode(),
    "UTF-16": FASTA.encode("utf-16"),
    "UTF-32": FASTA.encode("utf-32"),
    "blank and comment lines first": b"\n; made by hand\n# 2 guides\n  \n" + FASTA.encode(),
    "a comment between records": FASTA.replace(">b", "# the other\n>b").encode(),
    "prime and beta in a description": FASTA.replace("first", "5\u2032-\u03b2 construct").encode(),
    "Latin-1 in a description": FASTA.replace("first", "f\u00fcr Gr\u00f6\u00dfe").encode("latin-1"),
    "a long description": FASTA.replace("first", "x" * 200_000).encode(),
    "old Mac line ends": FASTA.replace("\n", "\r").encode(),
    "blank lines within records": FASTA.replace("\n", "\n\n").encode(),
    "blanks within sequences": FASTA.replace("ACTGA", " AC TGA\t").encode(),
    "mixed line ends": FASTA.replace("\n>", "\r\n>").encode(),
    "FASTQ with a blank end": b"@a x\nACTGA\n+\nIIIII\n@b\nTTTGG\n+b\n@@@@@\n\n\n",
    "joined files with a byte-order mark each": BOM + FASTA.replace(">b", "\ufeff>b").encode(),
    "semicolons": b"id;sequence\na;ACTGA\nb;TTTGG\n",
    "Excel's line for the separator": b"sep=;\r\nid;sequence\r\na;ACTGA\r\nb;TTTGG\r\n",
    "semicolons and quotes": b'"id";"sequence";"group"\n"a";"ACTGA";"x;y"\n"b";"TTTGG";"say ""z"""\n',
    "tabs": b"id\tsequence\na\tACTGA\nb\tTTTGG\n",
    "commas": b"id,sequence\na,ACTGA\nb,TTTGG\n",
    "a header in capitals, with blanks": b" ID ,Sequence \na,ACTGA\nb,TTTGG\n",
    "empty rows": b"\nid,sequence\n\na,ACTGA\n,\n,,\nb,TTTGG\n\n",
    "a separator at the end of each row": b"id,sequence,\na,ACTGA,\nb,TTTGG,\n",
    "UTF-16 as Excel writes it": "id\tsequence\r\na\tACTGA\r\nb\tTTTGG\r\n".encode("utf-16"),
    "a comment before the header": b"# exported\nid,sequence\na,ACTGA\nb,TTTGG\n",
}


@pytest.mark.parametrize("case", ODD)
@pytest.mark.parametrize("name", ["s.fa", "s.csv", "s.tsv", "s"])
def test_files_as_they_really_come(tmp_path, name, case):
    (tmp_path / name).write_bytes(ODD[case])
    kept, _ = read_sequences(tmp_path / name, TEMPLATE)
    assert list(zip(kept["sequence_id"], kept["sequence"], strict=True)) == RECORDS


def pack_zstd(data):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


PACKERS = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress, "zstd": pack_zstd}


@pytest.mark.parametrize("packer", PACKERS)
def test_packed_files_are_known_by_their_bytes(tmp_path, packer):
    path = tmp_path / "s.fa"  # whatever the name
    packed = PACKERS[packer](FASTA.encode())
    path.write_bytes(packed)
    assert read_sequences(path, TEMPLATE)[0]["sequence_id"].tolist() == ["a", "b"]
    path.write_bytes(PACKERS[packer](FASTA[:18].encode()) + PACKERS[packer](FASTA[18:].encode()))
    assert read_sequences(path, TEMPLATE)[0]["sequence_id"].tolist() == ["a", "b"]
    path.write_bytes(PACKERS[packer](b""))
    with pytest.raises(InputError, match="holds no sequences"):
        read_sequences(path, TEMPLATE)
    long = PACKERS[packer]("".join(f">{k}\n{s}\n" for k, s in enumerate(random_sequences(40_000))).encode())
    path.write_bytes(long)
    assert len(read_sequences(path, TEMPLATE)[0]) == 40_000
    for broken in (long[: len(long) // 2], packed[: len(packed) // 2], packed[:-3], long[:-1]):
        path.write_bytes(broken)
        with pytest.raises(InputError, match="damaged or incomplete archive"):
            read_sequences(path, TEMPLATE)
    path.write_bytes(gzip.compress(packed))
    with pytest.raises(InputError, match="packed more than once|is a binary file|no text"):
        read_sequences(path, TEMPLATE)


def random_sequences(count):
    letters = np.random.default_rng(0).choice(list("ACGT"), (count, 3))
    return ["".join(row) + "GA" for row in letters]


def workbook():
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(
                zipfile.ZipInfo("[Content_Types].xml"), "<Types/>"
            )  # without the time: tests are named by it
            archive.writestr(zipfile.ZipInfo("xl/workbook.xml"), "<workbook/>")
        return buffer.getvalue()


def archive():
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, "w") as opened:
            opened.writestr(zipfile.ZipInfo("s.fa"), FASTA)
        return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (workbook(), "is an Excel or other Office document; save the sheet as CSV"),
        (archive(), "is a zip archive; unpack it"),
        (b"%PDF-1.7\n", "is a PDF document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "is an old Excel"),
        (b"\x00\x01\x02\x03" * 40, "is a binary file: it holds the character '.x00'"),
        (FASTA.encode("utf-16-le"), "looks like UTF-16 text without its byte-order mark"),
        (gzip.compress(b"BAM\x01", mtime=0), "is a BAM file"),
        (b"@HD\tVN:1.6\n", "is a SAM file"),
        (b"<!DOCTYPE html>\n", "is a web page"),
        (b">a\x81\nACTGA\n", "no text in UTF-8, UTF-16 or Windows-1252: it holds the byte 0x81"),
        (b"\xff\xfe>\x00a", "no text in UTF-8"),
        (b"ACTGA\nTTTGG\n", "neither FASTA .* nor a table with a column 'sequence'; its first line is 'ACTGA'"),
        (b"@a\nACTGA\n+\nIIIII\n@b\nTTTGG\n+\nII\n", "FASTQ file: record 2 has 5 letters and 2 qualities"),
        (b"@a\nACTGA\n+\nIIIII\nTTTGG\n", "FASTQ file: record 2 begins with 'TTTGG'"),
        (b"@a\nACT\nGA\n+\nIIIII\n", "record 1 has 'GA' as its third line, in the place of '\\+'; wrapped FASTQ"),
        (b"id,sequence;x\na,ACTGA\n", "has an unknown column 'sequence;x'"),
        (b"sequence;id,sequence\n", "has a header that can be split by commas as well as by semicolons"),
        (b"Sequence,sequence\n", "has an unknown column 'Sequence'"),
        (b"sequence,sequence\n", "two columns for 'sequence': 'sequence' .column 1. and 'sequence' .column 2."),
        (b"id,sequence\na,ACTGA\n\nb,TTT\n", r"row 3 \('b'\) has 3 letters"),
        (b"id,sequence\n\na,ACTGA\nb,TTTGG,,x\n", "row 3 has 4 cells, but the header has 2"),
        (b",sequence\n0,ACTGA\n", "row 1 has '0' in column 1, which has no name"),
        (b'id,sequence\na,ACTGA\n"b,TTTGG\n', "line 3 cannot be split into columns .* check its quotation marks"),
        (b'id,sequence\n"a\xc2\x9bx",ACTGA\n', r"row 1 is named 'a\\x9bx', with a control character"),
        (b"id,sequence\n,ACTGA\n", "row 1 has no name"),
        (b"id,sequence\n", "holds no sequences"),
        (b">a\nACT\xc3\x9f\n", "has 4 letters"),  # the capital of a sharp s would be two letters
        (b">a\nACTG\xc3\x9f\n", "has 'ß' at position 5"),
        ("\n>a\nACTGA\n>b\nACT→A\n".encode(), "record 2 .'b'. has '→' at position 4"),
    ],
)
def test_what_is_something_else_or_damaged_is_named(tmp_path, root, content, message):
    schema = yaml.safe_load((root / "workflow/schemas/sequences.schema.yaml").read_text())
    path = tmp_path / "s.csv" if b"," in content else tmp_path / "s.fa"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_sequences(path, TEMPLATE, table_schema=schema)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unreadable_file_is_told(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path / "s.fa", FASTA)
    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(InputError, match="may not be read: permission is denied"):
        read_sequences(path, TEMPLATE)


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
