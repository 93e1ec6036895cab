"""Files of shards: whole or refused, and searched for what a model was asked before.

A new plan writes its shards over those of the plan before, and a round that is not needed any more writes empty ones. A
shard that is written over is first linked into `earlier/` beside it, so that whichever shard needs its answers finds
them, in whatever order shards are made.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from ..settings.errors import InputError, UnusableError
from ..storage.files import load_npz, sha256_json
from .plan import Plan

SKETCH_VERSION = 2
EARLIER = "earlier"  # the folder beside shards that were written over


def checksum_of(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of the names, types, shapes and contents of arrays, in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape};".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def read_checked(path: str | Path) -> dict[str, np.ndarray]:
    """Return the arrays of a shard that is whole and of this version.

    Raises:
        InputError: the file cannot be read.
        UnusableError: it is damaged or of another version.
    """
    arrays = load_npz(path)
    version = arrays.get("version")
    if version is None or str(version) != str(SKETCH_VERSION):
        raise UnusableError(f"{path} is not a sketch of version {SKETCH_VERSION}.")
    checksum = str(arrays.pop("checksum", ""))
    if checksum != checksum_of(arrays):
        raise UnusableError(f"{path} is damaged: its content does not match its checksum.")
    return arrays


def asked_of(plan: Plan) -> str:
    """SHA-256 of what the answers to a batch depend on beside its sequences."""
    template = plan.template
    content = [plan.model, list(plan.outputs), template.alphabet.letters, template.pattern, plan.batch_size]
    return sha256_json(content)


def batch_digest(queries: np.ndarray) -> bytes:
    """SHA-256 of the (N, n) uint8 local codes of a batch."""
    return hashlib.sha256(np.ascontiguousarray(queries).tobytes()).digest()


def batch_digests(queries: np.ndarray, size: int) -> np.ndarray:
    """Return the (batches, 32) uint8 digests of (N, n) uint8 local codes in batches of a size; see `batch_digest`."""
    batches = [queries[k : k + size] for k in range(0, len(queries), size)]
    return np.frombuffer(b"".join(map(batch_digest, batches)), np.uint8).reshape(-1, 32)


def known_answers(paths: Iterable[str | Path], plan: Plan, wanted: set[bytes]) -> dict[bytes, np.ndarray]:
    """Return what shards of whatever plans for the same model hold of some batches.

    Args:
        paths: of shards; those that are damaged, or of another model, are passed over.
        plan: whose model, outputs and batches are meant.
        wanted: the digests of batches; see `batch_digest`.

    Returns:
        The answers to those that were found, by digest.
    """
    known: dict[bytes, np.ndarray] = {}
    asked = asked_of(plan)
    for path in paths:
        if wanted <= known.keys():
            break
        rows = [k for k, digest in enumerate(_digests(path, asked)) if digest in wanted]
        if rows:
            try:
                arrays = read_checked(path)
            except InputError:
                continue
            values, size = arrays["values"], plan.batch_size
            known |= {arrays["digests"][k].tobytes(): values[k * size : (k + 1) * size] for k in rows}
    return known


def _digests(path: str | Path, asked: str) -> list[bytes]:
    """The digests in a shard for the same model, without reading its values; none of a file that is not one."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            if str(archive["asked"]) != asked:
                return []
            return [row.tobytes() for row in archive["digests"]]
    except MemoryError:
        raise
    except Exception:  # a damaged file can raise anything; another job may have written over it
        return []


def earlier_shards(path: str | Path) -> list[Path]:
    """Return the shards beside a shard's path, itself among them, and then those that were written over."""
    folder = Path(path).parent
    return [shard for place in (folder, folder / EARLIER) for shard in sorted(place.glob("*-of-*.npz"))]


def keep_earlier(path: str | Path, plan: Plan, skip: bool = False) -> None:
    """Keep a shard that holds answers, before it is written over by one of another plan or, with `skip`, an empty one.

    A second name of the same file, which costs no space; where the file system has none, only the shard of this
    number will find it.
    """
    path = Path(path)
    owner, count = _held(path)
    if not count or (owner == plan.hash and not skip):
        return
    kept = path.parent / EARLIER / f"{owner[:16]}-{path.name}"
    kept.parent.mkdir(exist_ok=True)
    try:
        os.link(path, kept)
    except OSError:
        return


def forget_earlier(folder: str | Path, plan: Plan) -> None:
    """Remove what `keep_earlier` kept beside shards in a folder, all of which are made.

    Answers to the same plan stay where its shard is empty: another stop rule may want them.
    """
    kept = Path(folder) / EARLIER
    for path in kept.glob("*-of-*.npz"):
        owner, _, name = path.name.partition("-")
        if owner != plan.hash[:16] or _held(Path(folder) / name)[1]:
            path.unlink(missing_ok=True)
    if kept.exists() and not any(kept.iterdir()):
        kept.rmdir()


def _held(path: Path) -> tuple[str, int]:
    """The hash of a shard's plan, and how many batches it holds; none of a file that is not there, or damaged."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return str(archive["plan"]), len(archive["digests"])
    except MemoryError:
        raise
    except Exception:
        return "", 0
