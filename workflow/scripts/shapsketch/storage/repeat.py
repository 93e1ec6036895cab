"""Repeat an analysis from its provenance file, and compare every byte.

`python -m shapsketch.storage.repeat results/MODEL/SEQUENCES/provenance.json` runs the recorded config in a new
folder, on the files that the first run read, and compares what comes out with the hashes that were recorded.
`make repeat` does it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from ..settings.errors import InputError
from .files import read_json, sha256_file, write_json
from .provenance import PROVENANCE_VERSION, ProvenanceRecord, hash_results, made_with

SNAKEFILE = Path(__file__).parents[3] / "Snakefile"


def main() -> None:
    """Run what the command line asks for; the exit status is 0 if every byte is the same."""
    parser = argparse.ArgumentParser(prog="python -m shapsketch.storage.repeat", description=__doc__)
    parser.add_argument("provenance", type=Path, help="the provenance.json of an analysis")
    parser.add_argument("--folder", type=Path, default=Path(), help="where the first run ran (here)")
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    parser.add_argument("arguments", nargs="*", help="further arguments for Snakemake, after --")
    chosen = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="repeat ") as into:
            record = load_record(chosen.provenance)
            for sentence in differences(record, chosen.folder):
                print(sentence)
            folder = lay_out(record, chosen.folder, Path(into))
            run(folder, chosen.cores, chosen.arguments)
            different = compare(record, folder)
    except InputError as error:
        sys.exit(f"shapsketch: {error}")
    count = len(record["results"])
    if different:
        sys.exit(f"{len(different)} of {count} files are not the same: {', '.join(different)}.")
    print(f"All {count} files are the same to the byte.")


def load_record(path: Path) -> ProvenanceRecord:
    """Read a provenance file.

    Raises:
        InputError: it is none, or of another version.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist.")
    record = read_json(path)
    if not isinstance(record, dict) or record.get("version") != PROVENANCE_VERSION or "results" not in record:
        raise InputError(f"{path} is not a provenance file of version {PROVENANCE_VERSION}.")
    return cast(ProvenanceRecord, record)


def differences(record: ProvenanceRecord, folder: Path) -> list[str]:
    """Say what is not as it was: code, Python and packages.

    Raises:
        InputError: a file that the first run read is missing, or is another one.
    """
    for path, sha256 in record["inputs"].items():
        if sha256_file(folder / path) != sha256:
            raise InputError(f"{folder / path} is not the file that was read: its SHA-256 was {sha256}.")
    now, sentences = made_with(), []
    for stage, then in record["versions"].items():
        changed = [f"{name} {then[name]} -> {now.get(name, 'none')}" for name in then if then[name] != now.get(name)]
        if changed:
            sentences.append(f"Not as it was for the {stage}: {', '.join(changed)}.")
    return sentences


def lay_out(record: ProvenanceRecord, source: Path, into: Path) -> Path:
    """Write the config and link the inputs, at the paths that the config names; return the folder to run in."""
    inputs = [Path(path) for path in record["inputs"]]
    depth = max((path.parts.count("..") for path in inputs), default=0)
    folder = into.resolve().joinpath(*["run"] * (depth + 1))
    folder.mkdir(parents=True)
    places = {Path(os.path.normpath(folder / path)): path for path in inputs if not path.is_absolute()}
    for place, path in places.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to((source / path).resolve())
    write_json(folder / "config.json", record["config"])
    return folder


def run(folder: Path, cores: int, arguments: Sequence[str]) -> None:
    """Run the workflow there.

    Raises:
        InputError: it failed; its own messages say why.
    """
    command = [
        sys.executable, "-m", "snakemake", "-s", str(SNAKEFILE), "--directory", str(folder), "--cores", str(cores),
        "--configfile", str(folder / "config.json"), "--quiet", "rules", "host", *arguments,
    ]  # fmt: skip
    if subprocess.run(command, check=False).returncode:
        raise InputError("The repeated run failed; see its messages above.")


def compare(record: ProvenanceRecord, folder: Path) -> list[str]:
    """Return the recorded results that are missing or have another SHA-256, by name."""
    results = folder / "results" / record["model"]
    wanted = record["results"]
    hashes = hash_results(results, [results / name for name in wanted])
    return sorted(name for name in wanted if hashes.get(name) != wanted[name])


if __name__ == "__main__":
    main()
