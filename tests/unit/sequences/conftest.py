"""bedtools, where it is installed."""

import shutil
import subprocess

import pytest


@pytest.fixture
def bedtools():
    if not shutil.which("bedtools"):
        pytest.skip("bedtools is not installed (apt-get install bedtools)")

    def run(*arguments):
        done = subprocess.run(["bedtools", *map(str, arguments)], capture_output=True, text=True, check=True)
        assert not done.stderr, done.stderr
        return done.stdout

    return run
