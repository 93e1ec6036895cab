"""How good a dictionary is, each measure with its control beside it.

| measure | control |
|---|---|
| FVU, the unexplained share of the variance of held-out vectors | PCA of as many components as latents are active; random latents with a decoder fitted by least squares; for transcoders the best linear map |
| recovered, the share of what replacing modules by their means does to the outputs that the dictionary does not do | 0 and 1 by definition |
| R2 of the outputs with all modules replaced | transcoders of single layers, of the same size |
| stability, latents with a partner above 0.7 cosine in the dictionary of another seed | random directions |
"""  # noqa: E501

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import stdtrit  # scipy.stats takes half a second to import

from ..models.dictionary import Dictionary, as_numpy, keep_largest
from ..models.hooked_network import HookedNetwork
from .clusters import resampled_weights
from .replacement import predict_constant, predict_replaced

if TYPE_CHECKING:
    import torch

PARTNER_COSINE = 0.7
RIDGE = 1e-6  # of the variance, for maps fitted by least squares
MAX_FITTED = 100_000  # vectors that maps are fitted to
RESAMPLES = 1000


def fvu(y: np.ndarray, made: np.ndarray) -> float:
    """Return the unexplained share of the variance: |y - made|^2 over |y - mean|^2, of (N, width) vectors."""
    total = float(np.square(y - y.mean(0)).sum())
    return float(np.square(y - made).sum()) / total if total > 0 else 0.0


def pca_fvu(fitted: np.ndarray, y: np.ndarray, components: int) -> float:
    """Return the FVU of the principal components of (N, width) vectors, measured on others."""
    mean = fitted.mean(0)
    covariance = (fitted - mean).T @ (fitted - mean)
    directions = np.linalg.eigh(covariance)[1][:, ::-1][:, :components]
    return fvu(y, mean + (y - mean) @ directions @ directions.T)


def linear_fvu(x: np.ndarray, y: np.ndarray, x_held: np.ndarray, y_held: np.ndarray) -> float:
    """Return the FVU of the best linear map from (N, width) x to y, measured on other vectors."""
    return fvu(y_held, _least_squares(x, y)(x_held))


def random_fvu(
    dictionary: Dictionary, layer: int, x: np.ndarray, y: np.ndarray, x_held: np.ndarray, y_held: np.ndarray, seed: int
) -> float:
    """Return the FVU of as many random latents, as sparse, with a decoder fitted by least squares.

    Args:
        dictionary: of which these are the control.
        layer: which of its modules.
        x, y: (N, width) what the module takes and gives, to fit the decoder.
        x_held, y_held: (M, width) others, to score it.
        seed: of the random latents.
    """
    import torch

    draws = torch.Generator().manual_seed(seed % 2**63)
    w = torch.randn(x.shape[1], dictionary.latents, generator=draws)
    mean, k = torch.from_numpy(x.mean(0)).float(), max(1, dictionary.k or round(_l0(dictionary, layer, x_held)))

    def encode(vectors: np.ndarray) -> np.ndarray:
        return keep_largest((torch.from_numpy(vectors).float() - mean) @ w, k).numpy()

    return fvu(y_held, _least_squares(encode(x), y)(encode(x_held)))


def _least_squares(x: np.ndarray, y: np.ndarray) -> Any:
    """The function that maps (N, a) to (N, b), fitted by least squares with a faint ridge."""
    x_mean, y_mean = x.mean(0, dtype=np.float64), y.mean(0, dtype=np.float64)
    centred = (x - x_mean).astype(np.float64)
    gram = centred.T @ centred
    gram[np.diag_indices_from(gram)] += RIDGE * np.trace(gram) / len(gram) + 1e-12
    weights = np.linalg.solve(gram, centred.T @ (y - y_mean))
    return lambda other: y_mean + (other - x_mean) @ weights


def _l0(dictionary: Dictionary, layer: int, x: np.ndarray) -> float:
    import torch

    return float((dictionary.encode(layer, torch.from_numpy(x)) > 0).float().sum(1).mean())


