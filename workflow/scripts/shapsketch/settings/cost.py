"""What a run costs before it is paid: jobs, their seconds, and the time until the end.

The cost of a sketch is its evaluations, times what one takes, plus what every job takes beside. The rate is measured
on the model itself (`sketch.measure_rate`). Runs in Snakemake's own process too, so it imports nothing heavy.
"""

from collections.abc import Sequence
from math import ceil, comb, sqrt
from typing import Literal, NotRequired, TypedDict

from .records import ExplainConfig

JOB_SECONDS = 10.0  # of a cluster, for each job: queue, start of Python, imports, status poll
SHARD_SECONDS = 600.0  # of evaluation that a shard of `sketch.shards: auto` aims at
MIN_SECONDS = 60.0  # below this, one more shard costs more than it saves
UNMEASURED_SHARDS = 4
MAX_SHARDS = 1000
# Of the library itself, on one core, beside the model: measured, see docs/how-to/cluster.md.
# Of one output, by tables alone; beyond so many evaluations only tables that come near are fitted to all.
RECOVERY_SECONDS = {"fixed": 10.0, "per_evaluation": 3e-4, "per_evaluation_and_pair": 1.5e-6}
PROBED = 12_000
TRAINING_SECONDS = {"fixed": 100.0, "per_evaluation": 0.02}  # of students and trains, for all outputs together
TRAINING = ("auto", "student", "train")  # estimators that train networks, `auto` where tables do not suffice
EXPLANATION_SECONDS = 1e-4  # per sequence and output
MAX_REFINED = 10_000  # evaluations per sequence, where only a standard error is asked for
CHECKED_CHANGES = 200  # the strongest single changes of each output, that the model is asked about
# Of students of masks, for each letter string that they learn from: measured with 100, 500 and 2,114 positions.
MASK_TRAINING_SECONDS = {"fixed": 3e-5, "per_position": 4e-7}
LONG_INPUT, MAX_MASK_SAMPLES = 1000, 200_000  # more positions are pooled, and more samples are not learnt from
MASK_SECONDS = 0.15  # per explained sequence and output: what is fitted to 2,000 masks, without students
WALK_LETTERS, MAX_WALK_LETTERS = 48, 120_000_000  # that students read for each letter the model reads, and at most
WALK_SECONDS = 2.3e-7  # of both students, for each of these letters


class Work(TypedDict):
    """What the cost of a model depends on, its rate and the number of its sequences apart.

    Attributes:
        budget: `sketch.budget`, at most.
        evaluations: of the sketch; 0 where there is none.
        batch_size: sequences per call of the model.
        shards: of a round.
        rounds: of the sketch.
        outputs: how many.
        estimator: `recovery.estimator`.
        minutes: `recovery.minutes`, on two cores; None for no limit.
        explanation_shards: of each set of sequences.
        asked: evaluations per explained sequence, at most; see `asked_of_each`.
        masked: whether each sequence is explained by itself.
        alphabet, template: as in the config, the template expanded: a symbol for each position.
        students: whether those of masks are trained, where sequences are explained by themselves.
        sequences: the names of the sets.
        checked: evaluations of the first look at the model, a part of `evaluations`.
        folds: of the model, each of which is recovered too; 0 for none.
        curve: whether there is a learning curve.
        changes: whether single changes are looked up, and the strongest asked about.
    """

    budget: int
    evaluations: int
    batch_size: int
    shards: int | Literal["auto"]
    rounds: int
    outputs: int
    estimator: str
    minutes: float | None
    explanation_shards: int
    asked: int
    masked: bool
    alphabet: str
    template: str
    students: bool
    sequences: list[str]
    checked: NotRequired[int]
    folds: NotRequired[int]
    curve: NotRequired[bool]
    changes: NotRequired[bool]


class Rate(TypedDict):
    """How fast a model answers.

    Attributes:
        load_seconds: until its first batch.
        seconds_per_evaluation: after that.
        evaluations: that told it.
        planned: those of the sketch, first look included: fewer than the budget where there are fewer sequences.
    """

    load_seconds: float
    seconds_per_evaluation: float
    evaluations: int
    planned: NotRequired[int]


class StageCost(TypedDict):
    """What a stage costs: its jobs run side by side, stages one after another.

    Attributes:
        stage: its name.
        evaluations: of the model.
        jobs: how many.
        job_seconds: of each, with `JOB_SECONDS`.
        core_hours: of all.
    """

    stage: str
    evaluations: int
    jobs: int
    job_seconds: float
    core_hours: float


class ModelCost(StageCost):
    """The same, of a named model."""

    model: str


def auto_shards(evaluations: int, batch_size: int, seconds_per_evaluation: float | None) -> int:
    """Return how many shards share so many evaluations.

    Aims at ten minutes for each, at four of at least a minute where all take less, and at whole batches.

    Args:
        evaluations: of the sketch, or of its largest round.
        batch_size: sequences per call of the model.
        seconds_per_evaluation: as measured; None where nobody has.
    """
    if seconds_per_evaluation is None:
        wanted = UNMEASURED_SHARDS
    else:
        total = evaluations * seconds_per_evaluation
        wanted = max(ceil(total / SHARD_SECONDS), min(UNMEASURED_SHARDS, int(total / MIN_SECONDS)))
    return max(1, min(wanted, MAX_SHARDS, ceil(evaluations / batch_size)))


