"""Weights as plain tensors by name, from files that cannot run code."""

import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..settings.errors import InputError
from ..storage.files import load_npz

if TYPE_CHECKING:
    import torch

NESTED = ("state_dict", "model_state_dict", "model")  # where training frameworks put the weights
SAVED = "is no file of torch.save, or is damaged; save the network's state_dict alone"
Tensors = dict[str, "torch.Tensor"]


def read_weights(path: str) -> dict[str, np.ndarray]:
    """Read weights as arrays; see `read_tensors`."""
    return {name: tensor.numpy() for name, tensor in read_tensors(path).items()}


def read_tensors(path: str) -> Tensors:
    """Read weights.

    Args:
        path: safetensors, `.npz`, or a dictionary of tensors saved by `torch.save`, which is read with
            `weights_only`, alone or inside a checkpoint. What the file is, its first bytes tell.

    Returns:
        Tensors on the processor without gradients: numbers of half or less precision, and quantised ones, as float32.

    Raises:
        InputError: the file is missing, damaged, of another kind, or holds more than plain tensors.
    """
    match file_kind(path):
        case "safetensors":
            tensors = _safetensors(path)
        case "npz":
            tensors = {name: _from_array(path, name, array) for name, array in load_npz(path).items()}
        case "torch":
            tensors = _state_dict(path, load_plain(path))
        case "script" | "program" as kind:
            what = "a TorchScript" if kind == "script" else "an exported"
            raise InputError(f"{path} is {what} program, which needs no factory and no architecture; leave them out.")
        case _:
            raise InputError(f"{path} holds no weights: it is neither safetensors nor .npz, and {SAVED}.")
    return {name: _plain(path, name, tensor) for name, tensor in tensors.items()}


def file_kind(path: str) -> str:
    """Tell by its first bytes what a file is: safetensors, npz, torch, script, program, or something else ("").

    Raises:
        InputError: the file is missing, or a folder.
    """
    if Path(path).is_dir():
        raise InputError(f"{path} is a folder, and a file is needed.")
    if not Path(path).is_file():
        raise InputError(f"The model file {path} does not exist.")
    with open(path, "rb") as handle:
        head = handle.read(16)
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= Path(path).stat().st_size:
        return "safetensors"
    if head[:1] == b"\x80":  # a pickle: how torch.save wrote before version 1.6
        return "torch"
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return ""
    if any("/code/" in name for name in names) and any(name.endswith("/constants.pkl") for name in names):
        return "script"
    if any(name.endswith(("/data.pkl", "/data.pt")) for name in names):
        return "torch"
    return "npz" if names and all(name.endswith(".npy") for name in names) else "program"


def load_plain(path: str) -> Any:
    """Return what torch.save wrote, if it holds nothing but tensors and plain values.

    Raises:
        InputError: it holds more, and is not opened, or is damaged.
    """
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of old formats
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file can raise anything
        named = re.search(r"GLOBAL ([\w.]+)", str(error))
        if named:
            raise InputError(
                f"{path} holds an object of the class {named[1]}, which could run code when opened, and is not opened; "
                "save the network's state_dict alone: torch.save(network.state_dict(), 'm.pth')."
            ) from error
        raise InputError(f"{path} {SAVED}.") from error


def find_state_dict(content: Any) -> tuple[str, Mapping[str, Any]] | None:
    """Find the weights in what torch.save wrote.

    Returns:
        Where they lie (empty where the file is nothing else) and the tensors by name; None where there are none.

    Raises:
        ValueError: there are several.
    """
    if _is_state_dict(content):
        return "", content
    if not isinstance(content, Mapping):
        return None
    inside = {str(key): part for key, part in content.items() if _is_state_dict(part)}
    preferred = [key for key in NESTED if key in inside] or list(inside)
    twins = [key for key in inside if preferred and set(inside[key]) == set(inside[preferred[0]])]
    rivals = list(dict.fromkeys([*preferred, *twins]))
    if len(rivals) > 1:
        raise ValueError(f"holds several sets of weights ({', '.join(rivals)}); save the one that you mean alone")
    if preferred:
        return preferred[0], inside[preferred[0]]
    for key, part in content.items():
        if isinstance(part, Mapping) and (inner := find_state_dict(part)):
            return f"{key}.{inner[0]}".rstrip("."), inner[1]
    return None


def _is_state_dict(content: Any) -> bool:
    import torch

    if not isinstance(content, Mapping) or not content:
        return False
    tensors = [isinstance(v, torch.Tensor) for k, v in content.items() if not str(k).endswith("_extra_state")]
    return all(isinstance(key, str) for key in content) and bool(tensors) and all(tensors)


def _state_dict(path: str, content: Any) -> Tensors:
    import torch

    try:
        weights = find_state_dict(content)
    except ValueError as error:
        raise InputError(f"{path} {error}.") from error
    if weights:
        return dict(weights[1])
    what = f"holds a {type(content).__name__}"
    if isinstance(content, Mapping):
        odd = next((k for k, v in content.items() if not isinstance(v, torch.Tensor)), None)
        what = "is empty" if odd is None else f"holds {odd!r}, a {type(content[odd]).__name__}"
    raise InputError(f"{path} is not a state_dict: it {what}, and tensors by name are needed.")


