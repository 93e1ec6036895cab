"""Files of spectra: all outputs of a model in one .npz, without pickles."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import count, pairwise
from pathlib import Path

import numpy as np

from ..sequences.alphabet import Alphabet
from ..sequences.background import Background
from ..sequences.template import Template
from ..settings.errors import InputError
from ..storage.files import load_npz, save_npz
from .spectrum import Spectrum
from .terms import Terms, plain_phases
from .trains import Train

VERSIONS = (1, 2, 3)  # 2 has trains, 3 a Markov background; a file without is written as one of before
_SHARED = ("version", "alphabet", "template", "background", "outputs", "provenance")
_STORED = {  # attributes of the terms, by their names in a file
    "offsets": "offsets",
    "positions": "positions",
    "table_offsets": "table_offsets",
    "tables": "tables",
    "wave_offsets": "fourier_offsets",
    "amplitudes": "amplitudes",
    "frequency_offsets": "frequency_offsets",
    "frequencies": "frequencies",
}


def save_spectra(path: str | Path, spectra: Sequence[Spectrum]) -> None:
    """Write the spectra of all outputs of one model to an .npz, atomically and without pickles."""
    first = spectra[0]
    arrays: dict[str, np.ndarray] = {
        "version": np.array(_version(spectra)),
        "alphabet": np.array(first.template.alphabet.letters),
        "template": np.array(first.template.pattern),
        "background": first.background.probabilities,
        "outputs": np.array([s.output for s in spectra]),
        "provenance": np.array([json.dumps(dict(s.provenance), sort_keys=True) for s in spectra]),
    }
    if first.background.transitions is not None:
        arrays["transitions"] = first.background.transitions
    if first.near is not None:
        arrays["near"] = first.near
    for k, spectrum in enumerate(spectra):
        arrays[f"{k}/intercept"] = np.array(spectrum.intercept)
        arrays |= {f"{k}/{name}": getattr(spectrum.terms, attribute) for name, attribute in _STORED.items()}
        for j, train in enumerate(spectrum.trains):
            stored = _train_arrays(train, first.background.is_product)
            arrays |= {f"{k}/trains/{j}/{name}": array for name, array in stored.items()}
    save_npz(path, arrays)


def load_spectra(path: str | Path) -> dict[str, Spectrum]:
    """Read all spectra of a file, by output.

    Raises:
        InputError: the file is damaged, is no spectrum, or is of another version.
    """
    arrays = load_npz(path)
    if not set(_SHARED) <= set(arrays) or int(arrays["version"]) not in VERSIONS:
        raise InputError(f"{path} is not a spectrum of version {', '.join(map(str, VERSIONS))}.")
    template = Template(Alphabet(str(arrays["alphabet"])), str(arrays["template"]))
    background = Background(template, arrays["background"], arrays.get("transitions"))
    spectra = {}
    for k, output in enumerate(arrays["outputs"].tolist()):
        terms = Terms(
            sizes=template.sizes,
            **{attribute: arrays[f"{k}/{name}"] for name, attribute in _STORED.items()},
            phases=plain_phases(template.sizes),
        )
        spectra[output] = Spectrum(
            background,
            output,
            float(arrays[f"{k}/intercept"]),
            terms,
            json.loads(str(arrays["provenance"][k])),
            tuple(_read_trains(arrays, f"{k}/trains", background)),
            arrays.get("near"),
        )
    return spectra


def _version(spectra: Sequence[Spectrum]) -> int:
    if not spectra[0].background.is_product:
        return 3
    return 2 if any(spectrum.trains for spectrum in spectra) else 1


def _train_arrays(train: Train, is_product: bool) -> dict[str, np.ndarray]:
    """What a file holds of a train; means follow from the cores of a product background."""
    bonds = list(pairwise(train.ranks))
    arrays = {
        "cores": np.concatenate([core[:, :a, :b].ravel() for core, (a, b) in zip(train.cores, bonds, strict=True)]),
        "ranks": train.ranks,
        "nodes": np.array(train.nodes),
        "scale": np.array(train.scale),
    }
    if not is_product:
        means = [mean[:a, :b].ravel() for mean, (a, b) in zip(train.means, bonds, strict=True)]
        arrays["means"] = np.concatenate(means)
    return arrays


def _read_trains(arrays: Mapping[str, np.ndarray], place: str, background: Background) -> Iterator[Train]:
    """The trains of an output, in their order."""
    probabilities = [background.local[i] for i in background.template.free.tolist()]
    for number in count():
        if f"{place}/{number}/cores" not in arrays:
            return
        stored = {name: arrays[f"{place}/{number}/{name}"] for name in ("cores", "ranks", "nodes", "scale")}
        cores = _matrices(stored["cores"], stored["ranks"], max(map(len, probabilities)))
        if background.is_product:
            means = np.stack([np.tensordot(p, core[: len(p)], 1) for p, core in zip(probabilities, cores, strict=True)])
        else:
            means = _matrices(arrays[f"{place}/{number}/means"], stored["ranks"], 1)[:, 0]
        yield Train(cores, means, stored["ranks"], int(stored["nodes"]), float(stored["scale"]))


def _matrices(flat: np.ndarray, ranks: np.ndarray, letters: int) -> np.ndarray:
    """(n, letters, k, k) matrices out of their own entries, in order; zeros fill up."""
    width, start = int(ranks.max()), 0
    matrices = np.zeros((len(ranks) - 1, letters, width, width))
    for i, (rows, columns) in enumerate(pairwise(ranks.tolist())):
        stop = start + letters * rows * columns
        matrices[i, :, :rows, :columns] = flat[start:stop].reshape(letters, rows, columns)
        start = stop
    return matrices
