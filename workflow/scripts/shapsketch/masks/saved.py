"""The fits of a masked run in files, and their scores, computed again from what lies there, without the model.

`python -m shapsketch.masks.saved results/MODEL/SEQUENCES` prints the scores of a run, and `shapsketch.masked_scores`
returns them.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from ..sampling.sketch import shard_range
from ..settings.errors import InputError
from ..storage.files import load_npz, save_npz
from . import score_guesses
from .explain import MaskExplainer
from .files import load_answers
from .parities import Parities
from .student import Students
from .student_fit import holdout_guesses

FITS_VERSION = 1


@dataclass(frozen=True)
class SavedFits:
    """The fits of a shard.

    Attributes:
        about: how they were made: `model` and `masks`, as `MaskExplainer.from_config` takes them.
        estimators: (S, O) text; of `student` the values are the students', the parities tell its interactions.
        parities: of each sequence those of each output.
    """

    about: dict[str, Any]
    estimators: np.ndarray
    parities: list[list[Parities]]


def save_fits(path: str | Path, fits: Sequence[Sequence[tuple[str, Parities]]], about: Mapping[str, Any]) -> None:
    """Write the fits of some sequences, output by output, to an .npz, atomically and without pickles."""
    flat = [parities for row in fits for _, parities in row]
    players = flat[0].players if flat else 0
    supports = np.full(
        (sum(len(one.supports) for one in flat), max((one.supports.shape[1] for one in flat), default=1)), players
    )
    start = 0
    for one in flat:
        supports[start : start + len(one.supports), : one.supports.shape[1]] = one.supports
        start += len(one.supports)
    arrays = {
        "version": np.array(FITS_VERSION),
        "about": np.array(json.dumps(about, sort_keys=True)),
        "players": np.array(players),
        "estimators": np.array([[name for name, _ in row] for row in fits], np.str_),
        "sizes": np.array([[len(parities.supports) for _, parities in row] for row in fits], np.int64),
        "supports": supports,
        "coefficients": np.concatenate([np.zeros(0), *(one.coefficients for one in flat)]),
    }
    save_npz(path, arrays)


def load_fits(path: str | Path) -> SavedFits:
    """Read what `save_fits` wrote.

    Raises:
        InputError: the file is damaged or of another version.
    """
    arrays = load_npz(path)
    if int(arrays.get("version", -1)) != FITS_VERSION:
        raise InputError(f"{path} is not a file of fits of masks of version {FITS_VERSION}: run the workflow again.")
    sizes, players = arrays["sizes"], int(arrays["players"])
    ends = np.cumsum(sizes).reshape(sizes.shape)
    parities = [
        [
            Parities(players, arrays["supports"][end - size : end], arrays["coefficients"][end - size : end])
            for size, end in zip(row, row_ends, strict=True)
        ]
        for row, row_ends in zip(sizes.tolist(), ends.tolist(), strict=True)
    ]
    return SavedFits(json.loads(str(arrays["about"])), arrays["estimators"], parities)


def masked_scores(folder: str | Path, background: str | Path | None = None) -> pd.DataFrame:
    """Score the fits of a masked run again, from its files alone; the model is not asked.

    Args:
        folder: `results/MODEL/SEQUENCES` of a run with `mode: masks`.
        background: the sequences that the background counts or draws, where it does.

    Returns:
        A row for each sequence and output: `sequence_id`, `output`, `estimator`, and `r2` and `half_r2`, as in
        `mask_scores.parquet`.

    Raises:
        InputError: there are no fits, or the answers are of other masks.
    """
    folder = Path(folder)
    paths = sorted((folder / "masks").glob("*-of-*.fits.npz"), key=lambda path: int(path.name.split("-")[0]))
    if not paths:
        raise InputError(
            f"{folder / 'masks'} has no fits (K-of-N.fits.npz): give results/MODEL/SEQUENCES of explain.mode masks."
        )
    sequences = pq.read_table(folder / "sequences.parquet", columns=["sequence_id", "sequence"])
    students, rows = Students.load(folder / "masks" / "students.npz"), []
    for path in paths:
        shard, shards = map(int, path.name.split(".")[0].split("-of-"))
        start, stop = shard_range(sequences.num_rows, 1, shard, shards)
        asked = load_answers(path.with_name(path.name.replace(".fits.", ".answers.")))
        chosen = sequences.slice(start, stop - start).to_pylist()
        rows += _shard_scores(load_fits(path), chosen, asked, students, background)
    return pd.DataFrame(rows)


def _shard_scores(
    fits: SavedFits,
    chosen: Sequence[Mapping[str, str]],
    asked: Mapping[str, Any],
    students: Students | None,
    background: str | Path | None,
) -> list[dict[str, Any]]:
    model, masks = fits.about["model"], fits.about["masks"]
    explainer = MaskExplainer.from_config(model, masks, None if background is None else str(background), str)
    plan, rows = explainer.plan, []
    same = asked["about"]["plan"] == plan.plan.hash and asked["answers"].shape[1] == plan.evaluations
    if not same or len(fits.parities) != len(asked["answers"]):
        raise InputError("The answers are of other masks than the fits: run the workflow again.")
    for row, answers, names, parities in zip(chosen, asked["answers"], fits.estimators, fits.parities, strict=True):
        game = explainer.game(row["sequence_id"], row["sequence"])
        values = game.means(answers)
        said = holdout_guesses(students, game, values.shape[1]) if students and "student" in names else None
        for k, (output, name) in enumerate(zip(explainer.outputs, names.tolist(), strict=True)):
            guesses = told = parities[k].predict(plan.masks)
            if said is not None and name == "student":
                guesses, told = said[0][:, k], said[1][:, k]
            scores = score_guesses(plan, values[:, k], guesses, told)
            about = {"sequence_id": row["sequence_id"], "output": output, "estimator": name}
            rows.append(about | {"r2": scores["r2"], "half_r2": scores["half"]["r2"]})
    return rows


def main() -> None:
    """Print the scores of the run that the command line names, as a table with tabs."""
    parser = argparse.ArgumentParser(description="Score the fits of a masked run again, from its files alone.")
    parser.add_argument("folder", type=Path, help="results/MODEL/SEQUENCES of a run with explain.mode: masks")
    parser.add_argument("--background", type=Path, help="the sequences that the background counts or draws")
    chosen = parser.parse_args()
    try:
        scores = masked_scores(chosen.folder, chosen.background)
    except InputError as error:
        sys.exit(str(error))
    scores.to_csv(sys.stdout, sep="\t", index=False)


if __name__ == "__main__":
    main()
