"""What a model's `source` in the config names: its files, where they come from, and which outputs are taken."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from .dependencies import needed_files
from .errors import InputError
from .outputs import change_axis_files
from .records import Source

# keys that say where a model comes from, and what it is checked by; they do not make it another one
ORIGIN = (
    "accept_license", "catalogue", "convert", "downloads", "license", "mirror", "reference", "sha256", "size", "url",
)  # fmt: skip

# kinds that answer the same sequence the same, whatever else is asked: they need no first look
STEADY = ("table", "trees", "builtin")


@dataclass(frozen=True)
class Download:
    """A file to bring.

    Attributes:
        file: its name in `resources/models/MODEL/`.
        urls: its addresses, the preferred one first; local paths too.
        sha256: 64 hex digits; empty where nobody has recorded them.
        size: bytes, or None where it is not declared.
    """

    file: str
    urls: tuple[str, ...]
    sha256: str
    size: int | None = None


def source_files(source: Source) -> list[str]:
    """Return every file that a model's values depend on: those it names, and those that they need in turn.

    Raises:
        InputError: an ONNX model's data file is missing.
    """
    named = named_files(source)
    return named + [file for file in _needed_files(source) if file not in named]


def fold_sources(source: Source) -> list[dict[str, Any]]:
    """Return the source of each of a model's `folds`, which say what differs from it; itself where it has none."""
    if "folds" not in source:
        return [dict(source)]
    shared = {key: value for key, value in source.items() if key != "folds"}
    return [{**shared, **({"path": fold} if isinstance(fold, str) else fold)} for fold in source["folds"]]


def _needed_files(source: Source) -> list[str]:
    """What the files that a source names need in turn, of all folds."""
    return list(dict.fromkeys(file for fold in fold_sources(source) for file in needed_files(fold)))


def complete(source: Source) -> dict[str, Any]:
    """Return the source with all of its `source_files` named: those it needs in turn are in `files`."""
    named = named_files(source)
    needed = [file for file in _needed_files(source) if file not in named]
    return {**source, "files": [*source.get("files", []), *needed]} if needed else dict(source)


def named_files(source: Source) -> list[str]:
    """Return the files that a model source names: its weights or tables, its user's code, and names of axes."""
    files: list[str] = []
    _each_file(source, lambda file: files.append(file) or file)  # type: ignore[func-returns-value]
    return files


def locate(source: Source, files: str | Sequence[str] | None) -> dict[str, Any]:
    """Return the source with its files where they lie on this machine: elsewhere, if there is no shared disk.

    Args:
        source: as in the config, and `complete`.
        files: the files of `named_files`, in its order; one alone may be given as it is.
    """
    paths = iter([files] if isinstance(files, str) else files or [])
    return _each_file(source, lambda file: next(paths))


def _each_file(source: Source, change: Callable[[str], str]) -> dict[str, Any]:
    """The source with each of the files that it names changed, always in the same order."""
    changed = dict(source)
    if path := source.get("path"):
        changed["path"] = change(path) if isinstance(path, str) else [change(file) for file in path]
    if "config" in source:
        changed["config"] = change(source["config"])
    if "dictionary" in source:
        changed["dictionary"] = change(source["dictionary"])
    for key in ("target", "factory"):
        if key in source:
            file, _, name = source[key].rpartition(":")
            changed[key] = f"{change(file)}:{name}"
    if "folds" in source:
        changed["folds"] = [
            change(fold) if isinstance(fold, str) else _each_file(fold, change) for fold in source["folds"]
        ]
    if isinstance(vocabulary := source.get("tokens", {}).get("vocabulary"), str):
        changed["tokens"] = {**source["tokens"], "vocabulary": change(vocabulary)}
    if "constants" in source:
        held = source["constants"].items()
        changed["constants"] = {name: change(value) if isinstance(value, str) else value for name, value in held}
    if "axes" in source:
        changed["axes"] = change_axis_files(source["axes"], change)
    if "files" in source:
        changed["files"] = [change(file) for file in source["files"]]
    return changed


def downloads(source: Source) -> list[Download]:
    """Return what must be brought for a source; nothing where the user names a path of their own.

    Raises:
        InputError: an address names no file, or two downloads have one name.
    """
    if "path" in source:
        return []
    entries = list(source.get("downloads", []))
    if "url" in source:
        entries = [{key: source[key] for key in ("url", "sha256", "size") if key in source}]
    brought = [_download(entry, source) for entry in entries]
    names = [download.file for download in brought]
    for name in names:
        if names.count(name) > 1:
            raise InputError(
                f"Two downloads of a model's source are both called {name}; give each its own name: file: ..."
            )
    return brought


def _download(entry: Mapping[str, Any], source: Source) -> Download:
    urls = [entry["url"]] if isinstance(entry["url"], str) else list(entry["url"])
    file = entry.get("file") or PurePosixPath(urls[0].partition("?")[0]).name
    if file in ("", ".", ".."):
        raise InputError(f"The address {urls[0]} of a model's source names no file.")
    if "mirror" in source:
        urls.insert(0, f"{source['mirror'].rstrip('/')}/{file}")
    sums = source.get("sha256", {})
    sha256 = sums.get(file, entry.get("sha256", "")) if isinstance(sums, Mapping) else sums
    return Download(file, tuple(urls), sha256, entry.get("size"))


def local_source(source: Source, folder: str) -> dict[str, Any]:
    """Return the source without its origin, with `path` where its files lie, or will lie, in a folder.

    Args:
        source: as in the config, the catalogue's entry filled in.
        folder: of the model's downloads, such as `resources/models/NAME`.
    """
    files = [download.file for download in downloads(source)]
    if "convert" in source and files:
        files = [source["convert"]["file"]]
    paths = [f"{folder}/{file}" for file in files]
    local = {"path": paths[0] if len(paths) == 1 else paths} if paths else {}
    return {key: value for key, value in source.items() if key not in ORIGIN} | local


def with_outputs(source: Source, outputs: Sequence[str] | Mapping[str, Any]) -> dict[str, Any]:
    """Return the source with `select`, what each output is, where the config's `outputs` say so."""
    return {**source, "select": dict(outputs)} if isinstance(outputs, Mapping) else dict(source)


def safe_name(text: str) -> str:
    """Return a name that may stand in files and columns, made of the text of another."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_-") or "value"


def outputs_line(outputs: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the line of the config that takes outputs so, as in `outputs: {p: {of: "dense/Sigmoid:0", column: 1}}`."""
    specs = []
    for name, spec in outputs.items():
        pairs = (f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in spec.items())
        specs.append(f"{name}: {{{', '.join(pairs)}}}")
    return f"outputs: {{{', '.join(specs)}}}"
