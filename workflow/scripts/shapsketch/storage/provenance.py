"""Provenance: what a result was made from, by hash, and with which versions.

Every stage writes `made_with()` into what it makes; `collect` gathers one analysis into `provenance.json`, from which
`repeat` makes the analysis again.
"""

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from .. import __version__
from ..settings.records import Config
from ..settings.sources import ORIGIN
from .files import read_json, sha256_file, sha256_json

PROVENANCE_VERSION = 1
# every package that can change a number or a figure; an environment has those of its stage
PACKAGES = (
    "h5py", "jinja2", "lightgbm", "logomaker", "matplotlib", "numba", "numpy", "onnxruntime", "pandas",
    "pyarrow", "safetensors", "scipy", "torch",
)  # fmt: skip


class Hashes(TypedDict):
    """SHA-256 of what an analysis was made from, and by; `plan` is the hash of its content."""

    config: str
    model: str
    plan: str
    code: str


class ProvenanceRecord(TypedDict):
    """What `provenance.json` holds.

    Attributes:
        version: of the record.
        model, sequences: the names in the config; of the provenance of variants, `sequences` is the name of their set.
        hashes: of all that is not a file of the user's.
        inputs: SHA-256 of what the analysis read from outside, by path.
        versions: of the code and of packages, by stage.
        config: of this analysis alone.
        results: SHA-256 of what was made, by path in the model's folder.
    """

    version: int
    model: str
    sequences: str
    hashes: Hashes
    inputs: dict[str, str]
    versions: dict[str, dict[str, str]]
    config: Config
    results: NotRequired[dict[str, str]]


@cache
def made_with() -> dict[str, str]:
    """Return what runs here, by name: `shapsketch`, `code` (SHA-256 of the library's files), `python`, packages."""
    versions = {"shapsketch": __version__, "code": code_hash(), "python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def code_hash() -> str:
    """Return the SHA-256 of the library's Python files, by their names and contents."""
    folder = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{path.relative_to(folder).as_posix()} {sha256_file(path)}\n".encode())
    return digest.hexdigest()


def config_hash(config: Config) -> str:
    """Return the SHA-256 of what the config says about the results.

    Left out is what must not change them: the number of shards, where a model's file comes from, being offline.

    Args:
        config: of one analysis, with all defaults filled in.
    """
    models = {
        name: dict(model)
        | {"sketch": {key: value for key, value in model["sketch"].items() if key != "shards"}}
        | {"source": {key: value for key, value in model["source"].items() if key not in ORIGIN}}
        for name, model in config["models"].items()
    }
    explain = {key: value for key, value in config["explain"].items() if key != "shards"}
    rest = {key: value for key, value in config.items() if key not in ("offline", "pytorch")}
    return sha256_json(rest | {"models": models, "explain": explain})


def collect(
    config: Config,
    spectrum: Mapping[str, Any],
    inputs: Mapping[str, str],
    values: str,
    plan: str | None = None,
) -> ProvenanceRecord:
    """Gather the provenance of one analysis, without its results.

    Args:
        config: of this analysis alone: one model, its sequences and those of its background.
        spectrum: the provenance that the spectrum carries.
        inputs: all files that the analysis reads from outside: their paths here by those in the config.
        values: the file of Shapley values, which carries the versions of the explanation.
        plan: the file of the sketch's plan, where there is a sketch.
    """
    import pyarrow.parquet as pq

    assert not isinstance(config["analyses"], str), "the config of an analysis names it"
    ((model, sequences),) = config["analyses"]
    explained = json.loads((pq.read_schema(values).metadata or {}).get(b"shapsketch", b"{}"))
    stages = {"spectrum": spectrum["versions"], "explanation": explained["versions"], "report": made_with()}
    if plan:
        stages = {"sketch": read_json(plan)["versions"], **stages}
    return {
        "version": PROVENANCE_VERSION,
        "model": model,
        "sequences": sequences,
        "hashes": {
            "config": config_hash(config),
            "model": sha256_json(spectrum["model"]),
            "plan": spectrum["plan"],
            "code": code_hash(),
        },
        "inputs": {name: sha256_file(inputs[name]) for name in sorted(inputs)},
        "versions": stages,
        "config": config,
    }


def collect_variants(
    config: Config, names: tuple[str, str], inputs: Mapping[str, str], effects: str, spectrum: Mapping[str, Any] | None
) -> ProvenanceRecord:
    """Gather the provenance of a set of variants, without its results.

    Args:
        config: of this set alone: its models, and what their sketches need where it is compared with one.
        names: of the model and of the set.
        inputs: all files that are read from outside: their paths here by those in the config.
        effects: the file of effects, which carries the model and the versions that asked it.
        spectrum: the provenance that the spectrum carries, where there is one.
    """
    import pyarrow.parquet as pq

    asked = json.loads((pq.read_schema(effects).metadata or {}).get(b"shapsketch", b"{}"))
    stages = {"effects": asked["versions"], "report": made_with()}
    if spectrum:
        stages = {"spectrum": spectrum["versions"], **stages}
    plan = spectrum["plan"] if spectrum else ""
    return {
        "version": PROVENANCE_VERSION,
        "model": names[0],
        "sequences": names[1],
        "hashes": {
            "config": config_hash(config),
            "model": sha256_json(asked["model"]),
            "plan": plan,
            "code": code_hash(),
        },
        "inputs": {name: sha256_file(inputs[name]) for name in sorted(inputs)},
        "versions": stages,
        "config": config,
    }


def stamp(content: Mapping[str, Any]) -> dict[bytes, bytes]:
    """Return the metadata of a Parquet file: `shapsketch`, plain values as JSON."""
    return {b"shapsketch": json.dumps(dict(content)).encode()}


def hash_results(folder: Path, paths: Sequence[str | Path]) -> dict[str, str]:
    """Return the SHA-256 of files and of all files in folders, by their path in `folder`."""
    files = [file for path in map(Path, paths) for file in (sorted(path.rglob("*")) if path.is_dir() else [path])]
    return {file.relative_to(folder).as_posix(): sha256_file(file) for file in files if file.is_file()}


def describe(record: ProvenanceRecord) -> list[tuple[str, str]]:
    """Return the rows of a table for people: what was hashed and its hash, and the versions by stage."""
    rows = [(f"SHA-256 of the {name}", str(value)) for name, value in record["hashes"].items() if value]
    rows += [(f"SHA-256 of {path}", value) for path, value in record["inputs"].items()]
    packages: dict[str, list[str]] = {}
    for stage, versions in record["versions"].items():
        text = ", ".join(f"{name} {value}" for name, value in versions.items() if name != "code")
        packages.setdefault(text, []).append(stage)
    return rows + [(f"Versions ({', '.join(stages)})", text) for text, stages in packages.items()]
