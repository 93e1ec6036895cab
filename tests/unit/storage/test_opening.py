"""Files as people hand them over: packed, mistaken for another kind, damaged, unreadable."""

import bz2
import gzip
import io
import lzma
import zipfile

import numpy as np
import pyarrow as pa
import pytest
import yaml
from reader_cases import FASTA, RECORDS, TEMPLATE, write

from shapsketch.sequences.reader import read_sequences
from shapsketch.settings.errors import InputError

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
