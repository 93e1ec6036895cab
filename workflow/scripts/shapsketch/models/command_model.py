"""Models that are programs, such as one in another environment.

Source keys: `command`, split into words as a shell would; `timeout`, seconds per batch. The program reads
one sequence per line on standard input and writes one line per sequence, its outputs separated by tabs,
commas or spaces. It is started once per batch. This kind runs the user's program.
"""

import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..sequences.template import Template
from ..settings.errors import InputError
from . import Predictor


def load(source: Mapping[str, Any], template: Template, outputs: Sequence[str]) -> Predictor:
    """Return a predictor that runs the program on each batch.

    Raises:
        InputError: there is no such program.
    """
    words = shlex.split(source["command"])
    if not words or shutil.which(words[0]) is None:
        raise InputError(f"The model command {source['command']!r} names no program that can be run here.")

    def predict(codes: np.ndarray) -> np.ndarray:
        text = "".join(f"{sequence}\n" for sequence in template.alphabet.decode(codes))
        done = subprocess.run(
            words, input=text, capture_output=True, text=True, timeout=source.get("timeout"), check=False
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise RuntimeError(f"exit status {done.returncode}: {last}")
        return _read_values(done.stdout.strip("\n").split("\n"), None if source.get("select") else len(outputs))

    return predict


def _read_values(lines: list[str], outputs: int | None) -> np.ndarray:
    """(lines, outputs) float64; as many outputs as the first line has, where columns are chosen of them."""
    rows = [re.split(r"[,\s]+", line.strip()) for line in lines]
    outputs = len(rows[0]) if outputs is None else outputs
    for number, row in enumerate(rows, 1):
        if len(row) != outputs:
            raise ValueError(f"line {number} of its output has {len(row)} values where {outputs} are needed")
    return np.array(rows, np.float64)
