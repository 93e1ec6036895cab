"""The verdict: what the scores of one output allow to be said, and the sentences that follow from it.

Terminal, page and comparison take every sentence about what was found, or not found, from here, so that none can say
what the scores do not.
"""

from collections.abc import Mapping

from .r2_words import full_r2, percent, r2_of, scored_on
from .records import Audit, Level, NearScore, Score

TRUSTED_SHARE = 0.9  # of the model's variance: an explanation that certainly carries so much can be trusted
TELLING_SHARE = 0.7  # one that carries so much tells most
ADDITIVE_SHARE = 0.98  # share of the variance found that single letters carry where letters add up
CONSTANT = "The model is constant here: there is nothing to explain."
ROUNDED = (
    "The model's values differ by no more than rounding beside {middle:.6g}: there is nothing to explain. If that "
    "hides a signal beside an offset, subtract the offset in your model."
)
UNDEFINED = "the model's values there are all the same, though it has others elsewhere"
NOTHING = (
    "Nothing was found: the spectrum predicts the model no better than its mean does. More evaluations, or another "
    "template or background, may show more."
)
UNSURE = (
    "It is not sure that anything was found: the interval of R2 includes 0, so what is shown may be chance. More "
    "evaluations would tell."
)


def level_of(variance: float, r2: float, low: float, terms: int) -> Level:
    """Return how much can be said of a spectrum.

    Args:
        variance: of the model on the scored points.
        r2: of the spectrum on them.
        low: the lower end of its 95 % interval.
        terms: of the spectrum.
    """
    if variance <= 0:
        return "constant" if r2 > 0 else "nothing"
    if r2 <= 0 or not terms:
        return "nothing"
    return "found" if low > 0 else "unsure"


def order_audit(variance_by_order: Mapping[str, float], variance: float, r2: float, low: float | None = None) -> Audit:
    """Judge how much of the model explanations up to an order tell (the question of Enouen & Liu 2025, InstaSHAP).

    Args:
        variance_by_order: that the spectrum's terms of each order carry.
        variance: of the model, on the points that are scored.
        r2: of the spectrum on them.
        low: the lower end of its 95 % interval, by which it is judged; None: r2.
    """
    low = r2 if low is None else min(low, r2)
    shares = _shares(variance_by_order)
    level = level_of(variance, r2, low, int(sum(variance_by_order.values()) > 0))
    return {"share_by_order": shares, "found": level, "audit": _audit(shares, level, r2, low)}


def undefined_audit(variance_by_order: Mapping[str, float], near: NearScore) -> Audit:
    """Judge a spectrum where R2 on the hold-out is undefined: by the near queries that were held out, if there are any.

    Args:
        variance_by_order: that the spectrum's terms of each order carry.
        near: R2 on the near queries, where that is defined.
    """
    terms, audit = int(sum(variance_by_order.values()) > 0), f"R2 on the hold-out is undefined: {UNDEFINED}."
    if "r2_near" in near:
        r2, (low, high) = near["r2_near"], near["r2_near_interval"]
        level = level_of(1.0, r2, min(low, r2), terms)
        audit += f" Near {' and '.join(near['near'])} it is {full_r2(r2, low, high)}."
    else:
        level = "unsure" if terms else "nothing"
    match level:
        case "nothing":
            audit += f" {NOTHING}"
        case "unsure":
            audit += f" {UNSURE}" if "r2_near" in near else " It is not sure that anything was found."
        case _:
            audit += " Shares by order are of what the spectrum carries under the background, where little varies."
    return {"share_by_order": _shares(variance_by_order), "found": level, "audit": audit}


def _shares(variance_by_order: Mapping[str, float]) -> dict[str, float]:
    """The shares of the variance found that orders up to each carry."""
    explained, carried = sum(variance_by_order.values()), 0.0
    shares: dict[str, float] = {}
    for order, part in variance_by_order.items():
        carried += part
        shares[order] = min(carried / explained, 1.0) if explained > 0 else 1.0
    return shares


