"""Measurements that pages quote: `tests/benchmarks/results/NAME.tsv`, kept in the repository.

Benchmarks alone write them.
Above the columns, lines that begin with `#` name the command, the commits and the machines that the rows come from.
A run that is measured again takes the place of the old one, with all its rows; runs at the same time wait for one
another. `benchmarks.tables` makes the tables of pages of them.
"""

import fcntl
import os
import platform
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any

import pandas as pd

from shapsketch.storage.files import write_text

FOLDER = Path(__file__).with_name("results")
ROOT = FOLDER.parents[2]


def read_results(path: Path) -> pd.DataFrame:
    """Return the rows of a file; empty cells are missing. Without a file, none.

    Args:
        path: of the file.
    """
    if not path.exists():
        return pd.DataFrame()
    head = takewhile(lambda line: line.startswith("#"), path.read_text().splitlines())
    text = {"commit": str, "machine": str}  # a commit may look like a number
    return pd.read_csv(path, sep="\t", skiprows=len(list(head)), dtype=text)


@contextmanager
def exclusively(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder: who asks for it meanwhile waits, and what ends without a word gives it back."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def merge_results(
    path: Path,
    rows: Iterable[Mapping[str, Any]],
    key: Sequence[str],
    columns: Sequence[str],
    command: str,
    derive: Callable[[pd.DataFrame], pd.DataFrame] = lambda table: table,
) -> pd.DataFrame:
    """Put rows into a file, in the place of all that were there of the same runs, and return all.

    Nobody else reads, changes or writes a file of the same folder in this way until that is done.

    Args:
        path: of the file.
        rows: values by column; commit and machine are those of now, unless a row tells its own.
        key: the columns that name a run, which may have several rows.
        columns: all columns in their order, `commit` and `machine` apart, which come last.
        command: that measures, as a user types it.
        derive: takes columns anew that follow from several rows.
    """
    here = {"commit": commit(), "machine": MACHINE}
    new = pd.DataFrame([here | dict(row) for row in rows])
    with exclusively(path.parent):
        table = derive(_merged(path, new, key, [*columns, *here]))
        write_results(path, table, command)
    return table


def _merged(path: Path, new: pd.DataFrame, key: Sequence[str], columns: list[str]) -> pd.DataFrame:
    tables = [part for part in (read_results(path), new) if len(part)]
    table = pd.concat(tables, ignore_index=True).reindex(columns=columns)
    names = table[list(key)].astype(object)
    runs = list(names.where(names.notna(), "").itertuples(index=False, name=None))
    old = len(table) - len(new)
    measured = set(runs[old:])
    kept = [row >= old or run not in measured for row, run in enumerate(runs)]
    return table[kept].sort_values(list(key), kind="stable")


def write_results(path: Path, table: pd.DataFrame, command: str) -> None:
    """Write a whole file.

    Args:
        path: of the file.
        table: with the columns `commit` and `machine`.
        command: that measures, as a user types it.
    """
    head = [f"# command: {command}"]
    for name in ("commit", "machine"):
        head += [f"# {name}: {', '.join(sorted(table[name].dropna().unique())) or 'not recorded'}"]
    write_text(path, "\n".join(head) + "\n" + table.to_csv(sep="\t", index=False, float_format="%.6g"))


def commit() -> str:
    """Return the commit that last changed library or benchmarks, with `-dirty` where they are changed now.

    What makes tables and sentences of results is no part of them: it measures nothing.
    """
    code = ("--", "workflow/scripts/shapsketch", ":(glob)tests/*.py", ":(glob)tests/benchmarks/*.py")
    code += tuple(f":(exclude,glob)tests/benchmarks/{name}.py" for name in ("*table*", "numbers"))

    def git(*command: str) -> str:
        done = subprocess.run(["git", *command, *code], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    return git("log", "-1", "--format=%h", "--abbrev=7") + ("-dirty" if git("status", "--porcelain") else "")


def _machine() -> str:
    cpus = Path("/proc/cpuinfo")
    lines = cpus.read_text().splitlines() if cpus.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return f"{os.cpu_count()} x {names[0] if names else platform.machine()}"


MACHINE = _machine()
