"""Readers of sequences and tables under whatever bytes there are: a sentence, or what an independent reader reads."""

import bz2
import csv
import gzip
import io
import lzma
import string
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
from Bio.SeqIO.FastaIO import SimpleFastaParser
from Bio.SeqIO.QualityIO import FastqGeneralIterator
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shapsketch.models.table_model import read_table
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.reader import read_sequences
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError

DNA = Template(Alphabet("ACGT"), "NNNN")
fuzz = settings(
    derandomize=True, deadline=None, max_examples=250, suppress_health_check=list(HealthCheck), database=None
)
PACKERS = (bytes, gzip.compress, bz2.compress, lzma.compress)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-32")
ENDS = ("\n", "\r\n", "\r")

words = st.text(st.sampled_from(string.ascii_letters + string.digits + " ,;'\"\t|>@#+βé→/_.-"), max_size=8)
letters = st.one_of(st.text(st.sampled_from("ACGTacgtUu"), min_size=4, max_size=4), st.text("ACGTNXß >;", max_size=6))


@contextmanager
def one_sentence(path, must_read=False):
    """Nothing but an InputError may come out, of one line, which names the file."""
    try:
        yield
    except InputError as error:
        assert not must_read
        assert "\n" not in str(error)
        assert str(path) in str(error)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        for module in ("sequences.reader", "models.table_model"):
            patch.setattr(f"shapsketch.{module}.PIECE", 2)  # many pieces
        yield tmp_path_factory.mktemp("fuzz") / "input.csv"


def folded(sequence):
    """As the reader of DNA should write it, letter by letter."""
    return "".join("T" if c in "Uu" else c.upper() if c in string.ascii_lowercase else c
                   for c in sequence if not c.isspace())  # fmt: skip


def write(path, text, encoding, end, packer):
    path.write_bytes(packer(text.replace("\n", end).encode(encoding)))


starts = st.sampled_from([b"", b">a\n", b"@a\n", b"sequence,value\n", b"\x1f\x8b", b"BZh9", b"\xfd7zXZ\x00", b"PAR1",
                          b"\x28\xb5\x2f\xfd", b"\xff\xfe", b"PK\x03\x04", b"sequence;value\nACGT;"])  # fmt: skip


@fuzz
@given(start=starts, rest=st.binary(max_size=200))
def test_random_bytes(path, start, rest):
    path.write_bytes(start + rest)
    with one_sentence(path):
        read_sequences(path, DNA, mismatch="drop", ambiguous="drop")
    with one_sentence(path):
        read_table({"path": str(path), "not_finite": "drop", "duplicates": "mean"}, DNA, ["value"])


@fuzz
@given(place=st.integers(0, 10_000), byte=st.integers(0, 255), cut=st.booleans(), packer=st.sampled_from(PACKERS[1:]))
def test_damaged_archives(path, place, byte, cut, packer):
    whole = packer(b"".join(b">%d\nACGT\n" % k for k in range(300)))
    place %= len(whole)
    path.write_bytes(whole[:place] if cut else whole[:place] + bytes([byte]) + whole[place + 1 :])
    with one_sentence(path):
        kept, _ = read_sequences(path, DNA, mismatch="drop", ambiguous="drop")
        assert kept["sequence_id"].tolist() == [str(k) for k in range(300)]  # accepted: then it is whole


plain = st.text("ACGTacgtUu", min_size=4, max_size=4)
names = st.one_of(words, st.text(string.ascii_letters + "βé→", min_size=1, max_size=6))
records = st.lists(st.tuples(names, st.one_of(plain.map(lambda s: [s[:2], s[2:]]), st.lists(letters))), max_size=6)


@fuzz
@example(records=[("a", ["ACGT"]), ("b x", ["AC", "", "gu"])], encoding="utf-8", end="\n", packer=bytes, head="\n#x\n")
@given(
    records=records,
    encoding=st.sampled_from(ENCODINGS),
    end=st.sampled_from(ENDS),
    packer=st.sampled_from(PACKERS),
    head=st.sampled_from(["", "\n", "; a comment\n", "# x\n\n"]),
)
def test_fasta_is_read_as_biopython_reads_it(path, records, encoding, end, packer, head):
    body = "".join(f">{name}\n" + "".join(f"{line}\n" for line in lines) for name, lines in records)
    write(path, head + body, encoding, end, packer)
    lines = io.StringIO("\n".join(line for line in body.split("\n") if not line.startswith((";", "#"))))
    expected = [(first_word(title), folded(sequence)) for title, sequence in SimpleFastaParser(lines)]
    with one_sentence(path, must_read=is_fine(expected)):
        kept, dropped = read_sequences(path, DNA, mismatch="drop", ambiguous="drop")
        fitting = [(k, *record) for k, record in enumerate(expected, 1) if fits(record[1])]
        assert list(zip(kept["sequence_id"], kept["sequence"], strict=True)) == [record[1:] for record in fitting]
        assert set(dropped["record"]) == set(range(1, len(expected) + 1)) - {k for k, *_ in fitting}


def first_word(title):
    return "".join(title.split(None, 1)[:1])


def is_fine(records):
    """Whether records (name, sequence) must be read: each name is there once, and a sequence fits."""
    names = [name for name, *_ in records]
    return len(set(names)) == len(names) and all(names) and any(fits(sequence) for _, sequence in records)


def fits(sequence):
    return len(sequence) == 4 and set(sequence) <= set("ACGT")


