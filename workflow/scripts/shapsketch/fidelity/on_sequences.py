"""Scores on the explained sequences: over all of them, by group, and within the highest tenth.

An R2 over sequences that differ by much may hide that nothing is explained among those that matter: decoys beside real
sites, low values beside high ones. The files are read a few times, a row group at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..sequences.rng import BOOTSTRAP_STREAM, generator
from ..spectrum.metrics import RESAMPLES, ROUNDING_SHARE, small_sample_factor
from ..spectrum.scale import ROUNDING_STEPS, power_of_two, precision
from ..storage.parquet import group_names
from .records import RefinementSummary, SequencesScore
from .value_rows import ValueTable, rows_by_output

BOOTSTRAP_BLOCKS = 200  # of sequences that are resampled together; so few sequences are each a block
HIGHEST_SHARE = 0.1  # the share of the sequences with the highest predictions
MAX_GROUPS = 200  # that are scored; more are counted
WARNINGS = ("rare", "range", "gap", "r2", "unseen")
MIN_R2 = -1e300  # written for less
DIGIT_BITS = 16  # bits of a float64 that are counted in one pass, to find the highest tenth


def report_on_queries(
    values: str | Path,
    errors: str | Path | None = None,
    sequences: str | Path | None = None,
    outputs: Sequence[str] = (),
) -> dict[str, SequencesScore]:
    """Score the reconstruction on the explained sequences that the model itself was asked about.

    Args:
        values: the Parquet file of Shapley values.
        errors: that of their standard errors, where they were refined.
        sequences: the Parquet file of the sequences, with their `group`; None: there are no groups.
        outputs: that have a record even without a row.

    Returns:
        The scores of each output.
    """
    names = group_names(sequences) if sequences else []
    table = ValueTable(values, sequences, names[:MAX_GROUPS])
    left_out = max(len(names) - MAX_GROUPS, 0)
    scores = {output: _score(table, output, left_out) for output in dict.fromkeys((*outputs, *table.outputs))}
    for output, summary in (_report_errors(errors) if errors else {}).items():
        scores[output] = {**scores[output], **summary}
    return scores


def median_spread(values: str | Path, output: str) -> float | None:
    """Return the median of `prediction_sd` over the rows of an output; None where no row has it."""
    parts = [rows for name, rows in rows_by_output(values, ["output", "prediction_sd"]) if name == output]
    spread = np.concatenate([np.empty(0), *(rows["prediction_sd"].to_numpy(np.float64) for rows in parts)])
    spread = spread[np.isfinite(spread)]
    return float(np.median(spread)) if len(spread) else None


@dataclass
class _Pass:
    """What a first look at the rows of an output tells."""

    sequences: int = 0
    warnings: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WARNINGS, 0))
    largest: float = 0.0
    centre: float = 0.0
    members: "_Members" = field(default_factory=lambda: _Members(0))


class _Members:
    """Sums over sets of rows: all, each group, and the highest."""

    def __init__(self, groups: int) -> None:
        size = groups + 2
        self.count, self.sum = np.zeros(size, np.int64), np.zeros(size)
        self.low, self.high = np.full(size, np.inf), np.full(size, -np.inf)
        self.step = np.zeros(size)

    def add(self, member: int, values: np.ndarray, centre: float) -> None:
        """Add the values of one set."""
        if values.size:
            self.count[member] += values.size
            self.sum[member] += float(np.sum(values - centre))
            self.low[member] = min(self.low[member], float(values.min()))
            self.high[member] = max(self.high[member], float(values.max()))
            self.step[member] = max(self.step[member], precision(values))

    def varies(self, member: int) -> bool:
        """Whether values of a set differ by more than rounding."""
        return bool(self.high[member] - self.low[member] > ROUNDING_STEPS * self.step[member])


def _score(table: ValueTable, output: str, left_out: int) -> SequencesScore:
    """All scores of one output but those of refinement."""
    first = _first_pass(table, output)
    members, top = first.members, len(table.names) + 1
    asked = int(members.count[0])
    threshold = _threshold(table, output, int(np.ceil(HIGHEST_SHARE * asked))) if asked > 1 else np.inf
    for rows in table.rows(output):
        members.add(top, rows.predicted[rows.predicted >= threshold], first.centre)
    r2, interval = _squares(table, output, first, threshold)
    reason = None
    if r2[0] is None:
        reason = (
            "the model was not asked about them" if not asked
            else "the model was asked about one of them only" if asked == 1
            else "the model's predictions on them are all the same"
        )  # fmt: skip
    return {
        "sequences": first.sequences,
        "predicted": asked,
        "r2_on_queries": r2[0],
        "r2_interval": interval,
        "r2_undefined": reason,
        "r2_by_group": {
            name: {"predicted": int(members.count[k]), "r2": r2[k]} for k, name in enumerate(table.names, 1)
        },
        "r2_of_highest_tenth": r2[top],
        "highest_tenth": int(members.count[top]),
        "largest_gap": first.largest if asked else None,
        "warnings": first.warnings,
        "groups_left_out": left_out,
    }


def _first_pass(table: ValueTable, output: str) -> _Pass:
    first = _Pass(members=_Members(len(table.names)))
    for rows in table.rows(output):
        first.sequences += len(rows.predicted)
        words = rows.warnings[rows.warnings != ""].str.split(",").explode()
        first.warnings = {name: count + int((words == name).sum()) for name, count in first.warnings.items()}
        asked = np.isfinite(rows.predicted)
        values = rows.predicted[asked]
        if values.size:
            first.centre = first.centre if first.members.count[0] else float(values[0])
            first.largest = max(first.largest, float(np.abs(rows.missed[asked]).max()))
            first.members.add(0, values, first.centre)
            for group in np.unique(rows.groups[asked & (rows.groups >= 0)]).tolist():
                first.members.add(group + 1, values[rows.groups[asked] == group], first.centre)
    return first


def _threshold(table: ValueTable, output: str, rank: int) -> float:
    """The value of this rank among the predictions, 1 for the highest: found digit by digit, by counting."""
    known = np.uint64(0)
    for shift in range(64 - DIGIT_BITS, -1, -DIGIT_BITS):
        counts = np.zeros(1 << DIGIT_BITS, np.int64)
        for rows in table.rows(output):
            keys = _keys(rows.predicted[np.isfinite(rows.predicted)])
            same = (
                keys >> np.uint64(shift + DIGIT_BITS) == known if shift + DIGIT_BITS < 64 else np.ones(len(keys), bool)
            )
            digits = (keys[same] >> np.uint64(shift)) & np.uint64((1 << DIGIT_BITS) - 1)
            counts += np.bincount(digits.astype(np.int64), minlength=1 << DIGIT_BITS)
        above = np.cumsum(counts[::-1])[::-1]
        digit = int(np.flatnonzero(above >= rank)[-1])
        rank -= int(above[digit] - counts[digit])
        known = (known << np.uint64(DIGIT_BITS)) | np.uint64(digit)
    high = known >> np.uint64(63)
    bits = known ^ np.uint64(1 << 63) if high else ~known
    return float(np.array(bits, np.uint64).view(np.float64))


def _keys(values: np.ndarray) -> np.ndarray:
    """(N,) uint64 that sort like float64."""
    bits = (values + 0.0).view(np.uint64)  # -0 becomes 0
    return np.where(bits >> np.uint64(63), ~bits, bits | np.uint64(1 << 63))


def _squares(
    table: ValueTable, output: str, first: _Pass, threshold: float
) -> tuple[list[float | None], list[float] | None]:
    """R2 of all rows, of each group and of the highest, and the interval of the first; None where undefined."""
    members = first.members
    size, means = len(members.count), members.sum / np.maximum(members.count, 1)  # about the centre
    largest = np.maximum(np.abs(members.high - first.centre - means), np.abs(members.low - first.centre - means))
    units = np.array([power_of_two(np.array([r])) if np.isfinite(r) else 1.0 for r in largest])
    missed_unit = power_of_two(np.array([first.largest]))
    total, missed = np.zeros(size), np.zeros(size)
    blocks, asked_before = np.zeros((BOOTSTRAP_BLOCKS, 4)), 0
    for rows in table.rows(output):
        asked = np.isfinite(rows.predicted)
        values, gaps, groups = (
            rows.predicted[asked] - first.centre,
            rows.missed[asked] / missed_unit,
            rows.groups[asked],
        )
        squares, apart = gaps**2, (values - means[0]) / units[0]
        block = (asked_before + np.arange(len(values))) % BOOTSTRAP_BLOCKS
        parts = (np.ones(len(values)), apart, apart**2, squares)
        blocks += np.stack([np.bincount(block, part, BOOTSTRAP_BLOCKS) for part in parts], 1)
        asked_before += len(values)
        within = groups >= 0
        member = groups[within] + 1
        total += np.bincount(member, ((values[within] - means[member]) / units[member]) ** 2, size)
        missed += np.bincount(member, squares[within], size)
        highest = rows.predicted[asked] >= threshold
        total[-1] += float(np.sum(((values[highest] - means[-1]) / units[-1]) ** 2))
        missed[-1] += float(squares[highest].sum())
    total[0], missed[0] = blocks[:, 2].sum(), blocks[:, 3].sum()
    factors = missed_unit / units
    r2 = [
        _r2(total[k], missed[k], factors[k]) if members.count[k] > 1 and members.varies(k) else None
        for k in range(size)
    ]
    return r2, None if r2[0] is None else _interval(blocks[blocks[:, 0] > 0], factors[0])


def _r2(total: float, missed: float, factor: float) -> float:
    """R2 from sums of squares in units that differ by a factor."""
    with np.errstate(over="ignore", divide="ignore"):
        return max(float(1.0 - np.float64(missed) / total * np.float64(factor) ** 2), MIN_R2)


def _variance(blocks: np.ndarray) -> float:
    """The variance of all values, from such blocks."""
    count, sums, squares, _ = blocks.sum(0)
    return float(squares / count - (sums / count) ** 2)


def _interval(blocks: np.ndarray, factor: float) -> list[float]:
    """The 95 % bootstrap interval over (B, 4) blocks: counts, sums, squares, and squares of what was missed."""
    draws = generator(0, BOOTSTRAP_STREAM)
    chosen = draws.multinomial(len(blocks), np.full(len(blocks), 1 / len(blocks)), RESAMPLES)
    count, sums, squares, missed = (chosen @ blocks).T
    total = squares - sums**2 / count
    varies = total > 1e-12 * squares
    spread = _variance(blocks) * count
    with np.errstate(over="ignore"):
        missed = missed * np.float64(factor) ** 2
        # without variance there is no R2: it counts as 0, unless the values are met
        scores = np.where(missed <= ROUNDING_SHARE * spread, 1.0, 0.0)
        scores[varies] = 1 - missed[varies] / total[varies]
    low, high = np.percentile(np.maximum(scores, MIN_R2), [2.5, 97.5])
    return [float(low), float(high)]


def _report_errors(errors: str | Path) -> dict[str, RefinementSummary]:
    """What refined values tell of each output.

    A correction is what the sketch misses and noise, whose variance is that of the values without what widens the
    errors of few samples (`small_sample_factor`): two evaluations are a sample.
    """
    sums: dict[str, np.ndarray] = {}  # sequences, evaluations, squared corrections, noise, squared errors by position
    for output, rows in rows_by_output(errors):
        refined = rows.dropna(subset="correction")
        squares = np.square(refined[[c for c in refined if c.startswith("pos_")]].to_numpy(np.float64))
        evaluations = refined["evaluations"].to_numpy()
        noise = (squares.sum(1) / small_sample_factor(evaluations // 2) ** 2).sum()
        corrections = np.square(refined["correction"].to_numpy()).sum()
        parts = np.array([len(refined), evaluations.sum(), corrections, noise, *squares.sum(0)])
        sums[output] = sums.get(output, 0.0) + parts
    summaries: dict[str, RefinementSummary] = {}
    for output, (count, evaluations, corrections, noise, *squares) in sums.items():
        free = np.count_nonzero(squares)
        values = count * free if free else 1.0
        summaries[output] = {
            "refined": int(count),
            "evaluations_per_sequence": float(evaluations / max(count, 1)),
            "standard_error": float(np.sqrt(sum(squares) / values)),
            "sketch_error": float(np.sqrt(max(corrections / max(count, 1) - noise / values, 0.0))),
        }
    return summaries
