"""Manifests: a small file beside the files of a shard that says what they hold and what they were made from.

A shard of an explanation is several tables. Its manifest is written last, so a complete shard is whole; the hashes in
the manifest find every change of a byte since.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..settings.errors import InputError, UnusableError
from .files import read_json, sha256_file, write_json


def write_manifest(path: str | Path, made_from: str, files: Iterable[str | Path]) -> None:
    """Describe files that lie in the manifest's own folder.

    Args:
        path: the manifest.
        made_from: a hash of everything that determines the files.
        files: the files, all of them written.
    """
    write_json(path, {"made_from": made_from, "files": {Path(file).name: sha256_file(file) for file in files}})


def is_complete(path: str | Path, made_from: str, files: Iterable[str | Path]) -> bool:
    """Whether a manifest is there, it lists these files, made from this, and none of its files has changed since.

    Args:
        path: the manifest.
        made_from: as `write_manifest` takes it.
        files: that are wanted; another setting may want more of them.
    """
    try:
        content = _check(Path(path))
    except InputError:
        return False
    return content["made_from"] == made_from and {Path(file).name for file in files} <= content["files"].keys()


def check_manifests(paths: Iterable[str | Path]) -> None:
    """Check every file of every manifest.

    A broken manifest and the files that it names are removed, so that the next run of the workflow makes them again,
    and only them. Where it cannot be read it goes alone, as nothing tells which files are its own; without it they
    count as not made.

    Raises:
        InputError: a file is missing or damaged.
    """
    manifests, reasons = list(map(Path, paths)), []
    for path in manifests:
        try:
            _check(path)
        except UnusableError as error:
            reasons.append(str(error))
            _remove(path)
    if reasons:
        raise InputError(
            f"{reasons[0]} {len(reasons)} of {len(manifests)} shards cannot be used and were removed; "
            "run the same command again, which makes them again."
        )


def _check(path: Path) -> Mapping[str, Any]:
    """The content of a manifest whose files are all as they were."""
    if not path.exists():
        raise UnusableError(f"{path} does not exist.")
    try:
        content = read_json(path)
        _, files = content["made_from"], _named(path, content)
    except (InputError, KeyError, TypeError, ValueError) as error:
        raise UnusableError(f"{path} is damaged ({error}).") from error
    for file, sha256 in files.items():
        if not file.exists():
            raise UnusableError(f"{file} does not exist.")
        if sha256_file(file) != sha256:
            raise UnusableError(f"{file} is damaged: its content does not match its SHA-256.")
    return content


def _named(path: Path, content: Mapping[str, Any]) -> dict[Path, str]:
    """The files that a manifest's content names, all in its own folder, with their hashes."""
    return {path.with_name(Path(name).name): sha256 for name, sha256 in dict(content["files"]).items()}


def _remove(path: Path) -> None:
    """Remove a manifest and the files that it names, and no other's: those of `1-of-2.answers.json` are not its own."""
    try:
        files = list(_named(path, read_json(path)))
    except (InputError, KeyError, OSError, TypeError, ValueError):
        files = []
    for file in (*files, path):
        file.unlink(missing_ok=True)
