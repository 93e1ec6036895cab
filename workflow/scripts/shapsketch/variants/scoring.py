"""How well effects tell classes and measured values apart, beside simple baselines.

Measures are ProteinGym's (Notin et al. 2023): Spearman's correlation with the measured score; of the labels AUROC; MCC
of a split at the median prediction; and how many of the highest tenth of the scores are among the highest tenth of the
predictions. Intervals are bootstraps over variants, the same draws for every predictor.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from ..sequences.residues import PROPERTIES
from ..sequences.rng import BOOTSTRAP_STREAM, SPLIT_STREAM, generator
from ..settings.errors import InputError
from .substitutions import BLOSUM62

TOP_PERCENT = 10  # of the scores, and of the predictions
RESAMPLES = 1000
FOLDS = 5  # of the cross-validation of a threshold
MIN_VARIANTS = 10  # of which a measure is computed, and of each class
_POSITIVE = ("1", "pathogenic", "true", "yes", "positive")


def spearman(predicted: np.ndarray, measured: np.ndarray) -> float:
    """Return the correlation of the ranks, ties sharing theirs; NaN where one does not vary."""
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
    """Return the MCC of calling positive what is at least the median prediction."""
    return mcc(predicted >= np.median(predicted), positive)


def top_recall(predicted: np.ndarray, measured: np.ndarray) -> float:
    """Return the share of the highest tenth of the measured values that is among the highest tenth predicted.

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


def positive_label(labels: Sequence[str], wanted: str = "") -> str:
    """Return which label is the positive class.

    Args:
        labels: of the variants; empty ones have none.
        wanted: as the config says; empty: 1, pathogenic, true, yes or positive, whatever the case.

    Raises:
        InputError: it does not occur, or none of these does.
    """
    known = sorted(set(labels) - {""})
    if wanted and wanted not in known:
        raise InputError(f"No variant has the label {wanted!r}, which the config calls positive; they have {known}.")
    found = [label for label in known if label.lower() in _POSITIVE]
    if not wanted and len(found) != 1:
        raise InputError(f"The labels are {', '.join(known)}; say which is positive, as in `positive: {known[0]}`.")
    return wanted or found[0]


def baselines(table: pd.DataFrame, protein: bool) -> dict[str, np.ndarray]:
    """Return simple predictors of variants, higher where less should change.

    Args:
        table: a row per variant, with `ref` and `alt` as `columns_of` writes them.
        protein: whether letters are amino acids.

    Returns:
        `changes`: minus the number of changed letters. Of proteins `blosum62`, the sum of the matrix (see there)
        over the changes less that of the letters that were there; and `hydropathy`, minus the sum of distances
        on Kyte & Doolittle's scale. NaN where letters are inserted or deleted.
    """
    pairs = [
        list(zip(ref.split(","), alt.split(","), strict=True))
        for ref, alt in zip(table["ref"].astype(str), table["alt"].astype(str), strict=True)
    ]
    found = {"changes": np.array([-float(sum(max(len(a), len(b)) for a, b in own)) for own in pairs])}
    if protein:
        found["blosum62"] = np.array([_sum(own, lambda a, b: BLOSUM62[a, b] - BLOSUM62[a, a]) for own in pairs])
        found["hydropathy"] = np.array(
            [_sum(own, lambda a, b: -abs(PROPERTIES[a][0] - PROPERTIES[b][0])) for own in pairs]
        )
    return found


def _sum(pairs: list[tuple[str, str]], of: Callable[[str, str], float]) -> float:
    if not all(len(a) == len(b) == 1 and a in PROPERTIES and b in PROPERTIES for a, b in pairs):
        return float("nan")
    return float(sum(of(a, b) for a, b in pairs))


@dataclass(frozen=True)
class Truth:
    """What is known of variants.

    Attributes:
        scores: (N,) float64, measured; NaN where it was not.
        labelled: (N,) bool, whether there is a label.
        positive: (N,) bool.
    """

    scores: np.ndarray
    labelled: np.ndarray
    positive: np.ndarray

    @classmethod
    def read(cls, table: pd.DataFrame, positive: str = "") -> "Truth":
        """Read the columns `score` and `label` of a table with a row per variant."""
        labels = table["label"].fillna("").astype(str)
        chosen = positive_label(labels.tolist(), positive) if (labels != "").any() else ""
        labelled = (labels != "").to_numpy()
        return cls(table["score"].to_numpy(np.float64), labelled, (labels == chosen).to_numpy() & labelled)


