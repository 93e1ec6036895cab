"""Seals: a small file beside the files of a shard that says what they hold and what they were made from.

A shard of an explanation is several tables. Its seal is written last, so a sealed shard is whole; the hashes in
the seal find every change of a byte since.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from ..settings.errors import InputError, UnusableError
from .files import read_json, sha256_file, write_json


def write_seal(path: str | Path, made_from: str, files: Iterable[str | Path]) -> None:
    """Seal files that lie in the seal's own folder.

    Args:
        path: the seal.
        made_from: a hash of everything that determines the files.
        files: the files, all of them written.
    """
    write_json(path, {"made_from": made_from, "files": {Path(file).name: sha256_file(file) for file in files}})


def is_sealed(path: str | Path, made_from: str) -> bool:
    """Whether a seal is there, its files are made from this, and none of them has changed since."""
    try:
        return _check(Path(path)).get("made_from") == made_from
    except InputError:
        return False


def check_seals(paths: Iterable[str | Path]) -> None:
    """Check every file of every seal.

    The files of a broken seal are removed, so that the next run of the workflow makes them anew, and only them.

    Raises:
        InputError: a file is missing or damaged.
    """
    seals, reasons = list(map(Path, paths)), []
    for path in seals:
        try:
            _check(path)
        except UnusableError as error:
            reasons.append(str(error))
            for file in path.parent.glob(f"{path.name.removesuffix('.json')}.*"):
                file.unlink()
    if reasons:
        raise InputError(
            f"{reasons[0]} {len(reasons)} of {len(seals)} shards cannot be used and were removed; "
            "run the same command again, which makes them anew."
        )


def _check(path: Path) -> Mapping[str, str]:
    """The content of a seal whose files are all as they were."""
    if not path.exists():
        raise UnusableError(f"{path} does not exist.")
    try:
        content = read_json(path)
        files = dict(content["files"])
    except (InputError, KeyError, TypeError, ValueError) as error:
        raise UnusableError(f"{path} is damaged ({error}).") from error
    for name, sha256 in files.items():
        file = path.with_name(Path(name).name)
        if not file.exists():
            raise UnusableError(f"{file} does not exist.")
        if sha256_file(file) != sha256:
            raise UnusableError(f"{file} is damaged: its content does not match its SHA-256.")
    return content
