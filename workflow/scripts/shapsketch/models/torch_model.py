"""Models of PyTorch: exported programs, TorchScript, and networks with a file of weights.

Source keys: `layout` and `dtype` of the one-hot input (see `onehot`), or `input: tokens` with its keys (see `tokens`);
`constants`, further inputs that are held; `score` of a language model (see `language`); `device`; `precision` (see
`half`); and one of
- `path` of a program saved by `torch.export.save` (`.pt2`) or `torch.jit.save`;
- `architecture`, a published network of `published`, and `path` of its weights;
- `factory`, `"file.py:function"`, which returns a `torch.nn.Module`, and, optionally, `path` of its weights.
Only the factory runs the user's Python. Weights are read as plain tensors (see `weights`).
"""

import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..sequences.template import Template
from ..settings.errors import InputError
from . import Predictor
from .half import checked, in_half
from .network_input import NetworkInput
from .published import ARCHITECTURES, Counted
from .user_code import import_function, within
from .weights import SAVED, file_kind, find_state_dict, fit, load_plain, read_tensors, read_weights

if TYPE_CHECKING:
    import torch


def load(source: Mapping[str, Any], template: Template, outputs: Sequence[str]) -> Predictor:
    """Return a predictor of the network.

    Raises:
        InputError: the network cannot be loaded, or takes other inputs than one and the constants.
    """
    import torch

    module, device = load_network(source)
    given = NetworkInput.read(source, template)
    batch, dtype, names = _declared_input(module)
    dtype = dtype or getattr(torch, source.get("dtype", "float32"))
    constants = {name: torch.from_numpy(values).to(device) for name, values in given.constants.items()}
    for name, values in constants.items():
        constants[name] = values.to(dtype) if values.is_floating_point() else values
    lacking = [name for name in constants if names and name not in names]
    if lacking or (names and len(names) > 1 + len(constants)):
        raise InputError(
            f"{source['path']} takes the inputs {', '.join(names)}; hold all but one of them constant, by its name: "
            "constants: {NAME: ...}."
        )
    forward: Callable[..., Any] = module
    if "factory" in source:  # imports within the network's own code
        forward = within(source["factory"], lambda *x, **others: module(*x, **others))

    def answer(x: torch.Tensor) -> Any:
        others = {name: values.expand(len(x), *values.shape) for name, values in constants.items()}
        if names:  # a program knows its inputs by their places
            return plain(forward(*[others.get(name, x) for name in names]))
        return plain(forward(x, **others))

    def ask(inputs: np.ndarray) -> Any:
        x = moved(inputs, device)
        x = x.to(dtype) if x.is_floating_point() else x
        with torch.inference_mode():
            if batch is None or not len(x):
                return answer(x)
            full = torch.cat([x, x[-1:].expand(-len(x) % batch, *x.shape[1:])])
            return _first_rows([answer(part) for part in torch.split(full, batch)], len(x))

    if source.get("precision") == "half":
        half, full = given.predictor(in_half(ask, device)), given.predictor(ask)
        return checked(half, full, template, str(source.get("path") or source.get("factory")))
    return given.predictor(ask)


def moved(inputs: np.ndarray, device: "torch.device") -> "torch.Tensor":
    """Return (N, ...) inputs as a tensor of a device, (N, ...).

    To CUDA they go from pinned memory, which is copied while the GPU still works.
    """
    import torch

    x = torch.from_numpy(inputs)
    return x.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else x.to(device)


def _declared_input(module: "torch.nn.Module") -> "tuple[int | None, torch.dtype | None, list[str]]":
    """The batch that an exported program is fixed to, the numbers that it takes, and the names of its inputs."""
    import torch

    if not isinstance(module, torch.fx.GraphModule):
        return None, None, []
    nodes = [node for node in module.graph.nodes if node.op == "placeholder"]
    tensors = [node.meta.get("val") for node in nodes]
    names = [str(node.target) for node in nodes]
    if not tensors or not all(isinstance(tensor, torch.Tensor) and tensor.ndim for tensor in tensors):
        return None, None, names
    size = tensors[0].shape[0]
    dtype = next((tensor.dtype for tensor in tensors if tensor.is_floating_point()), None)
    return size if isinstance(size, int) else None, dtype, names


