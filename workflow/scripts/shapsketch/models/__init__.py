"""Models: letters in, numbers out, whatever the model is made of.

A model kind is a module of this package with one function
`load(source, template, outputs) -> Predictor`, where a predictor maps (N, n) uint8 alphabet codes to
(N, outputs) or (N,) numbers, or to a mapping with such numbers under the names of the model's own outputs.
A kind whose files declare the shape of a sequence may have a function
`declared_input_shape(path) -> tuple[int | None, ...] | None`.
Adding a kind is adding a module and a line to `KINDS`.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, TypedDict

import numpy as np

from ..sequences.alphabet import UNKNOWN_CODE
from ..sequences.template import Template
from ..settings.errors import InputError, ModelError
from ..settings.outputs import transform_words
from ..settings.sources import ORIGIN, complete, fold_sources, named_files
from ..settings.versions import READERS
from ..storage.files import sha256_file
from .answers import Outputs, WrongRowsError
from .selection import Axes
from .transforms import domain_of, transform_of

Predictor = Callable[[np.ndarray], Any]
KINDS = {
    "torch": "torch_model",
    "onnx": "onnx_model",
    "keras_h5": "keras_model",
    "trees": "trees_model",
    "python": "python_model",
    "command": "command_model",
    "table": "table_model",
    "builtin": "builtin_model",
    "latents": "latents_model",
}
IN_MEMORY = {"callable": "callable_model"}  # kinds that a config cannot name


class ModelIdentity(TypedDict, total=False):
    """What makes a model this model; what is empty is a model of no file, as a game of masks.

    Attributes:
        source: as in the config, without where it was downloaded from.
        reader: the version of how its kind of file is read.
        files: SHA-256 by the name of each file.
    """

    source: dict[str, object]
    reader: int
    files: dict[str, str]


class Model:
    """A model ready to be asked, which counts what it is asked and checks what it answers.

    A batch that fails is halved and asked again, down to one sequence: that helps where memory ran out
    or the model takes fewer sequences, and finds the first sequence that it cannot take. A size that
    ran out of memory is not tried again. A wrong number of rows is always an error.

    Args:
        source: the model's `source` in the config: `kind`, and what that kind needs.
        template: the template; its length is the length of every input.
        outputs: the names of the outputs, in the model's order, or those wanted of a model that names them.
        batch_size: sequences per call of the model, at most.

    Attributes:
        source: as it was given.
        folds: the model's folds, each a model of its own; empty where it has none. The model is their mean, of outputs
            that are averaged over both strands and transformed before.
        evaluations: the number of sequences answered so far; the average over both strands is one, and so is that
            over all folds.
        reads_unknown: whether codes outside the alphabet (N) may be asked.

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
        kinds = KINDS | IN_MEMORY
        if kind not in kinds:
            raise InputError(f"The model kind {kind!r} is not one of {', '.join(KINDS)}.")
        module = import_module(f".{kinds[kind]}", __name__)
        self.name = _name(source)
        self.folds: list[Model] = []
        self.source = source
        self.template = template
        self.outputs = tuple(outputs)
        self.batch_size = batch_size
        self._fits = batch_size  # what has not run out of memory
        self.evaluations = 0
        self.reads_unknown = "unknown_letters" in source or "unknown" in source.get("tokens", {})
        self._both_strands = bool(source.get("reverse_complement"))
        if self._both_strands and template.alphabet.kind not in ("DNA", "RNA"):
            raise InputError(f"reverse_complement needs DNA or RNA, and the alphabet is {template.alphabet.letters}.")
        self._choose = Outputs(self.name, self.outputs, source.get("select", {}), Axes.read(source.get("axes")))
        self._transforms = [source.get("select", {}).get(name, {}).get("transform") for name in self.outputs]
        if "folds" in source:
            self.folds = [Model(fold, template, outputs, batch_size) for fold in fold_sources(source)]
            return
        self._predict: Predictor = module.load(source, template, self.outputs)

    def __call__(self, codes: np.ndarray) -> np.ndarray:
        """Evaluate the model.

        Args:
            codes: (N, n) uint8 alphabet codes; `UNKNOWN_CODE` for N, where the model reads it.

        Returns:
            (N, outputs) float64, finite.

        Raises:
            InputError: the model raised, or returned a wrong number of rows or outputs, or a value
                that is not finite; the sentence names the first offending sequence.
        """
        if self.folds:
            return self.by_fold(codes).mean(0)
        unknown = np.argwhere(codes >= self.template.alphabet.q)
        if len(unknown) and not self.reads_unknown:
            raise InputError(
                f"The model {self.name} was asked about a sequence with an unknown letter at position "
                f"{unknown[0, 1] + 1}; declare unknown_letters in its source, if it knows any."
            )
        batches = []
        for start in range(0, len(codes), self.batch_size):
            batch = codes[start : start + self.batch_size]
            values = self._answer(batch)
            if self._both_strands:
                values = (values + self._answer(self._reverse_complement(batch))) / 2
            self.evaluations += len(batch)
            self._check_finite(batch, values)
            batches.append(self._transformed(batch, values))
        return np.concatenate([np.empty((0, len(self.outputs))), *batches])

    def by_fold(self, codes: np.ndarray) -> np.ndarray:
        """Return what each fold answers: (folds, N, outputs) float64; of a model without folds, one."""
        if not self.folds:
            return self(codes)[None]
        values = np.stack([fold(codes) for fold in self.folds])
        self.evaluations += len(codes)
        return values

    def _transformed(self, codes: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Values on the scales that the config wants."""
        for output, spec in enumerate(self._transforms):
            if spec is None:
                continue
            moved = transform_of(spec)(values[:, output])
            bad = np.flatnonzero(~np.isfinite(moved))
            if bad.size:
                raise InputError(
                    f"The model {self.name} returned {values[bad[0], output]:g} in output {self.outputs[output]!r} for "
                    f"the sequence {self.text(codes[bad[0]])}; the transform {transform_words(spec)} takes "
                    f"{domain_of(spec)}."
                )
            values[:, output] = moved
        return values

    def _reverse_complement(self, codes: np.ndarray) -> np.ndarray:
        complement = np.append(self.template.alphabet.complement, UNKNOWN_CODE).astype(np.uint8)
        return complement[np.minimum(codes, len(complement) - 1)][:, ::-1]

    def _answer(self, codes: np.ndarray) -> np.ndarray:
        """Ask; halve what fails."""
        count = len(codes)
        if count <= self._fits:
            try:
                return self._rows(codes)
            except InputError:
                raise
            except WrongRowsError as error:
                raise self._first_wrong(codes, error) from error
            except Exception as error:
                if count == 1:
                    raise ModelError(
                        f"The model {self.name} {_describe(error)} on the sequence {self.text(codes[0])}."
                    ) from error
                if _is_out_of_memory(error):
                    self._fits = -(-count // 2)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # sys.exit, or a panic of a library in another language
                raise ModelError(f"The model {self.name} {_describe(error)} when it was asked.") from error
        half = -(-count // 2)
        return np.concatenate([self._answer(codes[:half]), self._answer(codes[half:])])

    def _rows(self, codes: np.ndarray) -> np.ndarray:
        """Ask once; (N, outputs) float64."""
        return self._choose(self._predict(codes), len(codes))

    def _first_wrong(self, codes: np.ndarray, error: WrongRowsError) -> InputError:
        """The sentence for the shortest batch that is found to give a wrong number of rows."""
        halves = [codes]
        while halves:
            half = halves.pop(0)
            try:
                self._rows(half)
            except WrongRowsError as shorter:
                codes, error = half, shorter
                halves = [part for part in np.array_split(half, 2) if 0 < len(part) < len(half)]
        return InputError(f"The model {self.name} {error}, of which the first is {self.text(codes[0])}.")

    def _check_finite(self, codes: np.ndarray, values: np.ndarray) -> None:
        bad = np.argwhere(~np.isfinite(values))
        if len(bad):
            row, output = bad[0]
            raise InputError(
                f"The model {self.name} returned {values[row, output]} in output {self.outputs[output]!r} "
                f"for the sequence {self.text(codes[row])}."
            )

    def text(self, codes: np.ndarray) -> str:
        """Return a sequence of (n,) codes as letters."""
        letters = self.template.alphabet.letters + self.template.alphabet.wildcard
        return "".join(letters[min(int(c), len(letters) - 1)] for c in codes)


def identity(source: Mapping[str, Any], located: Mapping[str, Any] | None = None) -> ModelIdentity:
    """Return what makes a model this model: its source, how that is read, and the SHA-256 of each of its files.

    Args:
        source: as in the config; `complete`, if it is located elsewhere.
        located: the same with its files where they lie on this machine, if that is elsewhere.
    """
    source = source if located else complete(source)
    files = zip(named_files(source), named_files(located or source), strict=True)
    return {
        "source": {
            key: getattr(value, "__qualname__", str(value)) if callable(value) else value
            for key, value in source.items()
            if key not in ORIGIN
        },
        "reader": READERS.get(source["kind"], 1),
        "files": {name: sha256_file(path) for name, path in files},
    }


def _name(source: Mapping[str, Any]) -> str:
    """What sentences call a model."""
    if "folds" in source:
        return ", ".join(map(_name, fold_sources(source)))
    keys = ("path", "target", "command", "function", "factory")
    named = next((source[key] for key in keys if source.get(key)), source["kind"])
    if callable(named):
        return str(getattr(named, "__qualname__", type(named).__name__))
    return named if isinstance(named, str) else ", ".join(named)


def _describe(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"called sys.exit({'' if error.code is None else error.code})"
    if isinstance(error, Exception) and _is_out_of_memory(error):
        return "ran out of memory"
    reason = " ".join(str(error).split()) or "no message"
    return f"raised {type(error).__name__} ({reason})"


def _is_out_of_memory(error: Exception) -> bool:
    """Whether the processor's or the device's memory ran out; each runtime says so in its own words."""
    text = str(error).lower()
    words = ("out of memory", "failed to allocate", "can't allocate", "cannot allocate", "unable to allocate")
    return isinstance(error, MemoryError) or any(word in text for word in words)
