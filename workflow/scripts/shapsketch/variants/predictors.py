"""Several predictors of the same variants side by side: effects by models, columns of the file, baselines."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..settings.errors import InputError
from ..storage.delimited import to_numbers
from ..storage.opening import VCF, open_text
from .baselines import NAMES
from .reading import is_vcf
from .tables import read_columns
from .vcf import Line, read_header, read_lines

KEY = ["record", "allele"]


def effects_by_name(tables: Mapping[str, pd.DataFrame]) -> dict[str, np.ndarray]:
    """Return `delta` of every output of every model, for the variants of the first model.

    Args:
        tables: by model, with `EFFECT_SCHEMA`; the first one says which variants there are, in which order.

    Returns:
        (N,) float64 by name: of one model alone the name of the output; of several the model's, and the output's after
        a point where it has several. NaN where a model was not asked about a variant, as its window did not fit.
    """
    order = variants_of(next(iter(tables.values())))
    deltas = {}
    for model, table in tables.items():
        outputs = list(dict.fromkeys(table["output"]))
        for output in outputs:
            name = output if len(tables) == 1 else model if len(outputs) == 1 else f"{model}.{output}"
            of_output = table[table["output"] == output].set_index(KEY)["delta"]
            deltas[name] = of_output.reindex(pd.MultiIndex.from_frame(order[KEY])).to_numpy(np.float64)
    return deltas


def variants_of(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the first output of a table of effects: one for each variant."""
    return table[table["output"] == table["output"].iloc[0]].reset_index(drop=True)


def column_predictors(path: str | Path, names: Sequence[str], variants: pd.DataFrame) -> dict[str, np.ndarray]:
    """Read predictions that the file of variants brings itself.

    Args:
        path: of the variants.
        names: of columns, or of keys of a VCF's INFO with one number for the line or one for each allele.
        variants: their `record` and `allele`, N of each.

    Returns:
        (N,) float64 by name; NaN where there is none.

    Raises:
        InputError: a column is missing, or holds what is no number.
    """
    if not names:
        return {}
    if is_vcf(path):
        return _of_info(path, names, variants)
    table = pd.concat(list(read_columns(path, names)))
    numbers = pd.DataFrame({name: to_numbers(path, table[name]) for name in names}, table.index)
    return {name: numbers.loc[variants["record"], name].to_numpy() for name in names}


def check_columns(path: str | Path, names: Sequence[str]) -> None:
    """Check that a table of variants has the columns of predictors; of a VCF it shows when they are read.

    Raises:
        InputError: one is missing.
    """
    if names and not is_vcf(path):
        next(read_columns(path, names), None)


def _of_info(path: str | Path, names: Sequence[str], variants: pd.DataFrame) -> dict[str, np.ndarray]:
    values = {name: dict[tuple[int, int], str]() for name in names}
    with open_text(path, VCF) as handle:
        header, below = read_header(path, enumerate(handle, 1))
        for line in read_lines(path, header, below):
            for name, cells in values.items():
                cells.update(_by_allele(line, name))
    keys = list(zip(variants["record"].tolist(), variants["allele"].tolist(), strict=True))
    read = {}
    for name, cells in values.items():
        if not any(cells.values()):
            raise InputError(f"{path} has no INFO key {name!r}, which the config names among predictors.")
        column = pd.Series([cells.get(key, "") for key in keys], variants["record"], dtype=object, name=name)
        read[name] = to_numbers(path, column.replace(".", ""))
    return read


def _by_allele(line: Line, name: str) -> dict[tuple[int, int], str]:
    values, count = line.info(name).split(","), len(line.alternatives)
    values = values if len(values) == count else values[:1] * count if len(values) == 1 else [""] * count
    return {(line.number, allele): value for allele, value in enumerate(values, 1)}


def put_together(*groups: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return predictors of several sources in their order.

    Raises:
        InputError: two have one name.
    """
    together = dict[str, np.ndarray]()
    for group in groups:
        twice = sorted(together.keys() & group.keys())
        if twice:
            hint = "; that is a baseline's" if twice[0] in NAMES else ""
            raise InputError(f"Two predictors of the variants have the name {twice[0]!r}{hint}: rename the column.")
        together |= group
    return together
