"""What latents are: how often and where they are active, on which letters, and what the outputs are without them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from ..models.dictionary import Dictionary
from ..models.hooked_network import HookedNetwork
from ..motifs.pwm import Matrix, consensus_letter, information
from ..sequences.alphabet import Alphabet
from .activations import Pool
from .replacement import encode_all, holding, predict_replaced

MIN_SHARE_OF_LARGEST = 0.5  # of a latent's largest activation, from which on a window counts
MAX_WINDOWS = 500  # of a latent
MIN_COLUMN_BITS = 0.25  # information below which columns at the ends of a matrix are cut off


@dataclass(frozen=True)
class Coded:
    """Latents of some sequences.

    Attributes:
        names: of the sequences.
        codes: (N, n) uint8 alphabet codes.
        latents: by layer (N, positions, F) float32.
    """

    names: Sequence[str]
    codes: np.ndarray
    latents: list[np.ndarray]

    @classmethod
    def of(
        cls,
        network: HookedNetwork,
        dictionary: Dictionary,
        names: Sequence[str],
        codes: np.ndarray,
        pool: Pool = "none",
    ) -> "Coded":
        """Run the network on sequences: their names and (N, n) uint8 codes; `pool` as the dictionary was trained."""
        return cls(names, codes, [z.cpu().numpy() for z in encode_all(network, dictionary, codes, pool=pool)])


def effects(
    network: HookedNetwork,
    dictionary: Dictionary,
    coded: Coded,
    most: int,
    progress: Callable[[int], object] = lambda count: None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return what each latent adds to each output: the output less that without the latent, all else as it was.

    What the dictionary misses is kept, so that nothing changes but by the latent.

    Args:
        network: the network.
        dictionary: of it.
        coded: its latents.
        most: sequences in which a latent is active that are asked, at equal steps.
        progress: called with the latents done.

    Returns:
        (layers F, outputs) the mean effect where the latent is active, NaN where it never is, and the root mean square
        over all sequences.
    """
    clean = network.predict(coded.codes)
    count = len(coded.codes)
    shape = (dictionary.layers * dictionary.latents, clean.shape[1])
    mean, square = np.full(shape, np.nan), np.zeros(shape)
    for row in range(shape[0]):
        layer, latent = divmod(row, dictionary.latents)
        active = np.flatnonzero((coded.latents[layer][:, :, latent] > 0).any(1))
        progress(1)
        if not active.size:
            continue
        chosen = active[np.unique(np.linspace(0, len(active) - 1, min(most, len(active))).astype(int))]
        without = holding(layer, latent, 0)
        added = clean[chosen] - predict_replaced(network, dictionary, coded.codes[chosen], without, errors=True)
        mean[row] = added.mean(0)
        square[row] = np.square(added).mean(0) * len(active) / count
    return mean, np.sqrt(square)


def letters_at(positions: np.ndarray, stride: int) -> np.ndarray:
    """Return (K,) 0-based letters in the middle of (K,) positions of a module."""
    return positions * stride + stride // 2


def matrix_of(
    coded: Coded, activations: np.ndarray, stride: int, window: int, alphabet: Alphabet, name: str
) -> Matrix | None:
    """Return the letters about the places where a latent is most active.

    Args:
        coded: the sequences.
        activations: (N, positions) of the latent.
        stride: letters of a position.
        window: letters on either side.
        alphabet: of the letters.
        name: of the latent.

    Returns:
        Letter frequencies over the windows, each column over the letters that lie in a sequence (at the ends fewer),
        without columns at either end that say nothing; `core` are the columns of at least `MIN_COLUMN_BITS`.
        None where the latent is never active, or positions and letters are not aligned.
    """
    if stride == 0 or not (activations > 0).any():
        return None
    rows, places = np.nonzero(activations >= MIN_SHARE_OF_LARGEST * activations.max())
    order = np.argsort(-activations[rows, places], kind="stable")[:MAX_WINDOWS]
    rows, places = rows[order], letters_at(places[order], stride)
    columns = places[:, None] + np.arange(-window, window + 1)
    inside = (columns >= 0) & (columns < coded.codes.shape[1])
    letters = coded.codes[rows[:, None], np.clip(columns, 0, coded.codes.shape[1] - 1)]
    counts = ((letters[:, :, None] == np.arange(alphabet.q)) & inside[:, :, None]).sum(0).astype(float)
    frequencies = (counts + 1 / alphabet.q) / (counts + 1 / alphabet.q).sum(1, keepdims=True)
    core = np.array([information(column[None]) >= MIN_COLUMN_BITS for column in frequencies])
    kept = np.flatnonzero(core)
    span = slice(kept[0], kept[-1] + 1) if kept.size else slice(window, window + 1)
    frequencies, core = frequencies[span], core[span]
    consensus = "".join(consensus_letter(alphabet, column) for column in frequencies)
    same = np.unique(places).size == 1  # one place in all sequences
    numbers = (columns[0, span] + 1) * (columns[0, span] >= 0) if same else np.zeros(len(core), int)
    return Matrix("latents", name, consensus, frequencies, np.zeros_like(frequencies), core, numbers, len(rows))


