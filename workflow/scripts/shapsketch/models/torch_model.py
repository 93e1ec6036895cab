"""Models saved by PyTorch: exported programs (`.pt2`).

Source keys: `path`; `layout`, how the one-hot input is laid out: `channels_first` (N, q, n),
`channels_last` (N, n, q) or `flat` (N, n * q, position-major); `dtype`, `float32` or `float64`.
"""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from ..template import Template
from . import Predictor


def load(source: Mapping[str, Any], template: Template, outputs: Sequence[str]) -> Predictor:
    """Load an exported program for the processor.

    Torch runs on one thread: shards are the parallelism, and sums keep their order.
    """
    import torch

    path = source["path"]
    refuse_pickles(path)
    torch.set_num_threads(1)
    try:
        module = torch.export.load(path).module()
    except Exception as error:
        raise InputError(f"{path} is not a program exported by this PyTorch ({torch.__version__}): {error}.") from error
    layout, dtype = source["layout"], getattr(torch, source["dtype"])
    letters = torch.eye(template.alphabet.q, dtype=dtype)

    def predict(codes: np.ndarray) -> np.ndarray:
        onehot = letters[torch.from_numpy(codes.astype(np.int64))]
        if layout == "channels_first":
            onehot = onehot.transpose(1, 2).contiguous()
        elif layout == "flat":
            onehot = onehot.flatten(1)
        with torch.inference_mode():
            result = module(onehot)
        if not isinstance(result, torch.Tensor):
            raise TypeError(f"it returned a {type(result).__name__}, not a tensor")
        return result.to(torch.float64).numpy()

    return predict


def refuse_pickles(path: str) -> None:
    """Check that no member of a `.pt2` archive would run code when it is unpickled.

    `torch.export.load` falls back to full unpickling for members that the safe reader refuses, so
    each such member is read by the safe reader here first.

    Raises:
        InputError: the file is missing, is no archive, or holds anything but plain tensors.
    """
    import torch

    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            members = [name for name in names if name.endswith((".pt", ".pkl"))]
            for config in (n for n in names if n.endswith("_config.json")):
                folder = config.rpartition("/")[0]
                payloads = json.loads(archive.read(config)).get("config", {}).values()
                members += [f"{folder}/{p['path_name']}" for p in payloads if p.get("use_pickle")]
            objects = [n for n in names if "custom_obj" in n or "opaque_obj" in n]
            if objects or len(set(names)) < len(names):
                raise InputError(f"{path} holds more than plain tensors ({(objects or names)[0]}) and is not opened.")
            for member in members:
                try:
                    torch.load(io.BytesIO(archive.read(member)), weights_only=True)
                except Exception as error:
                    raise InputError(
                        f"{path} holds a pickle that could run code when opened ({member}) and is not opened; "
                        "export the model again with torch.export.save."
                    ) from error
    except FileNotFoundError:
        raise InputError(f"The model file {path} does not exist.") from None
    except (zipfile.BadZipFile, IsADirectoryError, ValueError, AttributeError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{path} is not an exported PyTorch program (.pt2); save the model with torch.export.save."
        ) from error
