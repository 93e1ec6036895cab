"""What each package of the environment of `make run` costs: megabytes, with what is installed for it.

Reads the packages that are installed here, and the environments of the stages in `envs/`. Writes
`tests/benchmarks/results/sizes.tsv`.
"""

import re
from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pandas as pd
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchmarks.result_files import FOLDER, MACHINE, ROOT, commit, write_results

CONDA_NAMES = {"pytorch-cpu": "torch", "matplotlib-base": "matplotlib"}


def megabytes(package: Distribution) -> float:
    """Return the size of a package's files, in units of 1e6 bytes."""
    paths = (Path(str(package.locate_file(file))) for file in package.files or ())
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6


def needed(roots: Iterable[str], packages: dict[str, Distribution]) -> set[str]:
    """Return the names of all packages that some packages need, these included."""
    todo, reached = list(roots), set()
    while todo:
        name = todo.pop()
        if name in reached or name not in packages:
            continue
        reached.add(name)
        for line in packages[name].requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                todo.append(canonicalize_name(requirement.name))
    return reached


def environments(root: Path) -> dict[str, list[str]]:
    """Return the names of the environments of `envs/` that have each package."""
    using: dict[str, list[str]] = {}
    for path in sorted((root / "envs").glob("*.yaml")):
        if not path.name.endswith(".cuda.yaml"):
            for name in re.findall(r"^ +- ([\w.-]+) ?==?", path.read_text(), re.M):
                using.setdefault(canonicalize_name(CONDA_NAMES.get(name, name)), []).append(path.stem)
    return using


def measured(root: Path = ROOT) -> pd.DataFrame:
    """Return a row for each package that `envs/run.txt` names, and one for all.

    What several packages need is counted with the first: those of Snakemake come first, then those that most stages
    need. So the last rows say what could be saved without them.
    """
    packages = {canonicalize_name(package.metadata["Name"]): package for package in distributions()}
    lines = [Requirement(line) for line in (root / "envs/run.txt").read_text().splitlines() if "==" in line]
    roots = [canonicalize_name(line.name) for line in lines if line.marker is None or line.marker.evaluate()]
    using = environments(root)
    roots.sort(key=lambda name: (name in using, -len(using.get(name, []))))
    counted: set[str] = set()
    rows = []
    for name in roots:
        added = needed([name], packages) - counted
        counted |= added
        stages = ", ".join(using.get(name, [])) or "the workflow itself"
        rows.append((name, packages[name].version, sum(megabytes(packages[other]) for other in added), stages))
    whole = sum(megabytes(packages[name]) for name in counted)
    return pd.DataFrame([*rows, ("all", "", whole, "")], columns=["package", "version", "mb", "environments"])


def main() -> None:
    """Measure and write."""
    table = measured().assign(commit=commit(), machine=MACHINE)
    write_results(FOLDER / "sizes.tsv", table, "make benchmark-sizes")
    print(table.to_string())


if __name__ == "__main__":
    main()