def score_vectors(
    dictionary: Dictionary,
    fitted: Sequence[tuple[np.ndarray, np.ndarray]],
    held: Sequence[tuple[np.ndarray, np.ndarray]],
    seed: int,
) -> list[dict[str, Any]]:
    """Measure a dictionary on vectors.

    Args:
        dictionary: the dictionary.
        fitted: by layer the (N, width) vectors read and written that it was trained on, for the controls.
        held: likewise, that it was not trained on.
        seed: of the random latents.

    Returns:
        For each layer `module`, `fvu`, `l0` (latents active a vector), `dead_share` (never active on held-out
        vectors), `active_share` (median over latents of the share of vectors), and `controls`: the `fvu` of `pca`,
        `random` and, for transcoders, `linear`.
    """
    import torch

    dictionary = dictionary.to("cpu")  # where the vectors are
    latents = [dictionary.encode(layer, torch.from_numpy(x)) for layer, (x, _) in enumerate(held)]
    rows = []
    for layer, (x_held, y_held) in enumerate(held):
        made = dictionary.decode(latents, layer).numpy()
        active = (latents[layer] > 0).float()
        x, y = (vectors[:MAX_FITTED] for vectors in fitted[layer])
        l0 = float(active.sum(1).mean())
        controls = {
            "pca": pca_fvu(y, y_held, max(1, round(l0))),
            "random": random_fvu(dictionary, layer, x, y, x_held, y_held, seed),
        }
        if dictionary.kind != "sae":
            controls["linear"] = linear_fvu(x, y, x_held, y_held)
        rows.append({
            "module": dictionary.writes[layer].module, "fvu": fvu(y_held, made), "l0": l0,
            "dead_share": float((active.sum(0) == 0).float().mean()), "active_share": float(active.mean(0).median()),
            "controls": controls,
        })  # fmt: skip
    return rows


def score_outputs(
    network: HookedNetwork,
    dictionary: Dictionary,
    codes: np.ndarray,
    clusters: np.ndarray,
    means: "dict[Any, torch.Tensor]",
    seed: int,
) -> dict[str, Any]:
    """Measure what replacing modules by the dictionary does to the outputs.

    Args:
        network: the network.
        dictionary: of it.
        codes: (N, n) uint8 codes of sequences that it was not trained on.
        clusters: (N,) of each, of sequences that are alike.
        means: by site that is written the mean vector.
        seed: of the bootstrap over clusters.

    Returns:
        `r2` of all outputs together, about each one's mean, with all modules replaced, with its 95 % `r2_interval`
        over clusters of sequences; `r2_by_output`; `recovered`, one less the squared error of the outputs over that
        with modules that give their means; `recovered_by_module`, of each module replaced alone.
    """
    clean, made = network.predict(codes), predict_replaced(network, dictionary, codes)
    constant = predict_constant(network, means, codes)
    alone = {}
    for layer, site in enumerate(dictionary.writes):
        if dictionary.kind == "cross_layer":
            break  # a layer needs the latents of those before it
        one = predict_replaced(network, dictionary, codes, layers=[layer])
        without = predict_constant(network, {site: means[site]}, codes)
        alone[site.module] = _recovered(clean, one, without)
    missed, spread = np.square(clean - made), np.square(clean - clean.mean(0))
    weights = resampled_weights(clusters, np.random.default_rng([seed, 1]), RESAMPLES)
    ratios = 1 - weights @ missed.sum(1) / np.maximum(weights @ spread.sum(1), 1e-300)
    by_output = 1 - missed.sum(0) / np.maximum(spread.sum(0), 1e-300)
    return {
        "r2": float(1 - missed.sum() / max(spread.sum(), 1e-300)),
        "r2_interval": [float(v) for v in np.quantile(ratios, (0.025, 0.975))],
        "r2_by_output": dict(zip(network.outputs, by_output.tolist(), strict=True)),
        "recovered": _recovered(clean, made, constant),
        "recovered_by_module": alone,
    }


def _recovered(clean: np.ndarray, made: np.ndarray, constant: np.ndarray) -> float | None:
    """One less the squared error over that of a constant; None where the constant changes nothing."""
    most = float(np.square(constant - clean).sum())
    return 1 - float(np.square(made - clean).sum()) / most if most > 0 else None


def stability(first: Dictionary, second: Dictionary) -> float:
    """Return the share of the first's latents that have a partner above `PARTNER_COSINE` in the second, over layers."""
    pairs = [[as_numpy(one.directions(layer)) for one in (first, second)] for layer in range(first.layers)]
    return float(np.mean([(_cosines(a, b).max(1) > PARTNER_COSINE).mean() for a, b in pairs]))


def random_stability(dictionary: Dictionary, seed: int) -> float:
    """Return the stability of two dictionaries of random directions of the same sizes."""
    draws, shares = np.random.default_rng([seed, 2]), []
    for layer in range(dictionary.layers):
        shape = tuple(dictionary.directions(layer).shape)
        shares.append((_cosines(*draws.standard_normal((2, *shape))).max(1) > PARTNER_COSINE).mean())
    return float(np.mean(shares))


