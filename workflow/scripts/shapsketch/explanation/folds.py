"""What the folds of a model say apart: the spread of predictions, and an interval for every Shapley value.

Folds are taken for draws of one population: networks trained on other parts of the data, with other seeds. From F of
them, with the standard deviation s, another fold's value lies within value +- t s sqrt(1 + 1/F) in 95 % of cases, t
being the 97.5 % quantile of Student's t with F - 1 degrees of freedom (Hahn & Meeker, Statistical Intervals, Wiley
1991, section 4.7). That is exact for normal values around their mean; `make benchmark-folds` measures it on networks.

What all folds are asked alike, they err alike: of that their spread knows nothing. Where values have standard errors,
their interval and that of the folds are added as independent ones are, by squares.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from scipy.special import ndtri, stdtrit

from ..spectrum.ambiguity import resolve
from ..spectrum.spectrum import Spectrum
from ..spectrum.tables import position_columns

COVERAGE = 0.95
STATISTICS = ("standard_deviation", "low", "high")


def folds_schema(n: int) -> pa.Schema:
    """The columns of `shapley_folds.parquet` for sequences of n letters."""
    names = [(name, pa.string()) for name in ("sequence_id", "output", "statistic")]
    return pa.schema([*names, *position_columns(n)])


def interval_factor(folds: int) -> float:
    """Return how many standard deviations over the folds another fold's value lies away at most, in 95 % of cases.

    Args:
        folds: how many, at least 2.
    """
    return float(stdtrit(folds - 1, (1 + COVERAGE) / 2) * np.sqrt(1 + 1 / folds))


def by_output(spectra: Mapping[str, Spectrum]) -> dict[str, list[Spectrum]]:
    """Return the spectra of each output's folds, from those by the names that `Sketch.folds_as_outputs` gives."""
    grouped: dict[str, list[Spectrum]] = {}
    for name, spectrum in spectra.items():
        grouped.setdefault(name.rpartition(".")[0], []).append(spectrum)
    return grouped


def fold_table(
    output: str,
    spectra: Sequence[Spectrum],
    sequences: pa.Table,
    values: pa.Table,
    errors: np.ndarray | float = 0.0,
) -> pa.Table:
    """Tabulate the spread of Shapley values over folds, with `folds_schema`: a row per sequence and statistic.

    Args:
        output: its name.
        spectra: of the F folds, for this output.
        sequences: with `sequence_id` and `sequence`.
        values: of the mean of the folds, with `values_schema`; the intervals lie about these.
        errors: (S, n) standard errors of these where they were refined, which the intervals hold, too; NaN for
            sequences that were not.
    """
    text = sequences["sequence"].to_pylist()
    by_fold = []
    for spectrum in spectra:
        codes, components = resolve(spectrum, text)
        by_fold.append(components.shapley_values(codes))
    return spread_table(output, sequences["sequence_id"].to_pylist(), np.array(by_fold), values, np.nan_to_num(errors))


def spread_table(
    output: str, names: Sequence[str], by_fold: np.ndarray, values: pa.Table, errors: np.ndarray | float = 0.0
) -> pa.Table:
    """Tabulate the spread of the folds' values about those of their mean, as `fold_table` does.

    Args:
        output: its name.
        names: of the S sequences.
        by_fold: (F, S, n) of each fold, each sequence and each position.
        values: of the mean of the folds, with `values_schema`.
        errors: (S, n) standard errors of these, where they are estimates; the intervals hold them, too.
    """
    deviation = np.std(by_fold, axis=0, ddof=1)
    centre = np.column_stack([values[f"pos_{i + 1}"].to_numpy() for i in range(deviation.shape[1])]).astype(np.float64)
    reach = np.hypot(interval_factor(len(by_fold)) * deviation, ndtri((1 + COVERAGE) / 2) * errors)
    rows = np.stack([deviation, centre - reach, centre + reach], 1).reshape(-1, deviation.shape[1])
    columns = {
        "sequence_id": np.repeat(np.array(names, object), len(STATISTICS)),
        "output": pa.repeat(output, len(rows)),
        "statistic": list(STATISTICS) * len(names),
    }
    columns |= {f"pos_{i + 1}": row.astype(np.float32) for i, row in enumerate(rows.T)}
    return pa.table(columns, schema=folds_schema(deviation.shape[1]))