def latent_table(
    dictionary: Dictionary,
    coded: Coded,
    outputs: Sequence[str],
    measured: tuple[np.ndarray, np.ndarray] | None,
    matrices: Mapping[str, Matrix],
    spreads: np.ndarray,
    top: int,
) -> pa.Table:
    """Return one row for each latent.

    Args:
        dictionary: of the latents.
        coded: of the sequences that were looked at.
        outputs: their names.
        measured: of `effects`; None where positions were pooled, and nothing can be replaced.
        matrices: by the latents' names.
        spreads: (outputs,) standard deviation of the outputs over the sequences.
        top: sequences that are listed.

    Returns:
        `latent`; `module`; `density` (share of positions where it is active) and `sequence_share`; `mean` where
        active and `max`; `usual_position` (1-based, where most of its activation is) and `position_share` (how much);
        `top_sequences`, `top_ids`, `top_positions` (1-based), `top_activations`,
        `top_profiles` (at all positions); `consensus`, `bits`, `windows`;
        `influence`, the largest over outputs of root mean square effect over the output's standard deviation, and
        `influenced`, that output; `effect_OUTPUT`, the mean effect where active; None where nothing was measured.
    """
    rows = []
    count = dictionary.layers * dictionary.latents
    mean, square = measured or (np.full((count, len(outputs)), np.nan), np.zeros((count, len(outputs))))
    shares = square / np.where(spreads > 0, spreads, np.inf)
    for row, name in enumerate(dictionary.names()):
        layer, latent = divmod(row, dictionary.latents)
        matrix, most = matrices.get(name), int(shares[row].argmax())
        rows.append({
            "latent": name,
            "module": dictionary.writes[layer].module,
            **_activity(coded, coded.latents[layer][:, :, latent], top),
            "consensus": matrix.consensus if matrix else "",
            "bits": information(matrix.frequencies) if matrix else None,
            "windows": matrix.sites if matrix else 0,
            "influence": float(shares[row, most]) if measured else None,
            "influenced": outputs[most] if measured else None,
            **{f"effect_{o}": None if np.isnan(v) else float(v) for o, v in zip(outputs, mean[row], strict=True)},
        })  # fmt: skip
    return pa.Table.from_pylist(rows, schema=latent_schema(outputs))


def _activity(coded: Coded, z: np.ndarray, top: int) -> dict[str, Any]:
    """How often, how strongly and where (N, positions) activations of a latent are; see `latent_table`."""
    active, by_position, best = z > 0, z.sum(0), z.max(1)
    order = np.argsort(-best, kind="stable")[:top]
    order, where, ever = order[best[order] > 0], int(by_position.argmax()), bool(active.any())
    return {
        "density": float(active.mean()),
        "sequence_share": float(active.any(1).mean()),
        "mean": float(z[active].mean()) if ever else None,
        "max": float(z.max()) if ever else None,
        "usual_position": where + 1 if ever else None,
        "position_share": float(by_position[where] / by_position.sum()) if ever else None,
        "top_ids": [coded.names[k] for k in order],
        "top_rows": order.tolist(),
        "top_positions": (z[order].argmax(1) + 1).tolist(),
        "top_activations": best[order].astype(float).tolist(),
        "top_profiles": z[order].astype(float).tolist(),
    }


def latent_schema(outputs: Sequence[str]) -> pa.Schema:
    """The columns of `latents.parquet`; see `latent_table`."""
    number, text, whole = pa.float64(), pa.string(), pa.int64()
    kinds = {
        "latent": text, "module": text, "density": number, "sequence_share": number, "mean": number, "max": number,
        "usual_position": whole, "position_share": number, "top_ids": pa.list_(text), "top_rows": pa.list_(whole),
        "top_positions": pa.list_(whole), "top_activations": pa.list_(number),
        "top_profiles": pa.list_(pa.list_(number)), "consensus": text, "bits": number, "windows": whole,
        "influence": number, "influenced": text,
        **{f"effect_{name}": number for name in outputs},
    }  # fmt: skip
    return pa.schema(list(kinds.items()))
