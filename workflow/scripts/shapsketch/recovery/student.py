"""Students: networks that learnt the model from its budgeted values and are asked for free, and their file."""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..settings.errors import InputError
from ..spectrum.scale import Scale
from ..storage.files import load_npz, save_npz
from .networks import Architecture, Network, device, encode

SEQUENCES_AT_ONCE = 2048  # per call
STUDENTS_VERSION = 7


@dataclass(frozen=True)
class Student:
    """A weighted sum of networks for one output, in the model's units.

    Attributes:
        architectures: of the networks.
        networks: the networks; those of all outputs of a model are the same ones.
        weights: their weights.
        output: which of the networks' outputs it is.
        mean, scale: undo the standardisation of the values.
        positions: (p,) int64, the positions that the networks see.
        features: (p, m, w) float32, of each letter at each of them: one-hot, and the properties of amino acids.
    """

    architectures: tuple[Architecture, ...]
    networks: tuple[Network, ...]
    weights: tuple[float, ...]
    output: int
    mean: float
    scale: float
    positions: np.ndarray
    features: np.ndarray

    def predict(self, codes: np.ndarray, threads: int = 1) -> np.ndarray:
        """Return (N,) float64 values at (N, n) uint8 local codes."""
        return predict_all([self], codes, threads)[:, 0]

    def in_units(self, scale: Scale) -> "Student":
        """Return a student of standardised values as one of the values themselves."""
        return replace(self, mean=scale.centre + scale.unit * self.mean, scale=scale.unit * self.scale)


def predict_all(
    students: Sequence[Student],
    codes: np.ndarray,
    threads: int = 1,
    finished: Callable[[int], object] = lambda sequences: None,
) -> np.ndarray:
    """Return the (N, outputs) float64 values of students that share their networks, at (N, n) uint8 local codes."""
    first = students[0]
    features = torch.from_numpy(first.features)
    numbers = {id(network): k for s in students for k, network in enumerate(s.networks) if s is first}
    weights = np.zeros((len(first.networks), len(students)))
    for o, student in enumerate(students):
        for network, weight in zip(student.networks, student.weights, strict=True):
            weights[numbers[id(network)], o] = weight
    columns = [student.output for student in students]
    means, scales = (np.array([getattr(s, name) for s in students]) for name in ("mean", "scale"))

    def ask(start: int) -> np.ndarray:
        x = encode(codes[start : start + SEQUENCES_AT_ONCE, first.positions], features).to(device())
        total = np.zeros((len(x), len(students)))
        with torch.inference_mode():
            for network, shares in zip(first.networks, weights, strict=True):
                if shares.any():
                    total += shares * network(x).cpu().numpy()[:, columns].astype(np.float64)
        finished(len(x))
        return total

    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(ask, range(0, len(codes), SEQUENCES_AT_ONCE)))
    return means + scales * np.concatenate([np.empty((0, len(students))), *parts])


def save_students(path: str | Path, students: Mapping[str, Student | None]) -> None:
    """Write the students of a model's outputs to an .npz, atomically and without pickles; shared networks once."""
    arrays: dict[str, np.ndarray] = {"version": np.array(STUDENTS_VERSION)}
    numbers: dict[int, int] = {}
    for output, student in students.items():
        if student is None:
            continue
        for architecture, network in zip(student.architectures, student.networks, strict=True):
            if id(network) not in numbers:
                number = numbers[id(network)] = len(numbers)
                about = {"architecture": asdict(architecture), "outputs": network.outputs}
                arrays[f"networks/{number}/about"] = np.array(json.dumps(about))
                arrays |= {
                    f"networks/{number}/{name}": p.detach().cpu().numpy() for name, p in network.named_parameters()
                }
        about = {
            "networks": [numbers[id(network)] for network in student.networks],
            "weights": student.weights,
            "output": student.output,
            "mean": student.mean,
            "scale": student.scale,
        }
        arrays[f"{output}/about"] = np.array(json.dumps(about))
        arrays[f"{output}/positions"] = student.positions
        arrays[f"{output}/features"] = student.features
    save_npz(path, arrays)


def load_students(path: str | Path) -> dict[str, Student]:
    """Read the students of a model's outputs; outputs that needed none are not there.

    Raises:
        InputError: the file is damaged or of another version.
    """
    arrays = load_npz(path)
    if int(arrays.get("version", -1)) != STUDENTS_VERSION:
        raise InputError(f"{path} is not a file of students of version {STUDENTS_VERSION}.")
    made: dict[int, tuple[Architecture, Network]] = {}
    students = {}
    for output in (key.removesuffix("/about") for key in arrays if key.endswith("/about") and key.count("/") == 1):
        about = json.loads(str(arrays[f"{output}/about"]))
        positions, features = (arrays[f"{output}/{name}"] for name in ("positions", "features"))
        for number in about["networks"]:
            if number not in made:
                made[number] = _read_network(arrays, number, features)
        chosen = [made[number] for number in about["networks"]]
        students[output] = Student(
            tuple(architecture for architecture, _ in chosen),
            tuple(network for _, network in chosen),
            tuple(about["weights"]),
            about["output"],
            about["mean"],
            about["scale"],
            positions,
            features,
        )
    return students


def _read_network(arrays: Mapping[str, np.ndarray], number: int, features: np.ndarray) -> tuple[Architecture, Network]:
    about = json.loads(str(arrays[f"networks/{number}/about"]))
    settings: dict[str, Any] = about["architecture"]
    settings |= {key: tuple(settings[key]) for key in ("channels", "widths", "dense")}
    settings.setdefault("latent", not settings["channels"])  # before recovery 21
    architecture = Architecture(**settings)
    network = Network(len(features), features.shape[2], about["outputs"], architecture)
    for name, parameter in network.named_parameters():
        parameter.data.copy_(torch.from_numpy(arrays[f"networks/{number}/{name}"]))
    return architecture, network.eval().to(device())