@fuzz
@given(
    records=st.lists(st.tuples(names, st.text("ACGTacgtN", min_size=3, max_size=5)), max_size=5),
    break_at=st.integers(0, 200),
    encoding=st.sampled_from(ENCODINGS),
    end=st.sampled_from(ENDS),
)
def test_fastq_is_read_as_biopython_reads_it(path, records, break_at, encoding, end):
    text = "".join(f"@{name}\n{letters}\n+\n{'@' * len(letters)}\n" for name, letters in records)
    write(path, text, encoding, end, bytes)
    expected = [(first_word(title), folded(letters)) for title, letters, _ in FastqGeneralIterator(io.StringIO(text))]
    with one_sentence(path, must_read=is_fine(expected)):
        kept, _ = read_sequences(path, DNA, mismatch="drop", ambiguous="drop")
        assert kept[["sequence_id", "sequence"]].to_numpy().tolist() == [list(r) for r in expected if fits(r[1])]
    write(path, text[:break_at], "utf-8", "\n", bytes)
    with one_sentence(path):
        read_sequences(path, DNA, mismatch="drop", ambiguous="drop")


@fuzz
@given(
    table=st.lists(st.tuples(names, letters, words), max_size=6),
    blank=st.sets(st.integers(0, 6)),
    separator=st.sampled_from(",;\t"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    encoding=st.sampled_from(ENCODINGS),
    end=st.sampled_from(ENDS),
    packer=st.sampled_from(PACKERS),
)
def test_tables_are_read_as_pandas_reads_them(path, table, blank, separator, quoting, encoding, end, packer):
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator, quoting=quoting, lineterminator="\n")
    writer.writerow(["id", "sequence", "group"])
    for k, row in enumerate(table):
        buffer.write("\n" if k in blank else "")
        writer.writerow(row)
    write(path, buffer.getvalue(), encoding, end, packer)
    frame = pd.read_csv(
        io.StringIO(buffer.getvalue()), sep=separator, dtype=str, keep_default_na=False, skip_blank_lines=False
    ).fillna("")
    frame.index = range(1, len(frame) + 1)
    frame = frame.map(str.strip)
    frame = frame[(frame != "").any(axis=1)]
    expected = [(name, folded(sequence)) for name, sequence in zip(frame["id"], frame["sequence"], strict=True)]
    tabs = frame["id"].str.contains("\t").any()
    with one_sentence(path, must_read=is_fine(expected) and not tabs):
        kept, dropped = read_sequences(path, DNA, mismatch="drop", ambiguous="drop")
        fitting = frame["sequence"].map(lambda s: fits(folded(s))).to_numpy(bool)
        expected = frame[fitting].assign(sequence=lambda f: f["sequence"].map(folded))
        assert kept.to_numpy().tolist() == expected.to_numpy().tolist()
        assert dropped["record"].tolist() == frame.index[~fitting].tolist()


@fuzz
@given(text=st.text(st.sampled_from('ACGT,;\t\n"sequence'), max_size=60), separator=st.sampled_from(",;\t"))
def test_random_text_under_a_header_is_read_as_pandas_reads_it(path, text, separator):
    content = f"sequence{separator}group\n{text}"
    path.write_text(content, newline="")
    with one_sentence(path):
        kept, _ = read_sequences(path, DNA, mismatch="drop", ambiguous="drop")
        frame = pd.read_csv(
            io.StringIO(content), sep=separator, dtype=str, keep_default_na=False, index_col=False, names=[0, 1, 2, 3],
            skiprows=1, skip_blank_lines=False,
        ).fillna("")  # fmt: skip
        expected = [folded(s) for s in frame[0] if fits(folded(s))]
        assert kept["sequence"].tolist() == expected


plain_numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-(10**20), 10**20).map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=6).map(str),
    st.sampled_from(["", "NA", "nan", "+1", ".5", "5.", "1E5", " 7 "]),
)
odd_numbers = st.one_of(
    plain_numbers,
    st.sampled_from(["-inf", "inf", "0,5", "1_0", "1e", "--1", "0x1", "1 2"]),
    st.text(st.sampled_from("0123456789.,eE+-_ in"), max_size=6),
)


@fuzz
@given(
    table=st.one_of(
        st.lists(st.tuples(plain, numbers), min_size=1, max_size=8) for numbers in (plain_numbers, odd_numbers)
    ),
    separator=st.sampled_from(",;\t"),
    drop=st.booleans(),
)
def test_values_are_read_to_the_bit(path, table, separator, drop):
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=separator, lineterminator="\n").writerows([("sequence", "value"), *table])
    path.write_text(buffer.getvalue(), newline="")
    settings = {"not_finite": "drop", "duplicates": "mean"} if drop else {}
    with one_sentence(path):
        found = read_table({"path": str(path), **settings}, DNA, ["value"])
        expected: dict[str, list[float]] = {}
        left_out = 0
        for sequence, text in table:
            value = float("nan") if text.strip() in ("", "NA") else float(text)  # Python's own, correctly rounded
            if np.isfinite(value):
                expected.setdefault(folded(sequence), []).append(value)
            else:
                left_out += 1
            assert "_" not in text
        assert DNA.alphabet.decode(found.codes) == list(expected)
        assert len(found.left_out) == left_out
        for value, several in zip(found.values[:, 0], expected.values(), strict=True):
            assert value == several[0] if len(several) == 1 else np.isclose(value, np.mean(several), rtol=1e-12)
            assert drop or len(several) == 1
