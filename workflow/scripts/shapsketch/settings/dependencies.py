"""The files that a model reads beside those that the config names, found without running or loading anything.

They belong to the model's identity and to Snakemake's inputs: where one changes, the model is another one. Runs in
Snakemake's own process too, so it imports nothing heavy.
"""

import ast
import mmap
import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from .errors import InputError
from .records import Source

# Where ONNX's messages hold further messages: by message, the numbers of the fields and what these are.
ONNX_FIELDS: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}


def needed_files(source: Source) -> list[str]:
    """Return the files that a model reads beside those its source names, each once.

    ONNX files name their data files. Of Python code (a `target` or a `factory`) these are the modules and packages in
    the folder of its file that it imports, and those that they import. Of a command, every file that is a word of it,
    and what a Python program among them imports; the interpreter or program on the PATH is none of them.

    Args:
        source: as in the config; what is not there yet needs nothing.

    Raises:
        InputError: a data file of an ONNX model is missing, or outside of the model's folder.
    """
    needed: list[str] = []
    path = source.get("path")
    if source["kind"] == "onnx" and isinstance(path, str) and Path(path).is_file():
        needed += onnx_data_files(path)
    for key in ("target", "factory"):
        file = source.get(key, "").rpartition(":")[0]
        if file and Path(file).is_file():
            needed += imported_files(file)
    if "command" in source:
        needed += command_files(source["command"])
    return list(dict.fromkeys(needed))


def onnx_data_files(path: str) -> list[str]:
    """Return the files beside an ONNX model in which its tensors lie, in their order of appearance.

    A damaged file has none: the runtime tells what is wrong with it.

    Raises:
        InputError: a file is missing, or would lie outside of the model's folder.
    """
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            names = list(dict.fromkeys(_locations(data, 0, len(data), "model")))
    except (ValueError, IndexError, OSError):
        return []
    files = []
    for name in names:
        place = Path(os.path.normpath(name.replace("\\", "/")))
        if place.is_absolute() or ".." in place.parts or ":" in place.parts[0]:
            raise InputError(f"{path} keeps tensors in {name}, which is outside of its own folder, and is not opened.")
        weights = Path(path).parent / place
        if not weights.is_file():
            raise InputError(
                f"The file {weights}, in which {path} keeps its weights, does not exist; put it beside the model."
            )
        files.append(str(weights))
    return files


def _locations(data: mmap.mmap, start: int, stop: int, message: str) -> Iterator[str]:
    """The names of data files in one message of ONNX."""
    inner = ONNX_FIELDS[message]
    for field, first, last in _fields(data, start, stop):
        kind = inner.get(field)
        if kind == "entry":
            pair = {number: data[a:b].decode() for number, a, b in _fields(data, first, last)}
            if pair.get(1) == "location":
                yield pair.get(2, "")
        elif kind:
            yield from _locations(data, first, last, kind)


def _fields(data: mmap.mmap, at: int, stop: int) -> Iterator[tuple[int, int, int]]:
    """The fields of a protobuf message that are messages, texts or bytes: number, start and end."""
    while at < stop:
        key, at = read_varint(data, at)
        match key & 7:  # the wire type
            case 0:
                _, at = read_varint(data, at)
            case 1:
                at += 8
            case 5:
                at += 4
            case 2:
                length, at = read_varint(data, at)
                if at + length > stop:
                    raise ValueError("a field is longer than its message")
                yield key >> 3, at, at + length
                at += length
            case _:
                raise ValueError("no protobuf")


def read_varint(data: "bytes | mmap.mmap", at: int) -> tuple[int, int]:
    """Return a number of protobuf in groups of seven bits, the lowest first, and the place after it."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def import_roots(path: str | Path) -> list[Path]:
    """Return the folders that a Python file's imports start from: its own, and where it is a link, the real file's.

    The folder is the file's, as in `python file.py`; of a file that uses relative imports, the one that holds its
    package.
    """
    real = Path(path).resolve()
    folders = [_import_root(Path(path))]
    return folders + ([_import_root(real)] if Path(path).is_symlink() and real.is_file() else [])


def _import_root(path: Path) -> Path:
    if not any(level for _, _, level in _imports(path)):
        return path.parent
    root = path.absolute().parent.parent
    while (root / "__init__.py").is_file():
        root = root.parent
    return root if path.is_absolute() else Path(os.path.relpath(root))


def imported_files(path: str) -> list[str]:
    """Return the modules and packages beside a Python file that it imports, directly or by one another.

    Found by reading the code: imports anywhere in it count, names that are computed do not. Modules that Python
    has already loaded win over files of their name, so some of these may not be read.
    """
    roots, seen, todo = import_roots(path), [Path(path)], [Path(path)]
    while todo:
        file = todo.pop()
        packages = [file.with_name("__init__.py")] if any(level for _, _, level in _imports(file)) else []
        imported: list[Path] = [package for package in packages if package.is_file()]
        for module, names, level in _imports(file):
            bases = [Path(os.path.normpath(file.parent / Path(*[".."] * (level - 1))))] if level else roots
            imported += next(filter(None, (list(_module_files(base, module, names)) for base in bases)), [])
        for new in dict.fromkeys(imported):
            if new not in seen:
                seen.append(new)
                todo.append(new)
    return sorted(map(str, seen[1:]))


def _imports(path: Path) -> list[tuple[str, list[str], int]]:
    """Module, names and level of every import of a file; none of a file that is no Python."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    imports: list[tuple[str, list[str], int]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports += [(alias.name, [], 0) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            imports.append((node.module or "", [alias.name for alias in node.names], node.level))
    return imports


def _module_files(base: Path, module: str, names: list[str]) -> Iterator[Path]:
    """The files that importing a module, and names of it, reads, as far as they lie in a folder."""
    folder = base
    for part in module.split(".") if module else []:
        yield from (f for f in (folder / f"{part}.py", folder / part / "__init__.py") if f.is_file())
        folder = folder / part
    for name in names if names != ["*"] else []:
        yield from (f for f in (folder / f"{name}.py", folder / name / "__init__.py") if f.is_file())


def command_files(command: str) -> list[str]:
    """Return the files that are words of a command, or stand behind a `=`; and what Python files among them import."""
    try:
        words = shlex.split(command)
    except ValueError:
        return []
    if "-m" in words[1:-1]:  # python -m package.module
        place = Path(*words[words.index("-m") + 1].split("."))
        words += [str(place.with_suffix(".py")), str(place / "__main__.py")]
    files = [part for word in words for part in (word, word.partition("=")[2]) if part and Path(part).is_file()]
    return [path for file in files for path in (file, *(imported_files(file) if file.endswith(".py") else ()))]
