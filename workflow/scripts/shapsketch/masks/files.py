"""What a masked run leaves for its later steps, shard by shard: the model's answers, and hypothetical contributions."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..storage.files import load_npz, save_npz
from .plan import MaskPlan


def save_answers(
    path: str | Path, asked: Sequence[tuple[np.ndarray, np.ndarray]], plan: MaskPlan, model: Any, columns: int
) -> None:
    """Write the answers and predictions of some sequences, with what they are of.

    Args:
        path: an .npz.
        asked: of each sequence (queries, columns) answers and (columns,) predictions.
        plan: the masks.
        model: its identity.
        columns: how many numbers an answer has; see `MaskExplainer.columns`.
    """
    answers = np.array([one for one, _ in asked]).reshape(len(asked), plan.evaluations, columns)
    predictions = np.array([one for _, one in asked]).reshape(len(asked), columns)
    about = json.dumps({"model": model, "plan": plan.plan.hash}, sort_keys=True)
    save_npz(path, {"answers": answers, "predictions": predictions, "about": np.array(about)})


def load_answers(path: str | Path) -> dict[str, Any]:
    """Read what `save_answers` wrote: `answers`, `predictions`, and `about`, a dictionary."""
    arrays = load_npz(path)
    return {**arrays, "about": json.loads(str(arrays["about"]))}


def save_hypothetical(
    path: str | Path, explained: Sequence[Sequence[Mapping[str, Any]]], outputs: Sequence[str]
) -> None:
    """Write the hypothetical contributions of some sequences, given what `MaskExplainer.explain` says of each.

    Of a sequence that no student can be asked about all are zero, and `known` says so.
    """
    arrays = {}
    for k, output in enumerate(outputs):
        tables = [tables[k]["hypothetical"] for tables in explained]
        shape = next((table.shape for table in tables if table is not None), (0, 0))
        empty = np.zeros(shape, np.float32)
        arrays[f"{output}.values"] = np.array([empty if table is None else table for table in tables], np.float32)
        arrays[f"{output}.known"] = np.array([table is not None for table in tables], bool)
    save_npz(path, arrays)
