"""Models in the ONNX format, run by onnxruntime.

Source keys: `path`; `layout` of the one-hot input (see `onehot`), whose number type is the file's own, or `input:
tokens` with its keys (see `tokens`); `constants`, further inputs that are held; `score`; `device`. Where the file has
several outputs, the config's `outputs` name those that are wanted. A file that fixes the number of sequences of a batch
is asked about so many at a time.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..sequences.template import Template
from ..settings.dependencies import onnx_data_files
from ..settings.errors import InputError
from . import Predictor
from .answers import select_names
from .network_input import NetworkInput
from .tokens import repeated

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

DTYPES = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(float16)": "float16"}
TOKEN_TYPES = {"tensor(int64)": "int64", "tensor(int32)": "int32", "tensor(uint8)": "uint8"}


def load(source: Mapping[str, Any], template: Template, outputs: Sequence[str]) -> Predictor:
    """Return a predictor of the file's network.

    Raises:
        InputError: the file is no network that onnxruntime reads, or takes other inputs than one and the constants.
    """
    session = _open(source["path"], source.get("device", "cpu"))
    given = NetworkInput.read(source, template)
    inputs = {entry.name: entry for entry in session.get_inputs()}
    types = DTYPES if given.tokens is None else TOKEN_TYPES
    free = [entry for name, entry in inputs.items() if name not in given.constants]
    if len(free) != 1 or free[0].type not in types or not set(given.constants) <= set(inputs):
        described = ", ".join(f"{i.name} {i.type}" for i in inputs.values())
        kind = "whole" if given.tokens else "floating-point"
        hint = "; hold the others constant, by their names: constants: {NAME: ...}" if len(inputs) > 1 else ""
        raise InputError(f"{source['path']} takes the inputs {described}; one of {kind} numbers is needed{hint}.")
    (entry,) = free
    constants = {
        name: values.astype((DTYPES | TOKEN_TYPES).get(inputs[name].type, values.dtype))
        for name, values in given.constants.items()
    }
    names = [output.name for output in session.get_outputs()]
    chosen = source.get("select", {})
    wanted = [name for name in select_names(outputs, chosen) if name in names]
    asked = names if len(wanted) < len(select_names(outputs, chosen)) else wanted
    size = entry.shape[0] if entry.shape and isinstance(entry.shape[0], int) and entry.shape[0] > 0 else None

    def ask(x: np.ndarray) -> Any:
        x = x.astype(types[entry.type], copy=False)
        held = {name: repeated(values, len(x)) for name, values in constants.items()}
        results = session.run(asked, {entry.name: x, **held})
        return results[0] if len(names) == 1 and not chosen else dict(zip(asked, results, strict=True))

    return given.predictor(ask if size is None else in_batches_of(size, ask), DTYPES.get(entry.type))


def in_batches_of(size: int, ask: Callable[[np.ndarray], Any]) -> Predictor:
    """Return a predictor for any number of sequences from one for so many; the last batch is filled up."""

    def predict(codes: np.ndarray) -> Any:
        answers = []
        for start in range(0, len(codes), size):
            batch = codes[start : start + size]
            filled = np.concatenate([batch, np.repeat(batch[:1], size - len(batch), 0)])
            answers.append(_cut(ask(filled), size, len(batch)))
        if isinstance(answers[0], Mapping):
            return {name: _join([answer[name] for answer in answers]) for name in answers[0]}
        return _join(answers)

    return predict


def _cut(answer: Any, size: int, count: int) -> Any:
    """The first of the rows of an answer, if it has as many as it should."""
    if isinstance(answer, Mapping):
        return {name: _cut(part, size, count) for name, part in answer.items()}
    part = np.reshape(answer, 1) if size == 1 and np.ndim(answer) == 0 else answer
    return part[:count] if len(part) == size else part


def _join(parts: Sequence[Any]) -> Any:
    return np.concatenate(parts) if isinstance(parts[0], np.ndarray) else [row for part in parts for row in part]


def declared_input_shape(path: str) -> tuple[int | None, ...] | None:
    """Return the sizes of the axes of a sequence that an ONNX file declares, None for a free one."""
    inputs = _open(path, "cpu").get_inputs()
    shape = inputs[0].shape if len(inputs) == 1 else None
    return tuple(size if isinstance(size, int) and size > 0 else None for size in shape[1:]) if shape else None


def _open(path: str, device: str) -> "InferenceSession":
    """Open a session, on one thread."""
    import onnxruntime

    if not Path(path).is_file():
        raise InputError(f"The model file {path} does not exist.")
    onnx_data_files(path)  # each is there, and beside the model
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # shards are the parallelism
    options.log_severity_level = 3
    providers = _providers(device, onnxruntime.get_available_providers())
    try:
        session = onnxruntime.InferenceSession(path, options, providers=providers)
    except Exception as error:
        reason = " ".join(str(error).split()).rstrip(".")
        older = (
            f": this onnxruntime ({onnxruntime.__version__}) is older than it; export it with a lower opset_version"
            if re.search("opset|IR version", reason)
            else ""
        )
        raise InputError(f"{path} is no ONNX model that onnxruntime reads{older} ({reason[:300]}).") from error
    return session


def _providers(device: str, available: Sequence[str]) -> list[Any]:
    kind, _, index = device.partition(":")
    if kind == "auto":
        kind = "cuda" if "CUDAExecutionProvider" in available else "cpu"
    if kind == "cpu":
        return ["CPUExecutionProvider"]
    if "CUDAExecutionProvider" not in available:
        raise InputError(
            f"The device {device} is not here: this onnxruntime has {', '.join(available)}; install onnxruntime-gpu."
        )
    return [("CUDAExecutionProvider", {"device_id": int(index or 0), "use_tf32": 0}), "CPUExecutionProvider"]
