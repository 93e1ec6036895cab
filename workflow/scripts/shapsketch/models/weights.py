"""Weights as plain arrays by name, from files that cannot run code."""

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..files import load_npz

NESTED = ("state_dict", "model_state_dict", "model")  # where training frameworks put the weights


def read_weights(path: str) -> dict[str, np.ndarray]:
    """Read weights.

    Args:
        path: `.safetensors`, `.npz`, or a dictionary of tensors saved by `torch.save` (`.pt`, `.pth`, `.ckpt`,
            `.bin`), which is read with `weights_only`.

    Raises:
        InputError: the file is missing, damaged, of another kind, or holds more than plain arrays.
    """
    if not Path(path).is_file():
        raise InputError(f"The weights file {path} does not exist.")
    match Path(path).suffix:
        case ".npz":
            return load_npz(path)
        case ".safetensors":
            return _safetensors(path)
        case ".pt" | ".pth" | ".ckpt" | ".bin":
            return _torch_tensors(path)
    raise InputError(f"The weights file {path} is not of a known kind; use .safetensors, .npz, .pt, .pth or .ckpt.")


def _safetensors(path: str) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise InputError(f"{path} is not a safetensors file ({error}).") from error


def _torch_tensors(path: str) -> dict[str, np.ndarray]:
    import torch

    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise InputError(
            f"{path} holds more than plain tensors, or is no file of torch.save, and is not opened; "
            "save the network's state_dict alone."
        ) from error
    for key in NESTED:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(isinstance(v, torch.Tensor) for v in content.values()):
        raise InputError(f"{path} is not a state_dict: tensors by name are needed.")
    return {name: tensor.numpy() for name, tensor in content.items()}
