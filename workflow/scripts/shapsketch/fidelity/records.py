"""What the two `faithfulness.json` hold, as records: of a spectrum, and of the sequences that it explains."""

from typing import Any, Literal, NotRequired, TypedDict, cast

Level = Literal["constant", "nothing", "unsure", "found"]


class Audit(TypedDict):
    """How much of the model explanations up to an order tell.

    Attributes:
        share_by_order: for each order k the share of the variance found that orders 1 to k carry, 0 to 1.
        found: how much can be said at all.
        audit: a sentence.
    """

    share_by_order: dict[str, float]
    found: Level
    audit: str


class Gap(TypedDict):
    """Shares of the model's variance.

    Attributes:
        total: by the fit of this order; its parts are the next two.
        truncation: carried by higher orders.
        estimation: by the fit, within its orders.
        error: the standard error of `estimation`, and of `truncation` as a part of this `total`.
    """

    total: float
    truncation: float
    estimation: float
    error: float


class ResidualRecord(TypedDict):
    """What the spectrum misses on the scored points, for the warnings and for refinement; in the model's units.

    Attributes:
        mean, mean_error: of model minus reconstruction, and its standard error; 0 where the points are every sequence.
        standard_deviation: of the same.
        largest: its largest magnitude.
        large: the magnitude that one in a thousand points exceeds; of fewer points, the largest.
        student_weight: the multiple of student minus reconstruction that is best subtracted from model minus
            reconstruction; 0 without a student, or if that gains less than a tenth of the variance.
        student_ratio: the standard deviation of what is subtracted over that of the rest; at most `MAX_RATIO`.
    """

    mean: float
    mean_error: float
    standard_deviation: float
    largest: float
    large: float
    student_weight: float
    student_ratio: float


class HoldoutScore(TypedDict):
    """Scores on the hold-out.

    Attributes:
        r2, r2_interval: with its 95 % bootstrap interval; None where it is undefined.
        r2_undefined: why, where it is.
        r2_by_order: R2 of the dividends up to each order; "0" is of the mean. Empty where R2 is undefined.
        variance: of the model on these points; 0 where they differ by no more than rounding.
        variance_by_order: that the dividends of each order carry under the background.
    """

    r2: float | None
    r2_interval: list[float] | None
    r2_undefined: NotRequired[str]
    r2_by_order: dict[str, float]
    variance: float
    variance_by_order: dict[str, float]


class NearScore(TypedDict, total=False):
    """Scores on the near queries that were held out; nothing where there are none.

    Attributes:
        near: the names of the sets.
        near_holdout: points.
        r2_near, r2_near_interval: R2 there, with its 95 % bootstrap interval; nothing where it is undefined.
    """

    near: list[str]
    near_holdout: int
    r2_near: float
    r2_near_interval: list[float]


class Score(HoldoutScore, NearScore, Audit):
    """The scores of one output in `faithfulness.json`.

    Attributes:
        evaluations: the budget that was spent.
        scored_on: which points the scores are of, in words; every sequence of the template counts as much as the
            background makes it likely.
        holdout: how many points were held out.
        accuracy_gap: by order 1 and 2; empty without a hold-out drawn from the background, or where nothing was found.
        range: the least and the largest value of the sketch.
        at_bounds: the share of its values within 0.02 of 0 or 1, where all lie between and spread over half of that;
            None otherwise.
        cut_logits: how many values of the sketch are logits of probabilities so near to 0 or 1 that they were cut.
        residual: what the spectrum misses.
        seed, plan, versions: where the sketch comes from.
    """

    evaluations: int
    scored_on: str
    holdout: int
    accuracy_gap: dict[str, Gap]
    range: list[float]
    at_bounds: float | None
    cut_logits: int
    residual: ResidualRecord
    seed: int
    plan: str
    versions: dict[str, str]


