"""Sketches: the values of a model at the queries of a plan, made in shards and merged in order.

A shard is a contiguous range of whole batches, so a batch always holds the same queries whatever the
number of shards, and so do its values, to the bit. A shard carries the hash of its plan and a checksum.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..models import Model
from ..models.table_model import read_table
from ..settings.cost import Rate
from ..settings.errors import InputError, UnusableError
from ..spectrum.scale import check_scale
from ..storage.files import load_npz, save_npz
from .plan import Plan, Role
from .shard_files import (
    SKETCH_VERSION,
    asked_of,
    batch_digest,
    batch_digests,
    checksum_of,
    known_answers,
    read_checked,
)

MIN_SCALE_VALUES = 100  # values that tell whether their differences can be held


@dataclass(frozen=True)
class Sketch:
    """The merged evaluations of a plan.

    Attributes:
        plan: the plan, as far as it was carried out.
        codes: (N, n) uint8 local codes of the queries, in the order of their global indices.
        values: (N, outputs) float64, what the model answered; the mean of its folds, where it has any.
        by_fold: (N, folds, outputs) float64, what each fold answered; None without folds.
    """

    plan: Plan
    codes: np.ndarray
    values: np.ndarray
    by_fold: np.ndarray | None = None

    @classmethod
    def of_answers(cls, plan: Plan, codes: np.ndarray, answers: np.ndarray) -> "Sketch":
        """Return the sketch of (N, outputs) answers, or (N, folds, outputs)."""
        return cls(plan, codes, answers) if answers.ndim == 2 else cls(plan, codes, answers.mean(1), answers)

    def folds_as_outputs(self) -> "Sketch":
        """Return the sketch whose outputs are those of every fold: `NAME.1`, `NAME.2`, ... of each output in turn."""
        assert self.by_fold is not None, "the model has no folds"
        names = tuple(f"{output}.{k + 1}" for output in self.plan.outputs for k in range(self.by_fold.shape[1]))
        values = self.by_fold.transpose(0, 2, 1).reshape(len(self.codes), -1)
        return Sketch(replace(self.plan, outputs=names), self.codes, values)

    def samples(self, *roles: Role) -> tuple[np.ndarray, np.ndarray]:
        """Return the (N, n) uint8 codes and (N, outputs) values of some roles, one after another."""
        blocks = [block for role in roles for block in self.plan.blocks(role)] or [slice(0)]
        codes = np.concatenate([self.codes[b] for b in blocks])
        return codes, np.concatenate([self.values[b] for b in blocks])

    def first(self, rounds: int) -> "Sketch":
        """Return the sketch of the first rounds alone."""
        plan = self.plan.first(rounds)
        answers = self.values if self.by_fold is None else self.by_fold
        return Sketch.of_answers(plan, self.codes[: plan.size], answers[: plan.size])

    def save(self, path: str | Path) -> None:
        """Write the sketch; the queries are stored only where the plan alone cannot give them."""
        save_npz(path, _arrays(self.plan, 0, self.codes, self.values if self.by_fold is None else self.by_fold))

    @classmethod
    def load(cls, path: str | Path, plan: Plan) -> "Sketch":
        """Read a sketch that belongs to a plan; with a stop rule, it may hold the first rounds alone.

        Raises:
            InputError: the file is damaged, incomplete, or belongs to another plan.
        """
        count = len(load_npz(path).get("values", ()))
        done = _whole_rounds(plan, count)
        if done is None:
            raise InputError(f"{path} holds {count} of the {plan.size} evaluations of its plan.")
        plan = plan.first(done)
        return cls.of_answers(plan, *_read(path, plan)[1:])


def _whole_rounds(plan: Plan, count: int) -> int | None:
    """The number of rounds that `count` evaluations are; None if they may not end there."""
    if count == plan.size:
        return len(plan.rounds)
    return plan.ends.index(count) + 1 if plan.until_r2 is not None and count in plan.ends else None


def query_range(plan: Plan, shard: int, shards: int) -> tuple[int, int]:
    """Return the index range of shard 1..shards; with a stop rule, each round has its own equal number of shards."""
    ends = plan.ends if plan.until_r2 is not None else [plan.size]
    each = shards // len(ends)
    number, place = divmod(shard - 1, each)
    start = ends[number - 1] if number else 0
    first, last = shard_range(ends[number] - start, plan.batch_size, place + 1, each)
    return start + first, start + last


def shard_range(size: int, batch_size: int, shard: int, shards: int) -> tuple[int, int]:
    """Return the index range of shard 1..shards: whole batches, as even as can be."""
    batches = -(-size // batch_size)
    first, last = (k * batches // shards * batch_size for k in (shard - 1, shard))
    return min(first, size), min(last, size)


def sample_shard(
    plan: Plan,
    source: Mapping[str, Any],
    shard: int,
    shards: int,
    progress: Callable[[int], object] = lambda evaluated: None,
    skip: bool = False,
    earlier: Sequence[str | Path] = (),
) -> dict[str, np.ndarray]:
    """Evaluate the model at the queries of one shard.

    Args:
        plan: the plan.
        source: where the model is, as in the config.
        shard, shards: which of how many, 1-based.
        progress: called with the number of sequences after every batch.
        skip: evaluate nothing, for a round that is not needed.
        earlier: files of other plans' shards; where the same model was asked a whole batch before, its answers are
            taken from there.

    Returns:
        The arrays of the shard's .npz.
    """
    start, stop = query_range(plan, shard, shards)
    stop = start if skip else stop
    if plan.design == "table":
        table = read_table(source, plan.template, plan.outputs)
        rows = plan.table_order(len(table.codes))[start:stop]
        progress(len(rows))
        return _arrays(plan, start, plan.template.to_local(table.codes[rows]), table.values[rows])
    if start == stop:
        return _arrays(plan, start, plan.queries(start, stop), np.empty((0, len(plan.outputs))))
    model = Model(source, plan.template, plan.outputs, plan.batch_size)
    batches, known = [], _known(plan, start, stop, earlier)
    for first in range(start, stop, plan.batch_size):
        queries = plan.queries(first, min(first + plan.batch_size, stop))
        values = known.get(batch_digest(queries))
        if values is None:
            answers = model.by_fold(plan.template.to_alphabet(queries))
            values = answers.swapaxes(0, 1) if model.folds else answers[0]
        batches.append(values)
        if len(batches) == 1 and len(queries) >= MIN_SCALE_VALUES:
            for number, output in enumerate(plan.outputs):
                check_scale((values.mean(1) if model.folds else values)[:, number], output)
        progress(len(queries))
    assert model.evaluations <= stop - start, "the model was asked something the plan does not hold"
    return _arrays(plan, start, plan.queries(start, stop), np.concatenate(batches), by_batch=True)


def _known(plan: Plan, start: int, stop: int, earlier: Sequence[str | Path]) -> dict[bytes, np.ndarray]:
    """The answers to batches of a range that earlier shards hold, by digest."""
    if not earlier:
        return {}
    firsts = range(start, stop, plan.batch_size)
    wanted = {batch_digest(plan.queries(first, min(first + plan.batch_size, stop))) for first in firsts}
    return known_answers(earlier, plan, wanted)


def sample(plan: Plan, source: Mapping[str, Any], progress: Callable[[int], object] = lambda evaluated: None) -> Sketch:
    """Evaluate the model at all queries of a plan without a stop rule, in this process; see `sample_shard`."""
    arrays = sample_shard(plan, source, 1, 1, progress)
    codes = arrays.get("codes")
    return Sketch.of_answers(plan, plan.queries(0, plan.size) if codes is None else codes, arrays["values"])


def is_sampled(path: str | Path, plan: Plan, shard: int, shards: int, skip: bool = False) -> bool:
    """Whether a file is this shard of the plan, whole and undamaged; the arguments are those of `sample_shard`."""
    start, stop = query_range(plan, shard, shards)
    try:
        first, _, values = _read(path, plan)
    except InputError:
        return False
    return first == start and len(values) == (0 if skip else stop - start)


def measure_rate(plan: Plan, source: Mapping[str, Any], seconds: float) -> Rate:
    """Time the model on the first queries of a plan; these evaluations are none of the sketch's.

    Args:
        plan: the plan.
        source: where the model is, as in the config.
        seconds: how long to ask, once it has answered two batches.

    Returns:
        The rate; of a table, zeros.
    """
    if plan.design == "table":
        return {"load_seconds": 0.0, "seconds_per_evaluation": 0.0, "evaluations": 0, "planned": plan.evaluations}
    began = time.perf_counter()
    model = Model(source, plan.template, plan.outputs, plan.batch_size)

    def ask(first: int) -> float:
        model(plan.template.to_alphabet(plan.queries(first, min(first + plan.batch_size, plan.size))))
        return time.perf_counter()

    loaded = now = ask(0)
    asked = model.evaluations
    starts = range(0, plan.size, plan.batch_size)
    for first in starts[1:] or starts:
        now = ask(first)
        if now - loaded > seconds:
            break
    each = (now - loaded) / (model.evaluations - asked)
    return {
        "load_seconds": loaded - began,
        "seconds_per_evaluation": each,
        "evaluations": model.evaluations,
        "planned": plan.evaluations,
    }


def merge_shards(plan: Plan, paths: Sequence[str | Path]) -> Sketch:
    """Put shards together in the order of their indices.

    Shards that cannot be used are removed, so that the next run of the workflow makes them anew, and only them.

    Raises:
        InputError: a shard is damaged or of another plan, or the shards do not cover the plan; with a
            stop rule, its first rounds.
    """
    parts, reasons = [], []
    for path in paths:
        try:
            parts.append(_read(path, plan))
        except UnusableError as error:
            reasons.append(str(error))
            Path(path).unlink(missing_ok=True)
    if reasons:
        raise InputError(
            f"{reasons[0]} {len(reasons)} of {len(paths)} shards cannot be used and were removed; "
            "run the same command again, which samples them anew."
        )
    parts = [part for part in sorted(parts, key=lambda part: (part[0], len(part[2]))) if len(part[2])]
    covered = 0
    for start, _, values in parts:
        if start != covered:
            raise InputError(f"The shards of the sketch hold no evaluation number {min(start, covered)}.")
        covered += len(values)
    done = _whole_rounds(plan, covered)
    if done is None:
        raise InputError(f"The shards of the sketch hold {covered} of {plan.size} evaluations.")
    codes, values = (np.concatenate([part[k] for part in parts]) for k in (1, 2))
    return Sketch.of_answers(plan.first(done), codes, values)


def _arrays(
    plan: Plan, start: int, codes: np.ndarray, values: np.ndarray, *, by_batch: bool = False
) -> dict[str, np.ndarray]:
    arrays = {
        "version": np.array(SKETCH_VERSION),
        "plan": np.array(plan.hash),
        "start": np.array(start),
        "values": values,
    }
    if plan.design == "table":
        arrays |= {"codes": codes}
    elif by_batch:
        arrays |= {"asked": np.array(asked_of(plan)), "digests": batch_digests(codes, plan.batch_size)}
    return arrays | {"checksum": np.array(checksum_of(arrays))}


def _read(path: str | Path, plan: Plan) -> tuple[int, np.ndarray, np.ndarray]:
    arrays = read_checked(path)
    if str(arrays["plan"]) != plan.hash:
        raise UnusableError(f"{path} belongs to another plan.")
    start, values = int(arrays["start"]), arrays["values"]
    codes = arrays["codes"] if "codes" in arrays else plan.queries(start, start + len(values))
    # Plans whose near sets differ in their order alone once had the same hash.
    if "digests" in arrays and not np.array_equal(arrays["digests"], batch_digests(codes, plan.batch_size)):
        raise UnusableError(f"{path} belongs to another plan.")
    return start, codes, values