def _first_rows(parts: list[Any], rows: int) -> Any:
    """Put the answers of full batches together, and drop those that only filled the last."""
    if isinstance(parts[0], Mapping):
        return {name: _first_rows([part[name] for part in parts], rows) for name in parts[0]}
    return np.concatenate(parts)[:rows]


def load_network(source: Mapping[str, Any]) -> "tuple[torch.nn.Module, torch.device]":
    """Load the network onto its device; return both.

    Torch runs on one thread: shards are the parallelism, and sums keep their order.
    """
    import torch

    torch.set_num_threads(1)
    device = find_device(source.get("device", "cpu"))
    if "factory" in source:
        module = _from_factory(source).to(device).eval()
    elif "architecture" in source:
        module = _published(source).to(device, getattr(torch, source.get("dtype", "float32"))).eval()
    else:
        module = _saved_program(source["path"], device)
    return module, device


def find_device(name: str) -> "torch.device":
    """Return the device a config names, with arithmetic that agrees with the processor's and is the same when repeated.

    Args:
        name: `cpu`, `cuda`, `cuda:1`, or `auto` (the first CUDA device, if there is one).

    Raises:
        InputError: there is no such device.
    """
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    device = torch.device(name)
    if device.type == "cuda":
        if (device.index or 0) >= torch.cuda.device_count():
            raise InputError(f"The device {name} is not here: PyTorch sees {torch.cuda.device_count()} CUDA devices.")
        torch.backends.cuda.matmul.allow_tf32 = False  # which would cost three decimals
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.deterministic = True
    return device


def plain(result: Any) -> Any:
    """Return tensors as arrays of at least single precision; by name where they have names, by number where several.

    Raises:
        InputError: the numbers are complex.
    """
    import torch

    if isinstance(result, torch.Tensor):
        if result.is_complex():
            raise InputError("A torch model returned complex numbers; real ones are needed.")
        result = result.detach()
        return (result if result.element_size() > 2 else result.float()).cpu().numpy()
    if hasattr(result, "_asdict"):
        result = result._asdict()
    elif is_dataclass(result) and not isinstance(result, (type, Mapping)):
        result = {entry.name: getattr(result, entry.name) for entry in fields(result)}
    elif isinstance(result, (tuple, list)):
        if len(result) == 1:
            return plain(result[0])
        result = dict(enumerate(result))
    if isinstance(result, Mapping):
        tensors = {name: plain(part) for name, part in result.items() if isinstance(part, torch.Tensor)}
        if tensors:
            return tensors
    raise InputError(f"A torch model returned a {type(result).__name__}; a tensor, or tensors by name, is needed.")


def _from_factory(source: Mapping[str, Any]) -> "torch.nn.Module":
    import torch

    module = import_function(source["factory"])()
    if not isinstance(module, torch.nn.Module):
        raise InputError(f"The factory {source['factory']} returned a {type(module).__name__}, not a torch.nn.Module.")
    if "path" in source:
        fit(source["path"], source["factory"], module, read_tensors(source["path"]))
    numbers = {t.dtype for t in (*module.parameters(), *module.buffers()) if t.is_floating_point()}
    if numbers & {torch.float16, torch.bfloat16} or "16" in source.get("dtype", ""):
        module = module.to(getattr(torch, source.get("dtype", "float32")))
    return module


