"""Motifs that are known to be there, in real models sketched with real budgets, and what finding them costs.

`python -m benchmarks.motifs`, or `make benchmark-motifs`; writes results/benchmarks/motifs/motifs.tsv.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from motif_cases import Planted, Result, aggregated, evaluate, explained, random_texts, template_of

from benchmarks.reference_models import DATA, MODELS, ROOT
from shapsketch.models.builtin_model import load as load_builtin
from shapsketch.recovery import recover
from shapsketch.sampling.design import make_plan
from shapsketch.sampling.sketch import Sketch
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.spectrum.spectrum import Spectrum
from shapsketch.spectrum.spectrum_file import load_spectra, save_spectra
from shapsketch.storage.files import atomic_path, write_json

FOLDER = ROOT / "results" / "benchmarks" / "motifs"
SEQUENCES = 10_000
Values = Callable[[list[str]], np.ndarray]


def sketched(name: str, template: Template, values: Values, budget: int, estimator: str, order: int | None) -> Spectrum:
    """A spectrum of a function of texts; made once, read back afterwards."""
    path = FOLDER / "spectra" / f"{name}-{budget}-{estimator}-{order}.npz"
    if not path.exists():
        plan = make_plan({"m": name}, ("y",), Background.uniform(template), budget=budget, design="random", seed=0)
        codes = plan.queries(0, plan.size)
        texts = template.alphabet.decode(template.to_alphabet(codes))
        answers = np.concatenate([values(texts[k : k + 4096]) for k in range(0, len(texts), 4096)])
        sketch = Sketch(plan, codes, answers.reshape(len(codes), 1))
        save_spectra(path, [recover(sketch, 0, estimator=estimator, max_order=order, threads=2).spectrum])
    return next(iter(load_spectra(path).values()))


def reference(name: str) -> tuple[Template, Values]:
    """A reference model as a function of texts."""
    model = MODELS[name]()
    return model.template, lambda texts: model.function(model.template.alphabet.encode(texts))[:, 0]


def microhomology() -> tuple[Template, Values]:
    """The built-in score of a double-strand break in the middle of 40 nt."""
    template = template_of("DNA", 40)
    model = load_builtin({"function": "microhomology", "cut": 20}, template, ["microhomology"])
    return template, lambda texts: model(template.alphabet.encode(texts))["microhomology"]


def splice_sites() -> tuple[Template, Values]:
    """Percent spliced in of BRCA2 for every 5' splice site; the few unmeasured ones have the mean."""
    table = pd.read_parquet(DATA / "landscape_smn1_5ss/psi_9nt.parquet")
    values = table["brca2_9nt"].fillna(table["brca2_9nt"].mean())
    known = dict(zip(table["sequence"], values, strict=True))
    return Template(template_of("RNA", 1).alphabet, "NNNGYNNNN"), lambda texts: np.array([known[t] for t in texts])


def first(rows: pd.DataFrame, condition: pd.Series) -> int:
    """The rank, from 1, of the first row that meets a condition; 0 where none does."""
    met = np.flatnonzero(condition.to_numpy())
    return int(met[0]) + 1 if met.size else 0


def known_truth(result: Result, name: str) -> Iterator[dict[str, Any]]:
    """What is known of a model, and the rank at which it was found among its kind."""
    interactions, positions, seqlets = (result.kind(kind) for kind in ("interaction", "position", "seqlet"))
    lowers = interactions["value"] < 0
    both = (positions["positions"], positions["letters"].str[0], positions["value"])

    def at(position: int, letter: str, sign: int) -> pd.Series:
        return (both[0] == str(position)) & (both[1] == letter) & (np.sign(both[2]) == sign)

    questions = {
        "deepspcas9": {
            "T run lowers (U6 terminator)": (interactions, interactions["letters"].str.contains("TTT") & lowers),
            "G at guide position 20": (positions, at(24, "G", 1)),
        },
        "optimus5p": {
            "upstream ATG lowers": (interactions, (interactions["consensus"] == "ATG") & lowers),
            "upstream ATG as seqlets": (seqlets, seqlets["consensus"].str.contains("ATG") & (seqlets["value"] < 0)),
            "Kozak: A at -3": (positions, at(48, "A", 1)),
        },
        "microhomology": {
            "equal letters across the cut": (interactions, (interactions["relation"] == "equal") & ~lowers),
        },
        "splice_sites": {
            "U at +2": (positions, at(5, "U", 1)),
            "U at +2 with G at +5": (
                interactions,
                interactions["consensus"].str.contains("U..G$") & interactions["positions"].str.endswith("8"),
            ),
            "G at +5": (positions, at(8, "G", 1)),
        },
    }  # fmt: skip
    for question, (rows, condition) in questions.get(name, {}).items():
        rank = first(rows, condition)
        row = rows.iloc[rank - 1] if rank else None
        yield {
            "question": question, "rank": rank, "consensus": None if row is None else row["consensus"],
            "value": None if row is None else row["value"], "share": None if row is None else row["share"],
            "placements": None if row is None else row["placements"],
        }  # fmt: skip