def _cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    norms = [np.maximum(np.linalg.norm(m, axis=1, keepdims=True), 1e-12) for m in (a, b)]
    return (a / norms[0]) @ (b / norms[1]).T


def stabilities(dictionaries: Sequence[Dictionary]) -> np.ndarray:
    """Return the (S, S) stability of each of S dictionaries in each other one; NaN of one in itself."""
    shares = np.full((len(dictionaries), len(dictionaries)), np.nan)
    for first, second in permutations(range(len(dictionaries)), 2):
        shares[first, second] = stability(dictionaries[first], dictionaries[second])
    return shares


def over_pairs(shares: np.ndarray) -> dict[str, Any] | None:
    """Return the mean over pairs of S dictionaries, with its 95 % interval over the dictionaries.

    Pairs share dictionaries, so these are what is left out in turn: the jackknife of a mean over pairs (Arvesen 1969),
    with Student's t of S - 1 degrees of freedom. Two dictionaries are one pair, and have no interval.

    Args:
        shares: (S, S) of `stabilities`.

    Returns:
        As `over_seeds`; None of fewer than two dictionaries.
    """
    count = len(shares)
    if count < 2:
        return None
    mean = float(np.nanmean(shares))
    if count == 2:
        return {"mean": mean, "interval": None, "seeds": count}
    without = np.array([np.nanmean(np.delete(np.delete(shares, k, 0), k, 1)) for k in range(count)])
    error = np.sqrt((count - 1) / count * np.square(without - without.mean()).sum())
    half = float(stdtrit(count - 1, 0.975) * error)
    return {"mean": mean, "interval": [mean - half, mean + half], "seeds": count}


def over_seeds(values: Sequence[float | None]) -> dict[str, Any] | None:
    """Return the mean over seeds with its 95 % interval (Student's t), which one seed has not; None without a value."""
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    mean, low, high = interval(np.array(known))
    return {"mean": mean, "interval": [low, high] if len(known) > 1 else None, "seeds": len(known)}


def interval(values: np.ndarray) -> tuple[float, float, float]:
    """Return the mean of (N,) values and its 95 % interval (Student's t); of fewer than two values NaN."""
    if len(values) < 2:
        return (float(values.mean()) if len(values) else float("nan"), float("nan"), float("nan"))
    half = float(stdtrit(len(values) - 1, 0.975) * values.std(ddof=1) / np.sqrt(len(values)))
    return float(values.mean()), float(values.mean() - half), float(values.mean() + half)


def named_interval(key: str, values: "Sequence[float | None]") -> dict[str, float | None]:
    """Return a mean and the ends of its interval as columns: `KEY`, `KEY_low`, `KEY_high`."""
    return dict(zip((key, f"{key}_low", f"{key}_high"), values, strict=True))


def report(
    scores: Mapping[str, Sequence[Mapping[str, Any]]],
    shares: Mapping[str, np.ndarray],
    random: Mapping[str, float],
) -> dict[str, Any]:
    """Sum up the scores of dictionaries of several seeds.

    Args:
        scores: by kind, for each seed `layers` (`score_vectors`) and `outputs` (`score_outputs`; None where positions
            were pooled, and nothing can be replaced).
        shares: by kind, the `stabilities` of the dictionaries of all seeds.
        random: by kind, the stability of random directions.

    Returns:
        For each kind `r2`, `recovered`, `fvu`, `l0`, `dead_share`, `stability`, each with its mean and interval over
        seeds, `controls` of FVU and stability, and `by_seed`, everything.
    """
    out = {}
    for kind, seeds in scores.items():
        layers = [layer for seed in seeds for layer in seed["layers"]]
        names = layers[0]["controls"]
        out[kind] = {
            "r2": over_seeds([s["outputs"] and s["outputs"]["r2"] for s in seeds]),
            "recovered": over_seeds([s["outputs"] and s["outputs"]["recovered"] for s in seeds]),
            **{
                key: over_seeds([float(np.mean([layer[key] for layer in s["layers"]])) for s in seeds])
                for key in ("fvu", "l0", "dead_share")
            },
            "stability": over_pairs(shares[kind]),
            "controls": {
                "fvu": {name: float(np.mean([layer["controls"][name] for layer in layers])) for name in names},
                "stability": random[kind],
            },
            "by_seed": list(seeds),
        }
    return out
