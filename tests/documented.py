"""What docs/reference/files.md says of each file: its name, and its columns, keys or arrays."""

import json
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

PAGE = Path(__file__).parents[1] / "docs/reference/files.md"
WILD = {"S": r"(?!spectrum/|sketch/)[^/]+", "M": r"[^/]+", "FILE": r"[^/]+", "OUTPUT": r"[\w-]+", "NAME": r".+"}
WILD |= dict.fromkeys(("KIND", "SEED"), r"[^/]+")
WILD |= {"V": WILD["S"], **dict.fromkeys("IJKNn", r"\d+")}
TYPES = {
    "list of text": "list<item: string>",
    "text": "string",
    "number": "double",
    "`float`": "float",
    "`int64`": "int64",
    "`int32`": "int32",
    "`int8`": "int8",
}


class Section(NamedTuple):
    """One section of the page.

    Attributes:
        pattern: of the files' paths below results/M/.
        names: patterns of columns, keys or arrays, in their order.
        types: of columns of Parquet, as pyarrow names them; otherwise empty.
        text: all of it.
    """

    pattern: re.Pattern[str]
    names: list[str]
    types: list[str]
    text: str


def as_pattern(name: str) -> str:
    """A name of the page as a regular expression: words in capitals are names or numbers, and `pos_n` a position."""
    words = re.split(r"(?<![A-Za-z])([A-Z]+|n)(?![A-Za-z])", name)
    return "".join(WILD.get(word, re.escape(word)) for word in words)


@cache
def sections() -> list[Section]:
    """Every section that describes files."""
    found = []
    for part in re.split(r"^### ", PAGE.read_text(), flags=re.M)[1:]:
        heading, _, body = part.partition("\n")
        body = re.split(r"^## ", body, flags=re.M)[0]
        files = re.findall(r"`([^`]+)`", heading)
        pattern = "|".join(as_pattern(name) + (".+" if name.endswith("/") else "") for name in files)
        rows = [row.split("|")[1:-1] for row in re.findall(r"^\|.*\|$", body, re.M)[2:]]
        cells = [(re.findall(r"`([^`]+)`", row[0]), row[1].strip()) for row in rows]
        names = [as_pattern(name) for own, _ in cells for name in own]
        typed = files[0].endswith(".parquet")
        types = [TYPES.get(kind, kind) for own, kind in cells for _ in own] if typed else []
        found.append(Section(re.compile(pattern), names, types, body))
    return found


def section_of(path: str) -> Section | None:
    """The section of a file, by its path below results/M/."""
    return next((section for section in sections() if section.pattern.fullmatch(path)), None)


def names_in(path: Path) -> list[str] | None:
    """The columns, keys (of an object by outputs: of the first) or arrays of a file; None of others."""
    match "".join(path.suffixes[-2:]) if path.suffix == ".gz" else path.suffix:
        case ".parquet":
            return pq.read_schema(path).names
        case ".tsv" | ".tsv.gz":
            return list(pd.read_csv(path, sep="\t", nrows=0).columns)
        case ".npz":
            return list(np.load(path, allow_pickle=False))
        case ".json":
            content = json.loads(path.read_text())
            return (
                list(next(iter(content.values())))
                if path.name in ("faithfulness.json", "found.json")
                else list(content)
            )
    return None


def undocumented(path: Path, name: str) -> list[str]:
    """What a file has and the page lacks: its name, or some of its columns, keys or arrays."""
    section = section_of(name)
    if section is None:
        return [name]
    found = names_in(path) or []
    lacking = [one for one in found if not any(re.fullmatch(known, one) for known in section.names)]
    return [f"{name}: {one}" for one in lacking if f"`{one}`" not in section.text]


def undocumented_in(folder: Path) -> list[str]:
    """The same of all results of a model, results/M; of shards, their manifests and archives alone."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(".")]
    files = [path for path in files if not (path.suffix == ".parquet" and "-of-" in path.name)]
    assert len(files) > 10, f"{folder} holds hardly any results"
    return [lacking for path in files for lacking in undocumented(path, path.relative_to(folder).as_posix())]
