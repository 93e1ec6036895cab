"""Explanations as tables: what the workflow writes for each sequence, from the spectra of a model's outputs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
from scipy import sparse

from ..sequences.alphabet import character_codes
from .ambiguity import resolve
from .indices import InteractionMap
from .interaction_tables import INTERACTION_SCHEMA, Listing, list_pieces, listed_map, support_names
from .interactions import Sums, group_codes
from .scale import is_constant
from .terms import Support
from .typical import Typical

if TYPE_CHECKING:
    import pandas as pd

    from .spectrum import Spectrum

SEQUENCES_AT_ONCE = 16_384  # sequences explained at once
REFINED_ROOM = 64.0  # times the spread of the model's values: refined values that sums have room for

AGGREGATE_SCHEMA = pa.schema(
    [
        ("output", pa.string()),
        ("index", pa.string()),
        ("group", pa.string()),
        ("order", pa.int8()),
        ("positions", pa.string()),
        ("sequences", pa.int64()),
        ("total", pa.int64()),
        ("absolute", pa.int64()),
        ("unit", pa.float64()),
    ]
)


def position_columns(n: int) -> list[tuple[str, pa.DataType]]:
    """The columns of a number for each of n positions."""
    return [(f"pos_{i}", pa.float32()) for i in range(1, n + 1)]


def values_schema(n: int, folds: bool = False) -> pa.Schema:
    """The columns of `shapley_values.parquet` for sequences of n letters, of a model with folds or without."""
    spread = ["prediction_sd"] if folds else []
    return pa.schema(
        [
            *((name, pa.string()) for name in ("sequence_id", "output")),
            *((name, pa.float64()) for name in ("prediction", *spread, "reconstruction", "gap", "base_value")),
            ("warning", pa.string()),
            *position_columns(n),
        ]
    )


def errors_schema(n: int) -> pa.Schema:
    """The columns of `shapley_errors.parquet` for sequences of n letters."""
    names = [("sequence_id", pa.string()), ("output", pa.string())]
    return pa.schema([*names, ("evaluations", pa.int64()), ("correction", pa.float64()), *position_columns(n)])


class Explained(NamedTuple):
    """What the workflow writes of sequences, from the spectrum alone.

    Attributes:
        values: one row per sequence: `sequence_id` (its number, from 0), `output`, `reconstruction`, `base_value`,
            `warning`, and `pos_1` ... `pos_n`, its Shapley values in the model's units.
        interactions: the strongest of each sequence; see `Spectrum.interactions`.
        aggregates: means over all sequences; see `finish_aggregates`.
    """

    values: "pd.DataFrame"
    interactions: "pd.DataFrame"
    aggregates: "pd.DataFrame"


def explain(spectrum: "Spectrum", sequences: Sequence[str], listing: Listing) -> Explained:
    """Explain sequences held in memory; see `Spectrum.explain`."""
    names, groups = [str(k) for k in range(len(sequences))], [""] * len(sequences)
    columns = {"sequence_id": names, "sequence": list(sequences), "group": groups}
    table = pa.table({name: pa.array(column, pa.string()) for name, column in columns.items()})
    explainer = Explainer(spectrum, listing, spectrum.provenance.get("faithfulness"))
    values = explainer.values(table, np.full(len(sequences), np.nan)).drop_columns(["prediction", "gap"])
    interactions = pa.concat_tables([INTERACTION_SCHEMA.empty_table(), *explainer.interactions(table)])
    aggregates = finish_aggregates([explainer.aggregates()])
    return Explained(*(part.to_pandas() for part in (values, interactions, aggregates)))


class Explainer:
    """Explains the sequences of one output, chunk by chunk, and adds up what all have in common.

    Args:
        spectrum: of the output.
        listing: which interactions are listed.
        score: the output's record in `faithfulness.json`, for warnings; None for none.
        groups: the names of all groups of sequences.
        refines: whether values that were refined are to come, of which every free position has one, and which are of
            the model's size, not of the spectrum's. Needs the score.
    """

    def __init__(
        self,
        spectrum: "Spectrum",
        listing: Listing,
        score: Mapping[str, Any] | None = None,
        groups: Sequence[str] = (),
        *,
        refines: bool = False,
    ) -> None:
        self.spectrum, self.listing, self.score, self.groups = spectrum, listing, score, list(groups)
        self.maps = [listed_map(spectrum, index, listing) for index in listing.indices if index != "SV"]
        self.value_map = listed_map(spectrum, "SV", Listing())
        scale = value_scale = spectrum.components.train_scale
        if refines and score is not None:
            self.value_map = _over_free(self.value_map, spectrum.template.free)
            value_scale += _refined_scale(score["range"])
        scales = [value_scale, *(scale for _ in self.maps)]
        self.sums = [
            Sums.empty(spectrum.terms, mapping, len(groups), room)
            for mapping, room in zip((self.value_map, *self.maps), scales, strict=True)
        ]
        self._value_columns = [support[0] for support in self.value_map.supports]
        self._typical = Typical(spectrum.background, spectrum.near)

    def values(
        self,
        sequences: pa.Table,
        predictions: np.ndarray,
        refined: np.ndarray | None = None,
        spread: np.ndarray | None = None,
    ) -> pa.Table:
        """Tabulate the Shapley values of sequences.

        Args:
            sequences: with `sequence_id`, `sequence` and `group`.
            predictions: (N,) float64, the model itself; NaN where it was not asked.
            refined: (N, n) float64 refined values; NaN, or None, where there are none. Their sums want `refines`.
            spread: (N,) float64 standard deviations of the predictions over a model's folds; None without folds.

        Returns:
            `values_schema`, in the model's units.
        """
        spectrum = self.spectrum
        codes, components = resolve(spectrum, sequences["sequence"].to_pylist())
        values = components.shapley_values(codes)
        reconstruction = spectrum.intercept + values.sum(1)
        base = np.full(len(codes), spectrum.intercept)
        some = np.zeros(len(codes), bool)
        if refined is not None and self.score is not None:
            some = np.isfinite(refined).all(1)
            values[some] = refined[some]
            base[some] += self.score["residual"]["mean"]
        groups = group_codes(sequences["group"].to_pylist(), self.groups)
        self.sums[0].add(values[:, self._value_columns], groups)
        columns = {
            "sequence_id": sequences["sequence_id"],
            "output": pa.repeat(spectrum.output, len(codes)),
            "prediction": pa.array(predictions, from_pandas=True),
            **({} if spread is None else {"prediction_sd": pa.array(spread, from_pandas=True)}),
            "reconstruction": reconstruction,
            "gap": pa.array(predictions - reconstruction, from_pandas=True),
            "base_value": base,
            "warning": self._warnings(sequences, predictions, reconstruction, some),
        }
        columns |= {f"pos_{i + 1}": values[:, i].astype(np.float32) for i in range(values.shape[1])}
        return pa.table(columns, schema=values_schema(values.shape[1], folds=spread is not None))

    def _warnings(
        self, sequences: pa.Table, predictions: np.ndarray, reconstruction: np.ndarray, refined: np.ndarray
    ) -> pa.Array:
        """For each sequence the reasons to distrust its explanation, joined by commas."""
        texts = sequences["sequence"].to_pylist()
        reasons = {"rare": self._typical.is_rare(self.spectrum.template.alphabet.encode(texts))}
        if self.score is not None:
            low, high = self.score["range"]
            slack = 1e-9 * (high - low) + 16 * np.spacing(max(abs(low), abs(high)))
            with np.errstate(invalid="ignore"):
                outside = [(shown < low - slack) | (shown > high + slack) for shown in (predictions, reconstruction)]
                reasons["range"] = outside[0] | outside[1]
                reasons["gap"] = np.abs(predictions - reconstruction) > self.score["residual"]["large"] + slack
            reasons["r2"] = ~refined & (self.score["found"] == "nothing")
            reasons["unseen"] = self._hold_unseen(texts)
        words = [[name if yes else "" for yes in flags.tolist()] for name, flags in reasons.items()]
        return pa.array([",".join(filter(None, row)) for row in zip(*words, strict=True)], pa.string())

    def _hold_unseen(self, sequences: list[str]) -> np.ndarray:
        """(N,) bool: which sequences have a letter that the table of values never has at its position."""
        text = character_codes(sequences).reshape(len(sequences), -1)
        unseen = np.zeros(len(sequences), bool)
        for position, letters in ((self.score or {}).get("table") or {"unseen": {}})["unseen"].items():
            unseen |= np.isin(text[:, int(position) - 1], [ord(letter) for letter in letters])
        return unseen

    def interactions(self, sequences: pa.Table) -> Iterator[pa.Table]:
        """Tabulate the strongest interactions of sequences, and add them all up; see `list_pieces`."""
        groups = group_codes(sequences["group"].to_pylist(), self.groups)
        return list_pieces(self.spectrum, self.listing, self.maps, self.sums[1:], sequences, groups)

    def aggregates(self) -> pa.Table:
        """Return the sums over all sequences explained so far, with `AGGREGATE_SCHEMA`; see `finish_aggregates`."""
        parts = [AGGREGATE_SCHEMA.empty_table()]
        for mapping, sums in zip((self.value_map, *self.maps), self.sums, strict=True):
            size = len(mapping.supports)
            for group, name in enumerate([None, *self.groups]):
                columns = {
                    "output": pa.repeat(self.spectrum.output, size),
                    "index": pa.repeat(mapping.index, size),
                    "group": pa.array([name] * size, pa.string()),
                    "order": mapping.orders.astype(np.int8),
                    "positions": support_names(mapping),
                    "sequences": np.full(size, sums.counts[group]),
                    "total": sums.total[group],
                    "absolute": sums.absolute[group],
                    "unit": sums.units,
                }
                parts.append(pa.table(columns, schema=AGGREGATE_SCHEMA))
        return pa.concat_tables(parts)


def _over_free(mapping: InteractionMap, free: np.ndarray) -> InteractionMap:
    """The map of Shapley values with all of the (F,) free positions, whether a term holds them or not."""
    rows = np.searchsorted(free, [position for (position,) in mapping.supports])
    shape = (len(free), len(rows))
    places = sparse.csr_array((np.ones(len(rows)), (rows, np.arange(len(rows)))), shape)
    supports: list[Support] = [(position,) for position in free.tolist()]
    return replace(mapping, supports=supports, matrix=sparse.csr_array(places @ mapping.matrix), train_columns=None)


def _refined_scale(ends: Sequence[float]) -> float:
    """Which refined values sums have room for, by the least and the largest of the model's values that were seen.

    Where these are one value, there is nothing but its own size to go by, and nothing at all where it is 0.
    """
    least, largest = ends
    apart = largest - least
    if is_constant(np.array(ends)):
        apart = max(abs(least), abs(largest)) or 1.0
    return REFINED_ROOM * apart


def finish_aggregates(shards: Sequence[pa.Table]) -> pa.Table:
    """Add up the aggregates of all shards, which have the same rows.

    Returns:
        `output`, `index`, `group` (null: all sequences), `order`, `positions` (1-based), `sequences`,
        `mean`, `mean_absolute`.
    """
    count, total, absolute = (
        np.sum([shard[name].to_numpy() for shard in shards], axis=0) for name in ("sequences", "total", "absolute")
    )
    some = np.maximum(count, 1)
    unit = shards[0]["unit"].to_numpy()
    table = shards[0].select(["output", "index", "group", "order", "positions"])
    table = table.append_column("sequences", pa.array(count))
    table = table.append_column("mean", pa.array(total / some * unit))
    return table.append_column("mean_absolute", pa.array(absolute / some * unit))


def hypothetical_contributions(spectrum: "Spectrum", sequences: Sequence[str]) -> np.ndarray:
    """Return what TF-MoDISco calls hypothetical contributions: of every letter at every position, were it there.

    Args:
        spectrum: of one output.
        sequences: N strings.

    Returns:
        (N, q, n) float64: the Shapley value of position i of the sequence that has letter b at i and is
        otherwise the given one. Times the one-hot sequences these are the Shapley values. Letters that
        the template does not allow have zeros.
    """
    template = spectrum.template
    codes, components = resolve(spectrum, sequences)
    local = components.hypothetical_values(codes, int(template.sizes.max()))
    result = np.zeros((len(codes), template.alphabet.q, template.n))
    for i, allowed in enumerate(template.allowed):
        result[:, allowed, i] = local[:, i, : template.sizes[i]]
    return result


def onehot(spectrum: "Spectrum", sequences: Sequence[str]) -> np.ndarray:
    """Return the (N, q, n) uint8 one-hot sequences; zeros for ambiguous letters."""
    alphabet = spectrum.template.alphabet
    codes = alphabet.encode(sequences)
    return (codes[:, None, :] == np.arange(alphabet.q)[:, None]).astype(np.uint8)
