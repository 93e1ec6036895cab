"""A `conda` for `--sdm conda` where there is none: real environments, of exactly what an env file pins.

`conda env create` makes a virtual environment that holds the pinned packages, at the pinned versions, and what they
themselves require, linked from the environment of the tests; a pin that is not there ends it with an error.
"""

import json
import os
import re
import sys
import venv
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import yaml
from packaging.requirements import Requirement

NAMES = {"pytorch": "torch", "pytorch-cpu": "torch", "pytorch-gpu": "torch", "matplotlib-base": "matplotlib"}


def create(file, prefix):
    lines = yaml.safe_load(Path(file).read_text())["dependencies"]
    from_pypi = [line for part in lines if isinstance(part, dict) for line in part["pip"]]
    pins = dict(line.split(" =") for line in lines if isinstance(line, str) and line != "pip")
    pins |= dict(line.split("==") for line in from_pypi)
    version = pins.pop("python")
    wanted, seen = [], set()
    for name, pin in pins.items():
        package = distribution(NAMES.get(name, name))
        if package.version.split("+")[0] != pin.split("=")[0]:
            sys.exit(f"PackagesNotFoundError: {name} ={pin}; here is {package.version}")
        wanted.append(package)
    venv.create(prefix, symlinks=True)
    folder = next(Path(prefix).glob("lib/python*/site-packages"))
    while wanted:
        package = wanted.pop()
        name = re.sub(r"[-_.]+", "-", package.metadata["Name"]).lower()
        if name in seen:
            continue
        seen.add(name)
        for path in {Path(file).parts[0] for file in package.files} - {"..", "__pycache__"}:
            link = folder / path
            if not link.exists():
                link.symlink_to(Path(package.locate_file(path)))
        for line in package.requires or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                try:
                    wanted.append(distribution(requirement.name))
                except PackageNotFoundError:
                    continue  # of another platform
    (Path(prefix) / "conda-meta").mkdir()
    (Path(prefix) / "conda-meta/history").write_text(f"python {version}\n")


def main():
    words = sys.argv[1:]
    base = os.environ["STAND_IN"]
    if words == ["info", "--json"]:
        print(json.dumps({"conda_prefix": base, "root_prefix": base, "platform": "linux-64"}))
    elif words[:1] == ["--version"]:
        print("conda 25.1.0")
    elif words == ["config", "--get", "channel_priority", "--json"]:
        print(json.dumps({"get": {"channel_priority": "strict"}}))
    elif words[:1] == ["clean"]:
        pass
    elif words[:2] == ["env", "create"]:
        create(words[words.index("--file") + 1], words[words.index("--prefix") + 1])
    else:
        sys.exit(f"the stand-in for conda does not know: {' '.join(words)}")


if __name__ == "__main__":
    main()