def _safetensors(path: str) -> Tensors:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, KeyError, ValueError) as error:
        raise InputError(f"{path} is not a safetensors file that can be read ({error}).") from error


def _from_array(path: str, name: str, array: np.ndarray) -> "torch.Tensor":
    import torch

    if array.dtype.kind not in "biufc":
        raise InputError(f"The array {name!r} of {path} holds {array.dtype}, and numbers are needed.")
    return torch.from_numpy(array.astype(array.dtype.newbyteorder("="), copy=False))


def _plain(path: str, name: str, tensor: Any) -> "torch.Tensor":
    """A tensor as dense numbers of a type that every operation knows."""
    import torch

    if not isinstance(tensor, torch.Tensor):
        raise InputError(f"{name!r} of {path} is a {type(tensor).__name__}, and tensors are needed.")
    try:
        tensor = tensor.detach()
        tensor = tensor.dequantize() if tensor.is_quantized else tensor
        tensor = tensor if tensor.layout == torch.strided else tensor.to_dense()
        if tensor.dtype == torch.complex32:
            tensor = tensor.to(torch.complex64)
        if tensor.is_floating_point() and tensor.dtype not in (torch.float32, torch.float64):
            tensor = tensor.float()
        return tensor.cpu().resolve_conj().resolve_neg().contiguous()
    except (RuntimeError, NotImplementedError) as error:
        reason = " ".join(str(error).split())[:150].rstrip(".")
        raise InputError(
            f"The tensor {name!r} of {path} ({tensor.dtype}, {tensor.layout}) cannot be read as numbers: {reason}."
        ) from error


def fit(path: str, owner: str, module: "torch.nn.Module", tensors: Tensors) -> None:
    """Put weights into a network: all of them, and into all of it.

    The names may begin as those of DataParallel (`module.`), of torch.compile (`_orig_mod.`) or of an attribute that
    held the network in training (`model.`).

    Raises:
        InputError: a tensor is missing, left over, of another shape, or of another kind of number.
    """
    wanted = module.state_dict(keep_vars=True)
    tensors = _renamed(tensors, set(wanted))
    shared = {_place(wanted[name]) for name in tensors if name in wanted} - {None}
    missing = [name for name in wanted if name not in tensors and _place(wanted[name]) not in shared]
    unexpected = [name for name in tensors if name not in wanted]
    both = [name for name in tensors if name in wanted and hasattr(wanted[name], "dtype")]
    wrong = [n for n in both if not _is_lazy(wanted[n]) and tensors[n].shape != wanted[n].shape]
    kinds = [n for n in both if not wrong and _number(tensors[n]) != _number(wanted[n])]
    problems = []
    if missing:
        problems.append(f"Missing key {_first(missing)}")
    if unexpected:
        problems.append(f"{'u' if missing else 'U'}nexpected key {_first(unexpected)}")
    if wrong:
        shapes = [tuple(part[wrong[0]].shape) for part in (tensors, wanted)]
        problems.append(f"the shape of {_first(wrong)} is {shapes[0]} in the file and {shapes[1]} in the network")
    if kinds:
        dtypes = [str(part[kinds[0]].dtype).removeprefix("torch.") for part in (tensors, wanted)]
        problems.append(f"the tensor {_first(kinds)} holds {dtypes[0]} in the file and {dtypes[1]} in the network")
    if problems:
        raise InputError(f"{path} does not fit the network of {owner}: {'; '.join(problems)}.")
    try:
        module.load_state_dict(tensors, strict=False)
    except (RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:300].rstrip(".")
        raise InputError(f"{path} does not fit the network of {owner}: {reason}.") from error


def _renamed(tensors: Tensors, wanted: set[str]) -> Tensors:
    """Names without what was before the network's own, where that makes them fit."""
    if any("_orig_mod." in name for name in tensors) and not any("_orig_mod." in name for name in wanted):
        tensors = {name.replace("_orig_mod.", ""): tensor for name, tensor in tensors.items()}
    shorter = tensors
    while len(heads := {name.partition(".")[0] for name in shorter}) == 1 and not wanted & set(shorter):
        if not all("." in name for name in shorter):
            break
        shorter = {name.removeprefix(f"{next(iter(heads))}."): tensor for name, tensor in shorter.items()}
    return shorter if wanted & set(shorter) else tensors


def _place(tensor: Any) -> Any:
    """Where a tensor lies: tied ones are saved once."""
    if not hasattr(tensor, "data_ptr") or _is_lazy(tensor):
        return None
    return (tensor.data_ptr(), tuple(tensor.shape)) if tensor.numel() else None


def _is_lazy(tensor: Any) -> bool:
    from torch.nn.parameter import is_lazy

    return is_lazy(tensor)


def _number(tensor: "torch.Tensor") -> str:
    """Whole, real or complex: what one holds, the other would lose."""
    return "complex" if tensor.is_complex() else "real" if tensor.is_floating_point() else "whole"


def _first(names: list[str]) -> str:
    return repr(names[0]) + (f" and {len(names) - 1} more" if len(names) > 1 else "")
