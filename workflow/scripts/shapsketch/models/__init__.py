"""Models: letters in, numbers out, whatever the model is made of.

A model kind is a module of this package with one function
`load(source, template, outputs) -> Predictor`, where a predictor maps (N, n) uint8 alphabet codes to
(N, outputs) or (N,) numbers. Adding a kind is adding a module and a line to `KINDS`.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..files import sha256_file
from ..sources import source_files
from ..template import Template

Predictor = Callable[[np.ndarray], np.ndarray]
KINDS = {"torch": "torch_model", "python": "python_model", "table": "table_model"}


class Model:
    """A model ready to be asked, which counts what it is asked and checks what it answers.

    Args:
        source: the model's `source` in the config: `kind`, and what that kind needs.
        template: the template; its length is the length of every input.
        outputs: the names of the outputs, in the model's order.
        batch_size: sequences per call of the model.

    Attributes:
        evaluations: the number of sequences evaluated so far.

    Raises:
        InputError: the model is missing, damaged, unsafe to read, or of an unknown kind.
    """

    def __init__(
        self,
        source: Mapping[str, Any],
        template: Template,
        outputs: Sequence[str],
        batch_size: int = 1024,
    ) -> None:
        kind = source["kind"]
        if kind not in KINDS:
            raise InputError(f"The model kind {kind!r} is not one of {', '.join(KINDS)}.")
        module = import_module(f".{KINDS[kind]}", __name__)
        self.name = str(source.get("path") or source.get("target"))
        self.template = template
        self.outputs = tuple(outputs)
        self.batch_size = batch_size
        self.evaluations = 0
        self._predict: Predictor = module.load(source, template, self.outputs)

    def __call__(self, codes: np.ndarray) -> np.ndarray:
        """Evaluate the model.

        Args:
            codes: (N, n) uint8 alphabet codes.

        Returns:
            (N, outputs) float64, finite.

        Raises:
            InputError: the model raised, or returned a wrong number of rows or outputs, or a value
                that is not finite; the sentence names the first offending sequence.
        """
        batches = [codes[i : i + self.batch_size] for i in range(0, len(codes), self.batch_size)]
        return np.concatenate([np.empty((0, len(self.outputs))), *map(self._evaluate, batches)])

    def _evaluate(self, codes: np.ndarray) -> np.ndarray:
        self.evaluations += len(codes)
        first = self.template.alphabet.decode(codes[:1])[0]
        try:
            values = np.asarray(self._predict(codes), np.float64)
        except InputError:
            raise
        except Exception as error:
            reason = " ".join(str(error).split()) or "no message"
            raise InputError(
                f"The model {self.name} raised {type(error).__name__} ({reason}) on a batch of "
                f"{len(codes)} sequences that begins with {first}."
            ) from error
        if values.ndim == 1:
            values = values[:, None]
        expected = (len(codes), len(self.outputs))
        if values.shape != expected:
            raise InputError(
                f"The model {self.name} returned an array of shape {values.shape} for {len(codes)} sequences; "
                f"{expected} is needed for the outputs {', '.join(self.outputs)}."
            )
        bad = np.argwhere(~np.isfinite(values))
        if len(bad):
            row, output = bad[0]
            raise InputError(
                f"The model {self.name} returned {values[row, output]} in output {self.outputs[output]!r} "
                f"for the sequence {self.template.alphabet.decode(codes[row : row + 1])[0]}."
            )
        return values


def identity(source: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes a model this model: its source and the SHA-256 of each of its files."""
    return {
        "source": {key: value for key, value in source.items() if key != "url"},
        "files": {Path(path).name: sha256_file(path) for path in source_files(source)},
    }
