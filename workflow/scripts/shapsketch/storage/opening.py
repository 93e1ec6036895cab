"""Files that people hand over, opened as text: unpacked, decoded, and told apart from what is no text.

Compression and encoding are recognised by the first bytes, never by the name. Text is UTF-8; a byte that
cannot be is read as Windows-1252, as older programs write; UTF-16 and UTF-32 need their byte-order mark.
"""

import bz2
import codecs
import gzip
import io
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from ..settings.errors import InputError

HEAD = 1 << 16  # bytes that tell what a file is
PARQUET = b"PAR1"
VCF, GFF = b"##fileformat=VCF", b"##gff"  # refused unless such a file is expected

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins like that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PACKERS = ((b"\x1f\x8b", "gzip"), (b"BZh", "bzip2"), (b"\xfd7zXZ\x00", "xz"), (b"\x28\xb5\x2f\xfd", "zstd"))
_UNPACK = "unpack it, and name the file inside"
_OTHERS = (
    (b"%PDF", "a PDF document; save its table as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word document; save the sheet as CSV"),
    (b"{\\rtf", "a rich text document; save it as plain text"),
    (b"PK\x03\x04", f"a zip archive; {_UNPACK}"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"7z\xbc\xaf\x27\x1c", f"a 7z archive; {_UNPACK}"),
    (b"Rar!", f"a RAR archive; {_UNPACK}"),
    (b"\x1f\x9d", f"packed by compress (.Z); {_UNPACK}"),
    (b"\x04\x22\x4d\x18", f"packed by lz4; {_UNPACK}"),
    (b"BCF\x02", "a BCF file; convert it with `bcftools view`"),
    (b"BAM\x01", "a BAM file; convert it with `samtools fasta`"),
    (b"CRAM", "a CRAM file; convert it with `samtools fasta`"),
    (b"@HD\t", "a SAM file; convert it with `samtools fasta`"),
    (b"@SQ\t", "a SAM file; convert it with `samtools fasta`"),
    (b"\x1a\x41\x27\x43", "a 2bit file; convert it with `twoBitToFa`"),
    (VCF, "a VCF file of variants, which holds no sequences"),
    (GFF, "a GFF file of annotations, which holds no sequences"),
    (b"LOCUS  ", "a GenBank file; convert it to FASTA"),
    (b"CLUSTAL", "a CLUSTAL alignment; convert it to FASTA"),
    (b"#NEXUS", "a NEXUS file; convert it to FASTA"),
    (b"\x89HDF", "an HDF5 file; save its table as CSV or Parquet"),
    (b"\x93NUMPY", "a NumPy array; save its table as CSV or Parquet"),
    (b"ARROW1", "an Arrow (Feather) file; save its table as CSV or Parquet"),
    (b"SQLite format 3", "an SQLite database; save its table as CSV"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"<!DOCTYPE", "a web page; download the file itself"),
    (b"<!doctype", "a web page; download the file itself"),
    (b"<html", "a web page; download the file itself"),
    (b"<?xml", "an XML document; save its table as CSV"),
)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f]")


def _read_as_windows(error: UnicodeError) -> tuple[str, int]:
    """Decode bytes that are not UTF-8."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252"), error.end


codecs.register_error("shapsketch-windows", _read_as_windows)


@contextmanager
def told(path: str | Path) -> Iterator[None]:
    """Tell whatever keeps a file from being read in one sentence.

    Raises:
        InputError: the file cannot be read; the sentence says why.
    """
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{path} does not exist.") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder; a file is needed.") from None
    except PermissionError:
        raise InputError(f"{path} may not be read: permission is denied.") from None
    except UnicodeDecodeError as error:
        byte = f"byte 0x{error.object[error.start]:02x}"
        raise InputError(f"{path} is no text in UTF-8, UTF-16 or Windows-1252: it holds the {byte}.") from error
    except (EOFError, zlib.error, lzma.LZMAError, OSError) as error:
        reason = " ".join(str(error).split()) or "it ends too early"
        if isinstance(error, OSError) and error.errno and error.strerror:
            raise InputError(f"{path} cannot be read ({error.strerror}).") from error
        raise InputError(f"{path} is a damaged or incomplete archive ({reason}).") from error


def is_parquet(path: str | Path) -> bool:
    """Whether a file is a Parquet table, packed by nothing else."""
    with told(path), open(path, "rb") as handle:
        return handle.read(len(PARQUET)) == PARQUET


@contextmanager
def open_text(path: str | Path, expected: bytes = b"") -> Iterator[TextIO]:
    r"""Open a file as text, plain or packed by gzip, bzip2, xz or zstd; every line end is read as `\n`.

    Args:
        path: the file.
        expected: `VCF` or `GFF`, where such a file is wanted, which holds no sequences.

    Raises:
        InputError: it is missing, a folder, unreadable, damaged, or or known to be something else than text.
    """
    with told(path):
        with _unpacked(path) as handle:
            head = handle.read(HEAD)
        encoding, errors = _encoding(head)
        _refuse_other_files(path, head, encoding, errors, expected)
        with _unpacked(path) as handle, io.TextIOWrapper(handle, encoding, errors) as text:
            yield text


def _unpacked(path: str | Path) -> BinaryIO:
    with open(path, "rb") as handle:
        first = handle.read(8)
    packer = next((name for magic, name in _PACKERS if first.startswith(magic)), "")
    if packer == "bzip2" and not re.match(rb"BZh[1-9][1\x17]", first):
        packer = ""  # proteins may begin so
    return io.BufferedReader(_OPENERS[packer](path), HEAD)


def _open_zstd(path: str | Path) -> Any:
    import pyarrow as pa

    return pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")


_OPENERS: dict[str, Callable[[str | Path], Any]] = {
    "": io.FileIO,
    "gzip": gzip.open,
    "bzip2": bz2.open,
    "xz": lzma.open,
    "zstd": _open_zstd,
}


def _encoding(head: bytes) -> tuple[str, str]:
    """The encoding of text that begins so, and what to do with bytes that do not fit it."""
    marked = next((encoding for mark, encoding in _MARKS if head.startswith(mark)), None)
    return (marked, "strict") if marked else ("utf-8", "shapsketch-windows")


def _refuse_other_files(path: str | Path, head: bytes, encoding: str, errors: str, expected: bytes) -> None:
    if any(head.startswith(magic) for magic, name in _PACKERS if name != "bzip2"):
        raise InputError(f"{path} is packed more than once; unpack it.")
    if head.startswith(PARQUET):
        raise InputError(f"{path} is a packed Parquet file; unpack it.")
    if head.startswith(b"PK\x03\x04") and (b"xl/" in head or b"[Content_Types].xml" in head):
        raise InputError(f"{path} is an Excel or other Office document; save the sheet as CSV.")
    if head[257:262] == b"ustar":
        raise InputError(f"{path} is a tar archive; {_UNPACK}.")
    for magic, kind in _OTHERS:
        if head.startswith(magic) and magic != expected:
            raise InputError(f"{path} is {kind}.")
    control = _CONTROL.search(codecs.getincrementaldecoder(encoding)(errors).decode(head))
    if control and encoding == "utf-8" and max(head[::2].count(0), head[1::2].count(0)) > 0.4 * len(head):
        raise InputError(f"{path} looks like UTF-16 text without its byte-order mark; save it as UTF-8.")
    if control:
        raise InputError(f"{path} is a binary file: it holds the character {control[0]!r}; text is needed.")
