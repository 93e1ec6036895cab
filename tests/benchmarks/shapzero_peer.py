"""shapzero 0.0.4 on one of our models: run, counted, timed without the model, and turned into a Spectrum."""

import os
import select
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from benchmarks.reference_models import ROOT, ReferenceModel
from shapsketch.comparison.shapzero import found_terms
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.spectrum.spectrum import Spectrum
from shapsketch.storage.files import load_npz, read_json

PYTHON = ROOT / ".venv-shapzero" / "bin" / "python"  # made by `make benchmark-recovery`
VERSION = "0.0.4"


@dataclass(frozen=True)
class PeerRun:
    """One run of shapzero.

    Attributes:
        spectrum: what it found; None when it did not finish.
        asked: (N, n) uint8 local codes of all its queries, its own tests and probes included.
        seconds: of its own work: the whole run without the time the model took.
        peak_mb: the peak memory of its process, in which there is no model; NaN when it did not finish.
        note: why there is no spectrum; empty when there is one.
    """

    spectrum: Spectrum | None
    asked: np.ndarray
    seconds: float
    peak_mb: float
    note: str = ""


class TimedOutError(Exception):
    """The time limit has passed."""


def obstacle(model: ReferenceModel) -> str:
    """Return why shapzero cannot run on a model; empty if it can."""
    if not PYTHON.exists():
        return f"{PYTHON.parent.parent.name} is missing; make benchmark-recovery builds it"
    if model.has_gaps:
        return "needs values that the table lacks"
    return ""


def run_shapzero(model: ReferenceModel, output: int, budget: int, folder: Path, limit: float, seed: int = 0) -> PeerRun:
    """Run shapzero on one output of a model.

    Args:
        model: the model; shapzero sees its free positions only.
        output: which output.
        budget: what shapzero is told; it asks for more (probes and 10,000 test points).
        folder: an empty folder for its files.
        limit: seconds that it may work, the model's time not counted.
        seed: of the global random states it draws from.
    """
    template = model.template
    assert template.radix is not None
    command = [PYTHON, "-m", "benchmarks.shapzero_worker", len(template.free), template.radix, budget, seed, folder]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests"), "MPLBACKEND": "Agg"}
    began, asked, serving = time.perf_counter(), [np.empty((0, template.n), np.uint8)], 0.0
    with (
        open(folder / "log.txt", "wb") as log,
        subprocess.Popen(
            list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment
        ) as process,
    ):
        assert process.stdin is not None and process.stdout is not None
        note = ""
        try:
            while len(codes := _receive(process.stdout, template, began + serving + limit)):
                started = time.perf_counter()
                values = model.ask(codes)[:, output]
                serving += time.perf_counter() - started
                asked.append(codes)
                process.stdin.write(values.astype("<f8").tobytes())
                process.stdin.flush()
        except TimedOutError:
            process.kill()
            note = f"timed out after {limit:.0f} s"
        except EOFError:
            process.wait()
            note = f"failed: {_last_line(folder / 'log.txt')}"
    seconds = time.perf_counter() - began - serving
    if note:
        return PeerRun(None, np.concatenate(asked), seconds, float("nan"), note)
    spectrum = _spectrum(model, output, load_npz(folder / "coefficients.npz"))
    return PeerRun(spectrum, np.concatenate(asked), seconds, read_json(folder / "record.json")["peak_mb"])


def _receive(stream: IO[bytes], template: Template, deadline: float) -> np.ndarray:
    """Read the next queries as whole local codes; none at the end of the run."""
    ready, _, _ = select.select([stream], [], [], max(deadline - time.perf_counter(), 0))
    if not ready:
        raise TimedOutError
    header = stream.read(8)
    if len(header) < 8:
        raise EOFError
    count = int.from_bytes(header, "little")
    asked = np.frombuffer(stream.read(count * len(template.free)), np.uint8)
    codes = np.zeros((count, template.n), np.uint8)
    codes[:, template.free] = asked.reshape(count, len(template.free))
    return codes


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no message"


def _spectrum(model: ReferenceModel, output: int, found: dict[str, np.ndarray]) -> Spectrum:
    intercept, terms = found_terms(model.template, found["frequencies"], found["values"], float(found["mean"]))
    return Spectrum(Background.uniform(model.template), model.outputs[output], intercept, terms)
