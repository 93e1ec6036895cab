"""How well effects tell classes and measured values apart, beside simple baselines.

Measures are ProteinGym's (Notin et al. 2023): Spearman's correlation with the measured score; of the labels AUROC; MCC
of a split at the median prediction; and how many of the highest tenth of the scores are among the highest tenth of the
predictions. Intervals are bootstraps over variants, the same draws for every predictor.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from ..sequences.rng import BOOTSTRAP_STREAM, SPLIT_STREAM, generator
from ..settings.errors import InputError
from .classes import Truth

TOP_PERCENT = 10  # of the scores, and of the predictions
RESAMPLES, MIN_RESAMPLES = 1000, 200  # of the bootstrap; of many variants so many that
DRAWN = 20_000_000  # variants are drawn in all
FOLDS = 5  # of the cross-validation of a threshold
MIN_VARIANTS = 10  # of which a measure is computed, and of each class
DAMAGING = ("pathogenic", "deleterious", "damaging")  # labels of which what changes more is more likely


def spearman(predicted: np.ndarray, measured: np.ndarray) -> float:
    """Return the correlation of the ranks of (N,) values, ties sharing theirs; NaN where one does not vary."""
    ranks = np.array([rankdata(predicted), rankdata(measured)])
    centred = ranks - ranks.mean(1, keepdims=True)
    scale = np.sqrt((centred**2).sum(1).prod())
    return float((centred[0] * centred[1]).sum() / scale) if scale > 0 else float("nan")


def auroc(predicted: np.ndarray, positive: np.ndarray) -> float:
    """Return the chance that a positive one is ranked above a negative one, ties counting half (Mann, Whitney 1947)."""
    count, total = int(positive.sum()), len(positive)
    if not 0 < count < total:
        return float("nan")
    ranks = rankdata(predicted)[positive].sum() - count * (count + 1) / 2
    return float(ranks / (count * (total - count)))


def mcc(called: np.ndarray, positive: np.ndarray) -> float:
    """Return the correlation of calls and labels (Matthews 1975); 0 where either is constant."""
    tp, fp = np.sum(called & positive), np.sum(called & ~positive)
    fn, tn = np.sum(~called & positive), np.sum(~called & ~positive)
    scale = np.sqrt(float(tp + fp) * float(tp + fn) * float(tn + fp) * float(tn + fn))
    return float((tp * tn - fp * fn) / scale) if scale > 0 else 0.0


def median_mcc(predicted: np.ndarray, positive: np.ndarray) -> float:
    """Return the MCC of calling positive what is at least the median of (N,) predictions."""
    return mcc(predicted >= np.median(predicted), positive)


def top_recall(predicted: np.ndarray, measured: np.ndarray) -> float:
    """Return the share of the highest tenth of (N,) measured values that is among the highest tenth predicted.

    Predictions that are equal at the cut share what is left of the tenth: all alike, they recall a tenth. (ProteinGym,
    whose value this is where none are equal, would let a constant recall everything.)
    """
    cut = 100 - TOP_PERCENT
    top, limit = measured >= np.percentile(measured, cut), np.percentile(predicted, cut)
    above, equal = predicted > limit, predicted == limit
    room = np.ceil(len(predicted) * TOP_PERCENT / 100) - above.sum()
    share = np.clip(room / max(equal.sum(), 1), 0, 1)
    return float(((top & above).sum() + share * (top & equal).sum()) / top.sum())


OF_SCORES = {"spearman": spearman, "top_recall": top_recall}
OF_LABELS = {"auroc": auroc, "mcc": median_mcc}


@dataclass(frozen=True)
class Predictors:
    """Predictors of the same variants.

    Attributes:
        values: (N,) float64 by name; NaN where there is none.
        lower: those of which a lower value is more likely positive; higher of all others.
    """

    values: Mapping[str, np.ndarray]
    lower: Collection[str] = ()

    def __post_init__(self) -> None:
        unknown = [name for name in self.lower if name not in self.values]
        if unknown:
            raise InputError(
                f"The config names {unknown[0]!r} under lower, but the predictors are {', '.join(self.values)}."
            )

    def towards_positive(self, name: str) -> np.ndarray:
        """Return a predictor, (variants,), with the sign by which a higher value is more likely positive."""
        return -self.values[name] if name in self.lower else self.values[name]


def score_table(predictors: Predictors, truth: Truth, seed: int) -> pd.DataFrame:
    """Score predictors.

    Args:
        predictors: of N variants; the first is what others are compared with.
        truth: of the same variants.
        seed: of the resamples.

    Returns:
        `predictor`, `measure`, `value`, `low`, `high` (95 %), `variants`, `positives`, `lower_is_positive` (of the
        measures of labels), and `behind`, `behind_low`, `behind_high`: how much less than that of the first predictor
        the measure is, on the variants that both have, by the same resamples. What has fewer than `MIN_VARIANTS`
        variants, or of either class, has no rows.
    """
    rows = []
    for used, target, measures in (
        (np.isfinite(truth.scores), truth.scores, OF_SCORES),
        (truth.labelled, truth.positive, OF_LABELS),
    ):
        classes = target.dtype == bool
        signed = {
            name: predictors.towards_positive(name) if classes else one for name, one in predictors.values.items()
        }
        kept = {name: np.flatnonzero(used & np.isfinite(one)) for name, one in signed.items()}
        first = next(iter(signed))
        resampled = _Resampled(signed, target, seed)
        for name, chosen in kept.items():
            answer = target[chosen]
            if (min(answer.sum(), (~answer).sum()) if classes else len(answer)) < MIN_VARIANTS:
                continue
            shared = np.intersect1d(chosen, kept[first])
            for measure, compute in measures.items():
                value, values = resampled(compute, name, chosen)
                less = [float("nan")] * 3
                if name != first and len(shared) >= MIN_VARIANTS:
                    one, others = resampled(compute, name, shared), resampled(compute, first, shared)
                    less = [others[0] - one[0], *_interval(others[1] - one[1])]
                of_labels = (int(answer.sum()), name in predictors.lower) if classes else (None, None)
                rows.append((name, measure, value, *_interval(values), len(chosen), *of_labels, *less))
    columns = ["predictor", "measure", "value", "low", "high", "variants", "positives", "lower_is_positive"]
    return pd.DataFrame(rows, columns=[*columns, "behind", "behind_low", "behind_high"])


@dataclass(frozen=True)
class _Resampled:
    """Measures on resamples of variants, each computed once; the same draws for every predictor."""

    predictors: Mapping[str, np.ndarray]
    target: np.ndarray
    seed: int
    known: dict[tuple[Any, ...], tuple[float, np.ndarray]] = field(default_factory=dict)

    def __call__(self, compute: Callable[..., float], name: str, chosen: np.ndarray) -> tuple[float, np.ndarray]:
        """Return a measure on the chosen variants, and on resamples of them."""
        key = (compute, name, chosen.tobytes())
        if key not in self.known:
            predicted, answer = self.predictors[name][chosen], self.target[chosen]
            rng, count = generator(self.seed, BOOTSTRAP_STREAM), len(predicted)
            draws = (rng.integers(0, count, count) for _ in range(resamples(count)))
            self.known[key] = (
                compute(predicted, answer),
                np.array([compute(predicted[draw], answer[draw]) for draw in draws]),
            )
        return self.known[key]


def resamples(count: int) -> int:
    """Return how many resamples of so many variants are drawn: fewer of more than 20,000, whose intervals are small."""
    return int(np.clip(DRAWN // count, MIN_RESAMPLES, RESAMPLES))


def _interval(values: np.ndarray) -> list[float]:
    return np.nanpercentile(values, [2.5, 97.5]).tolist() if np.isfinite(values).any() else [float("nan")] * 2


@dataclass(frozen=True)
class Calls:
    """Classes that a predictor calls, each by a threshold that was chosen without the variant.

    Attributes:
        chosen: (M,) int64, the variants with a label and a prediction.
        called, positive: (M,) bool.
        thresholds: (FOLDS,) float64, with the sign by which a higher value is more likely positive.
    """

    chosen: np.ndarray
    called: np.ndarray
    positive: np.ndarray
    thresholds: np.ndarray


def cross_validated_calls(predictors: Predictors, truth: Truth, seed: int) -> dict[str, Calls]:
    """Call classes at thresholds that are chosen without the variants that they are applied to.

    Each of `FOLDS` parts is called at the threshold with the largest sensitivity plus specificity (Youden 1950) on the
    other parts. Predictors with fewer than `MIN_VARIANTS` of either class have none.
    """
    calls = {}
    for name in predictors.values:
        predicted = predictors.towards_positive(name)
        chosen = np.flatnonzero(truth.labelled & np.isfinite(predicted))
        scores, positive = predicted[chosen], truth.positive[chosen]
        if min(positive.sum(), (~positive).sum()) >= MIN_VARIANTS:
            part = generator(seed, SPLIT_STREAM).permutation(len(scores)) % FOLDS
            cuts = np.array([best_threshold(scores[part != k], positive[part != k]) for k in range(FOLDS)])
            calls[name] = Calls(chosen, scores >= cuts[part], positive, cuts)
    return calls


def confusion_table(calls: Mapping[str, Calls], lower: Collection[str] = ()) -> pd.DataFrame:
    """Count calls, by predictor.

    Args:
        calls: by predictor; see `cross_validated_calls`.
        lower: predictors of which a lower value is more likely positive.

    Returns:
        `predictor`, `threshold` (the mean of the parts'; from it on, or for `lower` up to it, a variant is called
        positive), `true_positives`, `false_positives`, `false_negatives`, `true_negatives`, `sensitivity`,
        `specificity`, `mcc`.
    """
    rows = []
    for name, one in calls.items():
        tp, fp = int((one.called & one.positive).sum()), int((one.called & ~one.positive).sum())
        fn, tn = int((~one.called & one.positive).sum()), int((~one.called & ~one.positive).sum())
        threshold = one.thresholds.mean() * (-1 if name in lower else 1)
        rows.append((name, threshold, tp, fp, fn, tn, tp / (tp + fn), tn / (tn + fp), mcc(one.called, one.positive)))
    columns = ["predictor", "threshold", "true_positives", "false_positives", "false_negatives", "true_negatives"]
    return pd.DataFrame(rows, columns=[*columns, "sensitivity", "specificity", "mcc"])


def prediction_table(variants: pd.DataFrame, predictors: Predictors, calls: Mapping[str, Calls]) -> pd.DataFrame:
    """Put predictors side by side, a row per variant.

    Returns:
        What the file says of the variants, a column for each predictor (`NAME.value` where it is called like one of the
        file's), and for those that call classes a column
        `NAME.called`: 1 positive, 0 negative, missing for variants of neither class.
    """
    names = ["record", "allele", "variant_id", "contig", "positions", "ref", "alt", "label", "score"]
    values = {f"{name}.value" if name in names else name: one for name, one in predictors.values.items()}
    called = {}
    for name, one in calls.items():
        column = pd.Series(pd.NA, range(len(variants)), dtype="Int8")
        column.iloc[one.chosen] = one.called.astype(np.int8)
        called[f"{name}.called"] = column
    return variants[names].assign(**values, **called)


def best_threshold(predicted: np.ndarray, positive: np.ndarray) -> float:
    """Return the lowest of (N,) predictions from which calling positive is most sensitive plus specific."""
    order = np.argsort(-predicted, kind="stable")
    last = np.append(np.diff(predicted[order]) != 0, True)  # of equal predictions
    gain = np.cumsum(positive[order]) / positive.sum() - np.cumsum(~positive[order]) / (~positive).sum()
    return float(predicted[order][last][np.argmax(gain[last])])


def position_table(table: pd.DataFrame, truth: Truth) -> pd.DataFrame:
    """Say which positions separate the classes: what variants with a change there do, by output.

    Returns:
        `output`, `position`, `variants`, `positives`, `mean_delta`, `mean_delta_positive`, `mean_delta_negative`,
        `mean_score`, `contig`; variants with several changes count at each of them. Ordered by output, contig and
        position.
    """
    places = [list(dict.fromkeys(text.split(","))) for text in table["positions"].astype(str)]
    rows = table.assign(positive=truth.positive, labelled=truth.labelled, position=places)
    rows = rows.explode("position").astype({"position": np.int64})
    rows["delta_positive"] = rows["delta"].where(rows["positive"])
    rows["delta_negative"] = rows["delta"].where(rows["labelled"] & ~rows["positive"])
    made = rows.groupby(["output", "contig", "position"], sort=True).agg(
        variants=("delta", "size"),
        positives=("positive", "sum"),
        mean_delta=("delta", "mean"),
        mean_delta_positive=("delta_positive", "mean"),
        mean_delta_negative=("delta_negative", "mean"),
        mean_score=("score", "mean"),
    )
    made = made.reset_index()
    return made.assign(contig=made.pop("contig"))  # columns are added behind the old ones
