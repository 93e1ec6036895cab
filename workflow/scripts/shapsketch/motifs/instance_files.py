"""The files of a motif's instances, written piece by piece."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pandas as pd

from ..storage.files import atomic_path
from ..storage.tsv import bed_text, table_text
from . import WriteInstances
from .tables import INSTANCE_COLUMNS


@contextmanager
def instance_files(table: str | Path, bed: str | Path) -> Iterator[WriteInstances]:
    """Open `instances.tsv` and `instances.bed` for writing; both are there when the block ends well, and else neither.

    Args:
        table, bed: their paths.

    Yields:
        A function that appends rows of the one and blocks of the other.
    """
    with ExitStack() as stack:
        rows_file, blocks_file = (
            stack.enter_context(open(stack.enter_context(atomic_path(path)), "w", encoding="utf-8", newline="\n"))
            for path in (table, bed)
        )
        rows_file.write("\t".join(INSTANCE_COLUMNS) + "\n")

        def write(rows: pd.DataFrame, blocks: pd.DataFrame) -> None:
            rows_file.write(table_text(rows, header=False))
            blocks_file.write(bed_text(blocks))

        yield write
