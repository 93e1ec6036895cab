"""Models in the ONNX format, run by onnxruntime.

Source keys: `path`; `layout` of the one-hot input (see `onehot`), whose number type is the file's own;
`device`. Where the file has several outputs, the config's `outputs` name those that are wanted.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..template import Template
from . import Predictor
from .onehot import onehot_encoder

DTYPES = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(float16)": "float16"}


def load(source: Mapping[str, Any], template: Template, outputs: Sequence[str]) -> Predictor:
    """Open a session with one input, on one thread."""
    import onnxruntime

    path = source["path"]
    if not Path(path).is_file():
        raise InputError(f"The model file {path} does not exist.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # shards are the parallelism
    options.log_severity_level = 3
    providers = _providers(source.get("device", "cpu"), onnxruntime.get_available_providers())
    try:
        session = onnxruntime.InferenceSession(path, options, providers=providers)
    except Exception as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path} is no ONNX model that onnxruntime reads: {reason}.") from error
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type not in DTYPES:
        described = ", ".join(f"{i.name} {i.type}" for i in inputs)
        raise InputError(f"{path} takes the inputs {described}; one of floating-point numbers is needed.")
    encode = onehot_encoder({**source, "dtype": DTYPES[inputs[0].type]}, template)
    names = [output.name for output in session.get_outputs()]

    def predict(codes: np.ndarray) -> Any:
        results = session.run(None, {inputs[0].name: encode(codes)})
        return results[0] if len(names) == 1 else dict(zip(names, results, strict=True))

    return predict


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