def _published(source: Mapping[str, Any]) -> "torch.nn.Module":
    name = source["architecture"]
    if name not in ARCHITECTURES:
        raise InputError(f"The architecture {name!r} is not one of {', '.join(ARCHITECTURES)}.")
    weights = Counted(read_weights(source["path"]))
    try:
        module = ARCHITECTURES[name](weights)
    except KeyError as error:
        raise InputError(f"{source['path']} has no array {error}, which the architecture {name} needs.") from error
    except (ValueError, RuntimeError, IndexError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{source['path']} does not fit the architecture {name}: {reason}.") from error
    if rest := sorted(set(weights) - weights.read):
        raise InputError(f"{source['path']} has the array {rest[0]!r}, which the architecture {name} does not have.")
    return module


def _saved_program(path: str, device: "torch.device") -> "torch.nn.Module":
    import torch
    from torch.export.passes import move_to_device_pass

    _refuse_weights(path)
    if refuse_pickles(path):
        try:
            return torch.jit.load(path, map_location=device).eval()  # type: ignore[no-untyped-call]
        except Exception as error:
            raise _unreadable(path, "TorchScript program", error) from error
    program = _exported_program(path)
    return (program if device.type == "cpu" else move_to_device_pass(program, device)).module()


def _refuse_weights(path: str) -> None:
    """Say what to add where a file holds a network's weights and not the network.

    Raises:
        InputError: it does.
    """
    kind = file_kind(path)
    if kind == "torch":
        content = load_plain(path)
        try:
            weights = find_state_dict(content)
        except ValueError as error:
            raise InputError(f"{path} {error}.") from error
        if not weights:
            raise InputError(f"{path} holds a {type(content).__name__} without weights; a saved program is needed.")
        where, tensors = weights
        name = f"a state_dict{f' (under {where!r})' if where else ''}"
    elif kind in ("safetensors", "npz"):
        name, tensors = "a file of weights", read_tensors(path)
    elif kind == "" and path.endswith((".pt", ".pth", ".ckpt", ".bin")):
        raise InputError(f"{path} {SAVED}.")
    else:
        return
    raise InputError(
        f"{path} is {name} ({len(tensors)} tensors, the first {next(iter(tensors), '')!r}), not the network itself: "
        'add factory: "file.py:function", a function without arguments that returns the torch.nn.Module which takes '
        "them, or save the whole network with torch.export.save."
    )


def _exported_program(path: str) -> "torch.export.ExportedProgram":
    """Load a program that `refuse_pickles` has let through."""
    import torch

    try:
        return torch.export.load(path)
    except Exception as error:
        raise _unreadable(path, "exported program", error) from error


def _unreadable(path: str, kind: str, error: Exception) -> InputError:
    import torch

    reason = " ".join(str(error).split())[:300]
    return InputError(f"{path} is no {kind} that this PyTorch ({torch.__version__}) reads: {reason}.")


def declared_input_shape(path: str) -> tuple[int | None, ...] | None:
    """Return the shape of a sequence that an exported program declares.

    Returns:
        The sizes of the axes after that of the batch, None for a free one; None where nothing is declared (TorchScript,
        weights), or the program takes more than one input.

    Raises:
        InputError: the file is missing, damaged, or holds no saved program.
    """
    if file_kind(path) != "program" or refuse_pickles(path):
        return None
    shape = _input_shape(_exported_program(path))
    return None if shape is None else shape[1:]


def _input_shape(program: "torch.export.ExportedProgram") -> tuple[int | None, ...] | None:
    """The sizes of a program's one input, the batch's included; None for a free one."""
    inputs = program.graph_signature.user_inputs
    if len(inputs) != 1:
        return None
    value = next(n.meta["val"] for n in program.graph.nodes if n.op == "placeholder" and n.name == inputs[0])
    return tuple(size if isinstance(size, int) else None for size in value.shape)


def refuse_pickles(path: str) -> bool:
    """Check that no member of a saved program would run code when it is unpickled.

    `torch.export.load` falls back to full unpickling for members that the safe reader refuses, so
    each such member is read by the safe reader here first. TorchScript's own reader knows no Python.

    Returns:
        Whether the file is TorchScript.

    Raises:
        InputError: the file is missing, is no saved program, or holds anything but plain tensors.
    """
    import torch

    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if any("/code/" in name for name in names) and any(name.endswith("/constants.pkl") for name in names):
                return True
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
    return False