class FitDetails(TypedDict, total=False):
    """What an estimator tells of a fit: each has the keys that concern it.

    Attributes:
        validation_r2: R2 on the validation points; None without any.
        terms: of the fit.
        max_order, ridge: the order and the ridge parameter that were chosen.
        coefficients, rounds: of the sparse Fourier transform: coefficients peeled, and rounds of peeling.
        noise: what peeling left, a mean square in squared units of the model.
        trees, leaves: how many.
        depth, order: of an ensemble's deepest tree (boosted: how deep it may be), and of its highest dividend.
        mask_weight: of the masks, beside the values, in the loss of InstaSHAP.
        students, student_r2: networks that count, and R2 of their mean on the validation points.
        kind: that led the heat of these networks: `placed` or `pooled` (convolutions), or `perceptron`.
        rank, train_r2: of the tensor train, and its R2 on the validation points.
        fitted_rank, cut: the rank before its bonds were cut, and the mean squared difference that this made on the
            validation points, as a part of what it leaves unexplained there.
        decay: of a train without students, the one of two that validated better.
        effort: the part of the usual passes, answers and steps that `recovery.minutes` allowed; absent for all of them.
        left_out: why `auto` did not fit it, where it could not have won; then there is nothing else.
    """

    validation_r2: float | None
    terms: int
    max_order: int
    ridge: float
    coefficients: int
    rounds: int
    noise: float
    trees: int
    leaves: int
    depth: int
    order: int
    mask_weight: float
    students: int
    student_r2: float
    kind: str
    rank: int
    train_r2: float
    fitted_rank: int
    cut: float
    decay: float
    effort: float
    left_out: str


class EstimatorRecord(TypedDict):
    """How a spectrum was recovered.

    Attributes:
        estimator: its name, or such joined by " + " where several were stacked.
        weights: of each in the stack.
        corrected_order: up to which the stack was corrected; 0 for not at all.
        validation_r2: of the result, where several were stacked.
    """

    estimator: str
    weights: dict[str, float]
    corrected_order: NotRequired[int]
    validation_r2: NotRequired[float]


class RecoveryRecord(EstimatorRecord):
    """The same, with what was `tried` on the way."""

    tried: dict[str, FitDetails]


class OutputRecord(RecoveryRecord, Score):
    """All of one output in `spectrum/faithfulness.json`.

    Attributes:
        table: of measured sequences, where they take the place of a model.
        notes: sentences on what was left out on the way.
        seconds: that recovery took.
    """

    table: NotRequired[dict[str, Any] | None]
    notes: NotRequired[list[str] | None]
    seconds: NotRequired[float]


def record_of(recovery: RecoveryRecord, score: Score, seconds: float | None = None) -> OutputRecord:
    """Return how a spectrum was recovered, and its scores, as one record; None leaves out the seconds it took."""
    record = cast(OutputRecord, {**recovery, **score})
    return record if seconds is None else {**record, "seconds": seconds}


class GroupScore(TypedDict):
    """The score of a group: how many of its sequences have a prediction, and R2; None where it is undefined."""

    predicted: int
    r2: float | None


class RefinementSummary(TypedDict, total=False):
    """What refined values tell; nothing where none were refined. In the model's units.

    Attributes:
        refined: sequences.
        evaluations_per_sequence: the mean.
        standard_error: the root mean square over all refined values.
        sketch_error: that of the values that the sketch alone gives, as far as refinement tells: the root of the mean
            squared correction less its noise, or 0.
    """

    refined: int
    evaluations_per_sequence: float
    standard_error: float
    sketch_error: float


class FoldsSummary(TypedDict, total=False):
    """What the folds of a model tell; nothing where it has none.

    Attributes:
        folds: how many.
        fold_r2: R2 of each fold's own spectrum on the hold-out; None where it is undefined.
        prediction_sd: the standard deviation of a prediction over the folds, the median over the sequences; None where
            none was predicted. In the model's units.
    """

    folds: int
    fold_r2: list[float | None]
    prediction_sd: float | None


class SequencesScore(RefinementSummary, FoldsSummary):
    """The scores of one output on the explained sequences, as `faithfulness.json` beside them has them.

    Attributes:
        sequences: how many rows there are.
        predicted: how many have a prediction of the model.
        r2_on_queries, r2_interval: R2 on these, with its 95 % bootstrap interval; None where it is undefined.
        r2_undefined: why, or None.
        r2_by_group: of each group that is scored.
        r2_of_highest_tenth, highest_tenth: R2 on the highest tenth of the predictions, and how many those are.
        largest_gap: the largest magnitude of model minus reconstruction; None without one.
        warnings: how many sequences have each.
        groups_left_out: that have no score, because there are more than `MAX_GROUPS`.
    """

    sequences: int
    predicted: int
    r2_on_queries: float | None
    r2_interval: list[float] | None
    r2_undefined: str | None
    r2_by_group: dict[str, GroupScore]
    r2_of_highest_tenth: float | None
    highest_tenth: int
    largest_gap: float | None
    warnings: dict[str, int]
    groups_left_out: int