def score_table(predictors: Mapping[str, np.ndarray], truth: Truth, seed: int) -> pd.DataFrame:
    """Score predictors.

    Args:
        predictors: (N,) float64 by name; higher: more of the score, more likely positive.
        truth: of the same variants.
        seed: of the resamples.

    Returns:
        `predictor`, `measure`, `value`, `low`, `high` (95 %), `variants`, `positives` (of the measures of labels). What
        has fewer than `MIN_VARIANTS` variants, or of either class, has no rows.
    """
    rows = []
    measured = np.isfinite(truth.scores)
    for used, target, measures in ((measured, truth.scores, OF_SCORES), (truth.labelled, truth.positive, OF_LABELS)):
        for name, predicted in predictors.items():
            chosen = np.flatnonzero(used & np.isfinite(predicted))
            own, answer = predicted[chosen], target[chosen]
            classes = answer.dtype == bool
            fewest = min(answer.sum(), (~answer).sum()) if classes else len(answer)
            if fewest < MIN_VARIANTS:
                continue
            draws = generator(seed, BOOTSTRAP_STREAM).integers(0, len(own), (RESAMPLES, len(own)))
            for measure, compute in measures.items():
                values = [compute(own[draw], answer[draw]) for draw in draws]
                low, high = np.nanpercentile(values, [2.5, 97.5])
                positives = int(answer.sum()) if classes else None
                rows.append((name, measure, compute(own, answer), low, high, len(own), positives))
    return pd.DataFrame(rows, columns=["predictor", "measure", "value", "low", "high", "variants", "positives"])


def confusion_table(predictors: Mapping[str, np.ndarray], truth: Truth, seed: int) -> pd.DataFrame:
    """Call classes at thresholds that are chosen without the variants that they are applied to.

    Each of `FOLDS` parts is called at the threshold with the largest sensitivity plus specificity (Youden 1950) on the
    other parts.

    Returns:
        `predictor`, `threshold` (the mean of the parts'), `true_positives`, `false_positives`, `false_negatives`,
        `true_negatives`, `sensitivity`, `specificity`, `mcc`.
    """
    rows = []
    for name, predicted in predictors.items():
        chosen = np.flatnonzero(truth.labelled & np.isfinite(predicted))
        own, positive = predicted[chosen], truth.positive[chosen]
        if min(positive.sum(), (~positive).sum()) < MIN_VARIANTS:
            continue
        part = generator(seed, SPLIT_STREAM).permutation(len(own)) % FOLDS
        cuts = np.array([best_threshold(own[part != k], positive[part != k]) for k in range(FOLDS)])
        called = own >= cuts[part]
        tp, fp = int((called & positive).sum()), int((called & ~positive).sum())
        fn, tn = int((~called & positive).sum()), int((~called & ~positive).sum())
        rows.append((name, cuts.mean(), tp, fp, fn, tn, tp / (tp + fn), tn / (tn + fp), mcc(called, positive)))
    columns = ["predictor", "threshold", "true_positives", "false_positives", "false_negatives", "true_negatives"]
    return pd.DataFrame(rows, columns=[*columns, "sensitivity", "specificity", "mcc"])


def best_threshold(predicted: np.ndarray, positive: np.ndarray) -> float:
    """Return the lowest prediction from which calling positive has the largest sensitivity plus specificity."""
    order = np.argsort(-predicted, kind="stable")
    last = np.append(np.diff(predicted[order]) != 0, True)  # of equal predictions
    gain = np.cumsum(positive[order]) / positive.sum() - np.cumsum(~positive[order]) / (~positive).sum()
    return float(predicted[order][last][np.argmax(gain[last])])


def position_table(table: pd.DataFrame, truth: Truth) -> pd.DataFrame:
    """Say which positions separate the classes: what variants with a change there do, by output.

    Returns:
        `output`, `position`, `variants`, `positives`, `mean_delta`, `mean_delta_positive`, `mean_delta_negative`,
        `mean_score`; variants with several changes count at each of them.
    """
    rows = table.assign(
        positive=truth.positive, labelled=truth.labelled, position=table["positions"].astype(str).str.split(",")
    )
    rows = rows.explode("position").astype({"position": np.int64})
    rows["delta_positive"] = rows["delta"].where(rows["positive"])
    rows["delta_negative"] = rows["delta"].where(rows["labelled"] & ~rows["positive"])
    made = rows.groupby(["output", "position"], sort=True).agg(
        variants=("delta", "size"),
        positives=("positive", "sum"),
        mean_delta=("delta", "mean"),
        mean_delta_positive=("delta_positive", "mean"),
        mean_delta_negative=("delta_negative", "mean"),
        mean_score=("score", "mean"),
    )
    return made.reset_index()