def recovery_seconds(work: Work, evaluations: int) -> float:
    """Return what recovery takes on one core at most, networks that may have to be trained included.

    Args:
        work: what there is to do.
        evaluations: that it starts from.
    """
    pairs = comb(len(work["template"]), 2)
    tables = work["outputs"] * (
        RECOVERY_SECONDS["fixed"]
        + RECOVERY_SECONDS["per_evaluation"] * evaluations
        + RECOVERY_SECONDS["per_evaluation_and_pair"] * min(evaluations, PROBED) * pairs
    )
    if work["estimator"] not in TRAINING or not evaluations:
        return tables
    training = TRAINING_SECONDS["fixed"] + TRAINING_SECONDS["per_evaluation"] * evaluations
    return tables + (training if work["minutes"] is None else min(training, 2 * 60 * work["minutes"]))


def mask_student_seconds(samples: int, positions: int) -> float:
    """Return what both students of a masked run take on one core; their passes fall with the root of their samples.

    Args:
        samples: answers of all sequences that are explained together.
        positions: of a sequence.
    """
    fold = min(max(samples / 2, 1.0), MAX_MASK_SAMPLES)
    passes = min(max(25 * sqrt(4000 / fold), 3.0), 50.0)  # as `masks.student` makes them
    each = MASK_TRAINING_SECONDS["fixed"] + MASK_TRAINING_SECONDS["per_position"] * min(positions, LONG_INPUT)
    return 2 * fold * passes * each


def mask_walk_seconds(asked: int, positions: int) -> float:
    """Return what students' walks for the values of one sequence take on one core.

    Args:
        asked: evaluations of the sequence.
        positions: of a sequence.
    """
    return WALK_SECONDS * min(WALK_LETTERS * asked * positions, MAX_WALK_LETTERS)


def asked_of_each(explain: ExplainConfig, kind: str) -> int:
    """Return the evaluations that explaining a sequence takes, at most: errors that are aimed at may be met before.

    Args:
        explain: of the config.
        kind: of the model; tables are not asked.
    """
    if explain["mode"] == "masks":
        return explain["masks"]["budget"] + 1
    if kind == "table":
        return 0
    refine = explain["refine"]
    refined = refine.get("evaluations_per_sequence", MAX_REFINED) if refine else 0
    return int(bool(explain["predict"] or refine)) + refined


def estimate(work: Work, rate: Rate, sequences: Sequence[int], compared: int = 0) -> list[StageCost]:
    """Return what the stages of one model cost, in their order.

    Args:
        work: what there is to do.
        rate: as measured.
        sequences: how many each set has.
        compared: evaluations that comparing with other methods takes in all; 0 for none.
    """
    evaluations = min(work["evaluations"], rate.get("planned", work["evaluations"]))
    outputs, shards = work["outputs"], work["shards"]
    seconds_each, load = rate["seconds_per_evaluation"], rate["load_seconds"]
    rows: list[StageCost] = []

    def add(stage: str, asked: int, jobs: int, seconds: float) -> None:
        seconds += JOB_SECONDS
        hours = jobs * seconds / 3600
        rows.append({"stage": stage, "evaluations": asked, "jobs": jobs, "job_seconds": seconds, "core_hours": hours})

    checked = work.get("checked", 0)
    if checked:
        add("check", checked, 1, checked * seconds_each + load)
    if evaluations:
        evaluations -= checked
        if shards == "auto":
            shards = auto_shards(
                evaluations if work["rounds"] == 1 else evaluations // 2, work["batch_size"], seconds_each
            )
        jobs = shards * work["rounds"]
        add("plan", 0, 1, 0.0)
        add("sample", evaluations, jobs, evaluations * seconds_each / jobs + load)
        add("merge", 0, 1, 0.0)
    if not work["masked"]:
        add("recover", 0, 1, recovery_seconds(work, evaluations))
    if evaluations and work.get("folds"):
        add("recover folds", 0, 1, recovery_seconds({**work, "outputs": outputs * work["folds"]}, evaluations))
    if evaluations and work.get("curve"):  # tables of a half, a quarter and an eighth
        add("learning curve", 0, 1, recovery_seconds({**work, "estimator": "regression"}, evaluations))
    jobs, asked = len(sequences) * work["explanation_shards"], work["asked"] * sum(sequences)
    if work["masked"]:
        add("ask masks", asked, jobs, asked * seconds_each / jobs + load)
        trained = [mask_student_seconds(count * work["asked"], len(work["template"])) for count in sequences]
        add("train students", 0, len(sequences), sum(trained) / len(trained) if work["students"] else 0.0)
        walks = mask_walk_seconds(work["asked"], len(work["template"])) if work["students"] else 0.0
        add("explain", 0, jobs, sum(sequences) * outputs * (MASK_SECONDS + walks) / jobs)
    else:
        seconds = asked * seconds_each + sum(sequences) * outputs * EXPLANATION_SECONDS
        add("explain", asked, jobs, seconds / jobs + load)
    if work.get("changes") and not work["masked"]:
        changed = 2 * CHECKED_CHANGES * outputs  # each before and after
        add("single changes", changed * len(sequences), len(sequences), changed * seconds_each + load)
    if compared:
        add("compare", compared, len(sequences), compared * seconds_each / len(sequences) + load)
    after = ("report",) if work["masked"] else ("motifs", "logos", "report")
    for stage in ("merge explanations", *after):
        add(stage, 0, len(sequences), 0.0)
    return rows


def wall_seconds(rows: Sequence[ModelCost], at_once: int) -> float:
    """Return the seconds until the end with so many jobs at once.

    Stages of a model follow one another; models share the jobs. No schedule is faster than the longest model alone,
    nor than all work divided by the jobs; a greedy one comes close to the larger of the two.
    """
    chains: dict[str, float] = {}
    for row in rows:
        waves = ceil(row["jobs"] / at_once)
        chains[row["model"]] = chains.get(row["model"], 0.0) + waves * row["job_seconds"]
    return max(max(chains.values(), default=0.0), sum(row["jobs"] * row["job_seconds"] for row in rows) / at_once)