CASES = {
    "deepspcas9": (lambda: reference("deepspcas9"), 10_000, "regression", 3),
    "optimus5p": (lambda: reference("optimus5p"), 30_000, "regression", None),
    "microhomology": (microhomology, 20_000, "regression", 2),
    "splice_sites": (splice_sites, 20_000, "regression", 3),
}

PLANTED = {
    "planted DNA, spaced": ("DNA", 16, [Planted("GAC", (0, 1, 4), tuple(range(11)), 1.0)], 20_000),
    "planted DNA, two": (
        "DNA", 14, [Planted("TGA", (0, 1, 4), (3,), 4.0), Planted("CC", (0, 3), tuple(range(8)), -1.0)], 10_000,
    ),
    "planted RNA": ("RNA", 14, [Planted("UA", (0, 1), (2, 3, 4, 5), 1.0), Planted("GG", (0, 5), (8,), -2.0)], 10_000),
    "planted protein": ("protein", 6, [Planted("WD", (0, 3), (0, 1, 2), 5.0)], 20_000),
}  # fmt: skip


def planted() -> Iterator[dict[str, Any]]:
    """Precision and recall of planted instances, with noise of 30 % of the signal's spread on every answer."""
    for name, (letters, n, motifs, budget) in PLANTED.items():
        template, noise = template_of(letters, n), np.random.default_rng(0)

        def noisy(texts: list[str], motifs: list[Planted] = motifs, noise: Any = noise) -> np.ndarray:
            values = evaluate(texts, motifs)
            return values + 0.3 * values.std() * noise.normal(size=len(values))

        order = max(len(motif.letters) for motif in motifs)
        spectrum = sketched(name.replace(" ", "_"), template, noisy, budget, "regression", order)
        texts = random_texts(template, SEQUENCES)
        result = aggregated(FOLDER / "work", spectrum, texts, min_share=0.01)
        for motif in motifs:
            true = motif.occurrences(texts)
            found = max(map(result.found, result.motifs["motif"]), key=lambda f: len(f & true) / max(len(f | true), 1))
            yield {
                "model": name, "question": f"{motif.letters} at {','.join(map(str, motif.offsets))}",
                "precision": len(found & true) / max(len(found), 1), "recall": len(found & true) / len(true),
            }  # fmt: skip


def costs(spectrum: Spectrum, texts: list[str]) -> dict[str, float]:
    """CPU seconds and memory of the two scripts of the stage, each in a process of its own."""
    folder = FOLDER / "cost"
    explained(folder, spectrum, texts)
    save_spectra(folder / "spectrum.npz", [spectrum])
    score = {"variance_by_order": {str(k): v for k, v in spectrum.variance_by_order().items()}, "r2": 0.9}
    write_json(folder / "faithfulness.json", {spectrum.output: score})
    row: dict[str, float] = {}
    for script in ("aggregate_motifs", "draw_logos"):
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.one_motifs", script, folder], capture_output=True, text=True, check=True
        )
        seconds, megabytes = done.stdout.split()[-2:]
        row |= {f"cpu_seconds_{script}": float(seconds), f"peak_mb_{script}": float(megabytes)}
    return row


def main() -> None:
    """Write a row per question."""
    parser = argparse.ArgumentParser(prog="motifs", description=__doc__)
    parser.add_argument("--models", nargs="+", default=[*CASES, "planted", "tomtom"])
    chosen = parser.parse_args().models
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    for name in (n for n in chosen if n in CASES):
        builder, budget, estimator, order = CASES[name]
        try:
            template, values = builder()
        except FileNotFoundError as error:
            print(f"{name} is skipped: {error}")
            continue
        spectrum = sketched(name, template, values, budget, estimator, order)
        texts = random_texts(template, SEQUENCES)
        result = aggregated(FOLDER / "work", spectrum, texts)
        cost = costs(spectrum, texts)
        rows += [{"model": name, "evaluations": budget, **row, **cost} for row in known_truth(result, name)]
        print(pd.DataFrame(rows).tail(3).to_string(index=False), flush=True)
    if "planted" in chosen:
        rows += planted()
    if "tomtom" in chosen:
        sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
        from test_meme import check_tomtom

        began = time.perf_counter()
        check_tomtom()
        rows.append({"model": "tomtom", "question": "compiled and run", "seconds": time.perf_counter() - began})
    table = pd.DataFrame(rows)
    print(table.to_string(index=False))
    with atomic_path(FOLDER / "motifs.tsv") as temporary:
        table.to_csv(temporary, sep="\t", index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
