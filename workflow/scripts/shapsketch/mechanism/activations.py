"""Activations: what named modules of a network take and give, for many sequences, as files of tensors.

A shard is a safetensors file with the letters of its sequences and, for each site, the (rows, positions, width)
vectors. Shards follow one another; whatever reads them sees one long array.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..models.hooked_network import HookedNetwork
from ..models.sites import Site
from ..sequences.background import Background
from ..sequences.rng import ACTIVATION_STREAM, random_words
from ..settings.errors import InputError, UnusableError
from ..storage.files import atomic_path

if TYPE_CHECKING:
    import torch

Pool = Literal["none", "mean", "max"]
Precision = Literal["float16", "float32"]
CODES = "codes"


def draw(background: Background, seed: int, start: int, stop: int) -> np.ndarray:
    """Return sequences start..stop-1 of a background's endless list, as (N, n) uint8 alphabet codes."""
    template = background.template
    return template.to_alphabet(background.draw(random_words(seed, ACTIVATION_STREAM, start, stop, template.n)))


def collect(
    network: HookedNetwork,
    codes: np.ndarray,
    sites: Sequence[Site],
    *,
    batch: int = 1024,
    pool: Pool = "none",
    precision: Precision = "float32",
    progress: Callable[[int], object] = lambda count: None,
) -> dict[str, np.ndarray]:
    """Run the network and keep what its modules take and give.

    Args:
        network: the network.
        codes: (N, n) uint8 alphabet codes.
        sites: what is kept.
        batch: sequences of a run.
        pool: `mean` or `max` over the positions; `none` keeps them all.
        precision: of the numbers.
        progress: called with the sequences of each run.

    Returns:
        By the sites' keys (N, positions, width) arrays, one position where they are pooled.

    Raises:
        InputError: a number is not finite, or too large for float16.
    """
    import torch

    kept: dict[str, list[np.ndarray]] = {site.key: [] for site in sites}
    with network.watched(sites) as seen, torch.no_grad():
        for start in range(0, len(codes), batch):
            part = codes[start : start + batch]
            network.run(network.onehot(part))
            for site in sites:
                vectors = pooled(seen[site.key], pool).cpu().to(getattr(torch, precision)).contiguous().numpy()
                if not np.isfinite(vectors).all():
                    row = int(np.argwhere(~np.isfinite(vectors))[0, 0])
                    raise InputError(
                        f"The module {site.module!r} of {network.name} has a number that is not finite in {precision} "
                        f"for the sequence {network.template.alphabet.decode(part[row : row + 1])[0]}."
                    )
                kept[site.key].append(vectors)
            progress(len(part))
    return {key: np.concatenate(parts) for key, parts in kept.items()}


def pooled(vectors: "torch.Tensor", pool: Pool) -> "torch.Tensor":
    """Return (N, positions, width) vectors, or (N, 1, width) of them, averaged or at their largest."""
    if pool == "none":
        return vectors
    return vectors.mean(1, keepdim=True) if pool == "mean" else vectors.amax(1, keepdim=True)


def size_in_bytes(sites: Sequence[Site], count: int, pool: Pool, precision: Precision) -> int:
    """Return the bytes that the activations of so many sequences take on disk, letters apart."""
    numbers = sum(site.width * (site.positions if pool == "none" else 1) for site in sites)
    return count * numbers * (2 if precision == "float16" else 4)


def write_shard(path: str | Path, arrays: dict[str, np.ndarray], codes: np.ndarray, record: dict[str, Any]) -> None:
    """Write a shard; the same arrays give the same bytes.

    Args:
        path: the file.
        arrays: of `collect`.
        codes: (N, n) uint8 alphabet codes.
        record: what they are of, see `Activations`.
    """
    from safetensors.numpy import save

    with atomic_path(path) as temporary:
        arrays = {CODES: codes, **arrays}
        # arrays in another order would be written wrongly, without a word
        arrays = {key: np.ascontiguousarray(array) for key, array in arrays.items()}
        temporary.write_bytes(save(arrays, {"shapsketch": json.dumps(record, sort_keys=True)}))


def describe(sites: Sequence[Site], model: Any, pool: Pool) -> dict[str, Any]:
    """Return what a shard says of itself: the sites, the identity of the model, and how positions were pooled."""
    return {"sites": [asdict(site) for site in sites], "model": model, "pool": pool}


@dataclass(frozen=True)
class Activations:
    """All shards of the activations of one model.

    Attributes:
        paths: the files, in order.
    """

    paths: tuple[str, ...]

    @cached_property
    def _open(self) -> list[Any]:
        from safetensors import SafetensorError, safe_open

        files = []
        for path in self.paths:
            try:
                files.append(safe_open(path, framework="numpy"))
            except FileNotFoundError:
                raise InputError(f"{path} does not exist.") from None
            except SafetensorError as error:
                raise UnusableError(f"{path} is damaged or no safetensors file ({error}).") from error
        return files

    @cached_property
    def record(self) -> dict[str, Any]:
        """What the shards say of themselves; see `describe`.

        Raises:
            InputError: they are of several models, or are no activations.
        """
        records = []
        for path, file in zip(self.paths, self._open, strict=True):
            text = (file.metadata() or {}).get("shapsketch")
            if text is None:
                raise InputError(f"{path} is no file of activations that this workflow has written.")
            records.append(json.loads(text))
            if records[-1] != records[0]:
                raise InputError(f"{path} has activations of another model or other modules than {self.paths[0]}.")
        return records[0]

    def check_model(self, model: Any) -> None:
        """Refuse activations of another model.

        Args:
            model: the identity of the model that they should be of.

        Raises:
            InputError: they are of another one.
        """
        if self.record["model"] != json.loads(json.dumps(model)):
            raise InputError(f"{self.paths[0]} has the activations of another model; collect them again.")

    @property
    def sites(self) -> list[Site]:
        """What was kept."""
        return [Site(**site) for site in self.record["sites"]]

    @cached_property
    def rows(self) -> list[int]:
        """The sequences of each shard."""
        return [file.get_slice(CODES).get_shape()[0] for file in self._open]

    @property
    def count(self) -> int:
        """The number of sequences."""
        return sum(self.rows)

    def read(self, key: str, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Return rows start..stop-1 of a site, (rows, positions, width) float32, or of `codes`, (rows, n) uint8.

        Raises:
            InputError: no such site was kept.
        """
        stop = self.count if stop is None else min(stop, self.count)
        if key != CODES and key not in [site.key for site in self.sites]:
            raise InputError(
                f"{self.paths[0]} has no activations of {key}; it has {', '.join(site.key for site in self.sites)}."
            )
        parts, first = list[np.ndarray](), 0
        for file, rows in zip(self._open, self.rows, strict=True):
            low, high = max(start - first, 0), min(stop - first, rows)
            first += rows
            if low < high:
                parts.append(file.get_slice(key)[low:high])
        whole = np.concatenate(parts) if parts else self._open[0].get_slice(key)[:0]
        return whole if key == CODES else whole.astype(np.float32)
