"""Masked explanations as tables: what the workflow writes for each sequence."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..models import Model
from ..sequences.background import Background
from ..settings.errors import InputError
from ..settings.records import MasksConfig
from ..spectrum.indices import InteractionMap, interaction_map
from ..spectrum.interaction_tables import INTERACTION_SCHEMA, Listing
from ..spectrum.interactions import strongest_interactions
from ..spectrum.tables import errors_schema, values_schema
from . import MaskFit, fit_values
from .game import Players, ask, is_fixed
from .parities import Parities
from .plan import Estimator, MaskPlan, make_mask_plan
from .warnings import MIN_TRUSTED_R2, WARNINGS

GAP_Z = 2.58  # standard errors that a gap may have: one of a hundred is larger by chance
ROUNDING_SHARE = 1e-6  # of the largest value of the model, which single precision costs

SCORE_SCHEMA = pa.schema(
    [
        ("sequence_id", pa.string()),
        ("output", pa.string()),
        ("evaluations", pa.int64()),
        ("estimator", pa.string()),
        ("parities", pa.int64()),
        ("order", pa.int8()),
        ("r2", pa.float64()),
        ("r2_low", pa.float64()),
        ("r2_high", pa.float64()),
        ("r2_of_draws", pa.float64()),
        ("noise_share", pa.float64()),
        ("signal", pa.float64()),
        ("missed", pa.float64()),
        ("missed_error", pa.float64()),
        ("half_r2", pa.float64()),
        ("half_r2_low", pa.float64()),
        ("half_r2_high", pa.float64()),
        ("half_signal", pa.float64()),
        ("half_missed", pa.float64()),
        ("half_missed_error", pa.float64()),
        ("base_error", pa.float64()),
        ("gap", pa.float64()),
        ("gap_error", pa.float64()),
        ("least", pa.float64()),
        ("most", pa.float64()),
    ]
)


@dataclass(frozen=True)
class MaskSettings:
    """How sequences are masked.

    Attributes:
        segments: as `Players.build` takes them.
        budget: evaluations per sequence, one more for the prediction.
        estimator, max_order: as `fit_values` takes them.
        draws: backgrounds that each value is averaged over.
        seed: of the masks and of the backgrounds.
    """

    segments: int | Sequence[Sequence[int]] | None = None
    budget: int = 5000
    estimator: Estimator = "auto"
    max_order: int = 5
    draws: int = 1
    seed: int = 0

    @classmethod
    def from_config(cls, masks: MasksConfig, seed: int) -> "MaskSettings":
        """Read `explain.masks` of the config."""
        players = masks["players"]
        segments = None if players == "positions" else players["segments"]
        return cls(segments, masks["budget"], masks["estimator"], masks["max_order"], masks["draws"], seed)


@dataclass(frozen=True)
class MaskExplainer:
    """Explains sequences one by one, all with the same masks.

    Attributes:
        model: the model.
        background: of absent letters.
        settings: how to mask.
        listing: which interactions are listed.
    """

    model: Model
    background: Background
    settings: MaskSettings
    listing: Listing

    @cached_property
    def players(self) -> Players:
        """Which positions are masked together."""
        return Players.build(self.background.template, self.settings.segments)

    @cached_property
    def plan(self) -> MaskPlan:
        """The masks of every sequence."""
        settings = self.settings
        return make_mask_plan(
            self.players.count,
            settings.budget,
            seed=settings.seed,
            draws=settings.draws,
            noisy=not is_fixed(self.background, self.players),
            estimator=settings.estimator,
            batch_size=self.model.batch_size,
        )

    def __call__(self, name: str, sequence: str) -> list[dict[str, pa.Table]]:
        """Explain one sequence.

        Args:
            name: its id.
            sequence: its letters.

        Returns:
            For each output of the model `values` (`values_schema`), `errors` (`errors_schema`), `interactions`
            (`INTERACTION_SCHEMA`) and `scores` (`SCORE_SCHEMA`).

        Raises:
            InputError: a letter is ambiguous.
        """
        template = self.background.template
        codes = template.alphabet.encode([sequence])
        local = template.to_local(codes)
        unknown = np.flatnonzero(local[0] >= template.sizes)
        if len(unknown):
            raise InputError(
                f"The sequence {name!r} has {sequence[unknown[0]]!r} at position {unknown[0] + 1}; explain.mode masks "
                "needs plain letters: set sequences.NAME.ambiguous to error or drop."
            )
        values = ask(self.model, self.background, self.players, self.plan, local[0])
        prediction = self.model(codes)[0]
        tables = []
        for k, output in enumerate(self.model.outputs):
            settings, whole = self.settings, float(prediction[k])
            fit = fit_values(self.plan, values[:, k], whole, estimator=settings.estimator, max_order=settings.max_order)
            seen = min(whole, values[:, k].min()), max(whole, values[:, k].max())
            tables.append(
                {
                    "values": self._values(name, output, fit, whole, seen),
                    "errors": self._errors(name, output, fit),
                    "interactions": self._interactions(name, output, fit.parities, sequence),
                    "scores": self._scores(name, output, fit, seen),
                }
            )
        return tables

    def _values(self, name: str, output: str, fit: MaskFit, prediction: float, seen: tuple[float, float]) -> pa.Table:
        spread = self.players.spread(fit.values).astype(np.float32)
        columns = {
            "sequence_id": [name],
            "output": [output],
            "prediction": [prediction],
            "reconstruction": [fit.reconstruction],
            "gap": [prediction - fit.reconstruction],
            "base_value": [fit.base],
            "warning": [",".join(warnings_of(fit, prediction, seen))],
        }
        columns |= {f"pos_{i + 1}": spread[i : i + 1] for i in range(len(spread))}
        return pa.table(columns, schema=values_schema(len(spread)))

    def _errors(self, name: str, output: str, fit: MaskFit) -> pa.Table:
        spread = self.players.spread(fit.errors).astype(np.float32)
        columns = {
            "sequence_id": [name],
            "output": [output],
            "evaluations": [self.plan.evaluations],
            "correction": [fit.record["correction"]],
        }
        columns |= {f"pos_{i + 1}": spread[i : i + 1] for i in range(len(spread))}
        return pa.table(columns, schema=errors_schema(len(spread)))

    def _interactions(self, name: str, output: str, parities: Parities, sequence: str) -> pa.Table:
        tables = [INTERACTION_SCHEMA.empty_table()]
        everything = np.ones((1, self.players.count), np.uint8)
        for index in self.listing.indices:
            if index == "SV":
                continue
            mapping = interaction_map(parities.terms, index, self.listing.max_order)
            if not mapping.is_value:
                mapping = mapping.select(mapping.orders >= self.listing.min_order)
            strongest = strongest_interactions(
                parities.terms, mapping, everything, top_k=self.listing.top_k, threshold=self.listing.threshold
            )
            tables.append(self._listed(name, output, mapping, strongest.columns, strongest.values, sequence))
        return pa.concat_tables(tables)

    def _listed(
        self,
        name: str,
        output: str,
        mapping: InteractionMap,
        columns: np.ndarray,
        values: np.ndarray,
        sequence: str,
    ) -> pa.Table:
        supports = [mapping.supports[k] for k in columns.tolist()]
        players, apart = self.players, "" if self.players.are_positions else ","
        words = [sequence[a : b + 1] for a, b in zip(players.first.tolist(), players.last.tolist(), strict=True)]
        names = players.names
        return pa.table(
            {
                "sequence_id": pa.repeat(name, len(supports)),
                "output": pa.repeat(output, len(supports)),
                "index": pa.repeat(mapping.index, len(supports)),
                "order": mapping.orders[columns].astype(np.int8),
                "positions": pa.array([",".join(names[i] for i in s) for s in supports], pa.string()),
                "letters": pa.array([apart.join(words[i] for i in s) for s in supports], pa.string()),
                "value": values.astype(np.float32),
            },
            schema=INTERACTION_SCHEMA,
        )

    def _scores(self, name: str, output: str, fit: MaskFit, seen: tuple[float, float]) -> pa.Table:
        record, half = fit.record, fit.record["half"]
        low, high = record["r2_interval"]
        half_low, half_high = half["r2_interval"]
        scored = ("r2_of_draws", "noise_share", "signal", "missed", "missed_error")
        columns = {
            "sequence_id": name,
            "output": output,
            "evaluations": self.plan.evaluations,
            **{key: record[key] for key in ("estimator", "parities", "order", "r2")},
            "r2_low": low,
            "r2_high": high,
            **{key: record[key] for key in scored},
            "half_r2": half["r2"],
            "half_r2_low": half_low,
            "half_r2_high": half_high,
            **{f"half_{key}": half[key] for key in ("signal", "missed", "missed_error")},
            "base_error": fit.base_error,
            "gap": fit.gap,
            "gap_error": fit.gap_error,
            "least": seen[0],
            "most": seen[1],
        }
        return pa.table({key: [value] for key, value in columns.items()}, schema=SCORE_SCHEMA)


def warnings_of(fit: MaskFit, prediction: float, seen: tuple[float, float]) -> list[str]:
    """Return the reasons to distrust an explanation, of `WARNINGS`.

    Args:
        fit: the explanation.
        prediction: of the whole sequence.
        seen: the least and the largest value of the model.
    """
    low, high = fit.record["r2_interval"]
    rounding = ROUNDING_SHARE * max(map(abs, seen))
    reached = prediction - fit.gap  # before base and values were made to add up
    reasons = {
        "nothing": len(fit.parities.supports) <= 1,
        "r2": high < MIN_TRUSTED_R2 or not fit.record["r2"] > 0,
        "unsure": low < MIN_TRUSTED_R2 <= high,
        "gap": abs(fit.gap) > GAP_Z * fit.gap_error + rounding,
        "range": not seen[0] - rounding <= reached <= seen[1] + rounding,
    }
    return [name for name in WARNINGS if reasons[name]]


def report_on_masks(values: str | Path, scores: str | Path) -> dict[str, Any]:
    """Sum up the scores of all sequences.

    Args:
        values: the Parquet file of Shapley values.
        scores: that of the scores.

    Returns:
        For each output `sequences`, `evaluations_per_sequence`; `r2`, the median over the sequences of the R2 of the
        value function on sized masks that nothing else has used, its `r2_quartiles`, and `r2_interval`, the medians of
        both ends of its interval, an undefined R2 being 0 in all of them; `undefined`, how many are; `r2_pooled` and
        `r2_pooled_interval`, of all sequences together (None where there is nothing to explain); in `half` the same on
        half masks; `noise_share` (median, at sized masks), `largest_gap`, `warnings` (how many sequences have each),
        and `by_sequence`: `r2`, `r2_interval` and `warning` of each.
    """
    reasons = pq.read_table(values, columns=["output", "sequence_id", "warning"]).to_pandas()
    report = {}
    for output, rows in pq.read_table(scores).to_pandas().groupby("output", sort=False):
        of_output = reasons[reasons["output"] == output]
        words = of_output["warning"].str.split(",").explode()
        warning = dict(zip(of_output["sequence_id"], of_output["warning"], strict=True))
        report[str(output)] = {
            "sequences": len(rows),
            "evaluations_per_sequence": int(rows["evaluations"].iloc[0]),
            **_summary(rows, ""),
            "half": _summary(rows, "half_"),
            "noise_share": _number(rows["noise_share"].median()),
            "largest_gap": float(rows["gap"].abs().max()),
            "warnings": {name: int((words == name).sum()) for name in WARNINGS},
            "by_sequence": {
                row.sequence_id: {
                    "r2": _number(row.r2),
                    "r2_interval": [_number(row.r2_low), _number(row.r2_high)],
                    "warning": warning[row.sequence_id],
                }
                for row in rows.itertuples()
            },
        }
    return report


def _summary(rows: pd.DataFrame, kind: str) -> dict[str, Any]:
    """The R2 of all sequences on masks of a kind, `""` or `"half_"`: the median, and of all together."""
    r2, low, high = (rows[f"{kind}{name}"] for name in ("r2", "r2_low", "r2_high"))
    quartile, middle, other = (_number(r2.fillna(0.0).quantile(share)) for share in (0.25, 0.5, 0.75))
    undefined = int(r2.isna().sum())
    return {
        "r2": middle if undefined < len(rows) else None,
        "r2_interval": [_number(end.fillna(0.0).median()) for end in (low, high)],
        "r2_quartiles": [quartile, other],
        "undefined": undefined,
        **_pooled(*(rows[f"{kind}{name}"] for name in ("signal", "missed", "missed_error"))),
    }


def _pooled(signals: pd.Series, missed_parts: pd.Series, errors: pd.Series) -> dict[str, Any]:
    """The R2 of all sequences together, whose noise is that of all their hold-out masks."""
    signal, missed = float(signals.sum()), float(missed_parts.sum())
    if not signal > 0:
        return {"r2_pooled": None, "r2_pooled_interval": [None, None]}
    error = 1.96 * float(np.sqrt(np.square(errors).sum())) / signal
    r2 = min(1 - missed / signal, 1.0)
    return {"r2_pooled": r2, "r2_pooled_interval": [r2 - error, min(r2 + error, 1.0)]}


def _number(value: float) -> float | None:
    """A number that JSON has; None for what is not known."""
    return None if pd.isna(value) else float(value)