def _audit(shares: Mapping[str, float], level: Level, r2: float, low: float) -> str:
    if level == "constant":
        return CONSTANT
    if level == "nothing":
        return NOTHING
    if level == "unsure":
        return UNSURE
    additive = shares.get("1", 0.0)
    missing = f"; {percent(1 - r2)} of the model's variance was not found" if r2 < 0.995 else ""
    carries = f"single letters carry {percent(additive)} of the variance found{missing}."
    if additive * low >= TRUSTED_SHARE:
        return f"An additive explanation can be trusted: {carries}"
    enough = next((k for k, share in shares.items() if share * low >= TRUSTED_SHARE), None)
    further = f" Orders up to {enough} carry {percent(shares[enough])}." if enough else ""
    if additive * low >= TELLING_SHARE:
        start = "An additive explanation tells most, read interactions beside it"
    elif low < TELLING_SHARE <= additive and r2 >= TELLING_SHARE:
        start = "An additive explanation cannot be trusted yet, because R2 is not known well enough"
    elif low < TELLING_SHARE <= additive:
        start = "An additive explanation cannot be trusted, because too much of the model was not found"
    else:
        start = "An additive explanation cannot be trusted, because letters act together"
    return f"{start}: {carries}{further}"


def no_motif(score: Score) -> str:
    """Say what it means that no motif of several letters is listed.

    Args:
        score: of one output: `found`, `r2`, `r2_interval`, `share_by_order`.
    """
    match score["found"]:
        case "constant":
            return "The model is constant here: no letter changes its answer, so there are no motifs."
        case "nothing":
            return "Nothing was found, so there are no motifs."
        case "unsure":
            return "No motif is listed, and it is not sure that anything was found."
    low, additive = _lowest(score), score["share_by_order"].get("1", 0.0)
    if additive < ADDITIVE_SHARE:
        return (
            f"No motif is listed, but letters do not just add up: terms of two and more letters carry "
            f"{_rest(additive)} of the variance found. None of them recurs in enough of these sequences to be a motif."
        )
    if low is None:
        return "No motif is listed. That does not mean that there is none: R2 on the hold-out is undefined."
    if low < TRUSTED_SHARE:
        return (
            f"No motif is listed. That does not mean that there is none: {percent(1 - low)} of the model's variance "
            "may be missing from what was found."
        )
    return (
        f"No interaction stands out above the noise: single letters carry {percent(additive)} of the variance found, "
        f"and R2 is {full_r2(*r2_of(score))}."
    )


def no_pair(score: Score) -> str:
    """Say what it means that no pair of positions interacts in the spectrum."""
    if score["found"] != "found":
        return no_motif(score).replace("so there are no motifs", "so there is nothing to map")
    low = _lowest(score)
    if low is None:
        return "No interaction of two positions was found; R2 on the hold-out is undefined, so some may be missing."
    if low < TRUSTED_SHARE:
        return f"No interaction of two positions was found; {percent(1 - low)} of the model's variance may be missing."
    return "No pair of positions interacts in the spectrum."


def no_arcs(score: Score) -> str:
    """Say what it means that no interaction is listed for a sequence."""
    low, additive = _lowest(score), score["share_by_order"].get("1", 0.0)
    if score["found"] == "found" and additive >= ADDITIVE_SHARE and low is not None and low >= TRUSTED_SHARE:
        return "No interaction is listed for this sequence: its letters add up."
    return "No interaction is listed for this sequence."


def instead(score: Score, refined: bool = False) -> str | None:
    """Return what is said in place of explanations where there is nothing to show; None where there is.

    Args:
        score: of one output.
        refined: whether it is about refined values, which owe nothing to the spectrum.
    """
    if score["found"] == "constant":
        return CONSTANT
    if score["found"] == "nothing" and not refined:
        if score["r2"] is None:
            return (
                "Nothing is shown here: nothing was found, and R2 on the hold-out is undefined. The values are in the "
                "files, each row with the warning r2."
            )
        return (
            f"Nothing is shown here: R2 on {scored_on(score)} is {full_r2(*r2_of(score))}, "
            "no better than the mean of the model. The values are in the files, each row with the warning r2."
        )
    return None


def _lowest(score: Score) -> float | None:
    """What R2 is at least; None where it is undefined."""
    r2, low, _ = r2_of(score)
    return None if r2 is None or low is None else min(low, r2)


def _rest(additive: float) -> str:
    share = 1 - additive
    return percent(share) if share >= 0.005 else "less than 1 %"
