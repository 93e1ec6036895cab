"""The report: one self-contained HTML page, and a few lines for the terminal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd

from .files import read_json
from .spectrum import load_spectra

SHOWN_SEQUENCES = 8  # from the top and from the bottom


@dataclass(frozen=True)
class OutputContents:
    """What the page says of one output of the model.

    Attributes:
        name: the output.
        score: of the spectrum, on the hold-out (`faithfulness.json`).
        on_queries: of the spectrum, on the explained sequences.
        figures: SVG texts: `contributions`, `orders`, `interactions`.
        motifs: one mapping per motif: the columns of motifs.tsv, and its logo as `svg`.
        sequences: the highest and the lowest reconstructions, letter by letter.
    """

    name: str
    score: dict[str, Any]
    on_queries: dict[str, Any]
    figures: dict[str, str]
    motifs: list[dict[str, Any]]
    sequences: list[dict[str, Any]]


@dataclass(frozen=True)
class Contents:
    """What the page says.

    Attributes:
        model, queries: the names in the config.
        alphabet, template, background: what was explained, in words.
        provenance: of the spectrum.
        outputs: by output.
    """

    model: str
    queries: str
    alphabet: str
    template: str
    background: str
    provenance: dict[str, Any]
    outputs: list[OutputContents]


def collect(model: str, queries: str, files: Mapping[str, str]) -> Contents:
    """Gather the page's contents from the results of one analysis.

    Args:
        model, queries: the names in the config.
        files: paths by name: `spectrum`, `faithfulness`, `faithfulness_on_queries`, `sequences`,
            `values`, `motifs`, and the folder `logos`.
    """
    spectra = load_spectra(files["spectrum"])
    scores, on_queries = read_json(files["faithfulness"]), read_json(files["faithfulness_on_queries"])
    sequences = pd.read_parquet(files["sequences"])
    values = pd.read_parquet(files["values"])
    motifs = pd.read_csv(files["motifs"], sep="\t", dtype={"positions": str})
    folder = Path(files["logos"])
    outputs = []
    for name in spectra:
        own = motifs[motifs["output"] == name].to_dict("records")
        outputs.append(
            OutputContents(
                name,
                scores[name],
                on_queries[name],
                {f: _svg(folder / f"{name}.{f}.svg") for f in ("contributions", "orders", "interactions")},
                [{**m, "svg": _svg(folder / f"{name}.{m['motif']}.svg")} for m in own],
                _extreme_sequences(sequences, values[values["output"] == name]),
            )
        )
    first = next(iter(spectra.values()))
    background = "uniform over the letters the template allows" if first.background.is_uniform else "as configured"
    return Contents(
        model,
        queries,
        f"{first.template.alphabet.kind} ({first.template.alphabet.letters})",
        first.template.pattern,
        background,
        dict(first.provenance),
        outputs,
    )


def _svg(path: Path) -> str:
    """The <svg> element of a file, with ids made unique to it so that many can share a page."""
    text = path.read_text(encoding="utf-8")
    text = text[text.index("<svg") :]
    prefix = f"{path.stem}-"
    return (
        text.replace('id="', f'id="{prefix}').replace('href="#', f'href="#{prefix}').replace("url(#", f"url(#{prefix}")
    )


def _extreme_sequences(sequences: pd.DataFrame, values: pd.DataFrame) -> list[dict[str, Any]]:
    """The sequences with the highest and the lowest reconstruction, with a shade for each letter."""
    positions = [c for c in values.columns if c.startswith("pos_")]
    matrix = values[positions].to_numpy(np.float64)
    scale = np.abs(matrix).max() or 1.0
    order = np.argsort(-values["reconstruction"].to_numpy(), kind="stable")
    if len(order) > 2 * SHOWN_SEQUENCES:
        order = np.concatenate([order[:SHOWN_SEQUENCES], order[-SHOWN_SEQUENCES:]])
    rows = []
    for r in order:
        letters = [
            {"letter": letter, "value": float(v), "strength": round(abs(v) / scale, 3)}
            for letter, v in zip(sequences["sequence"].iloc[r], matrix[r], strict=True)
        ]
        row = values.iloc[r]
        rows.append(
            {
                "id": row["sequence_id"],
                "letters": letters,
                "reconstruction": float(row["reconstruction"]),
                "prediction": None if pd.isna(row["prediction"]) else float(row["prediction"]),
            }
        )
    return rows


def render(template: str | Path, contents: Contents, provenance: Sequence[tuple[str, str]] = ()) -> str:
    """Fill the page's jinja2 template; all text is escaped.

    Args:
        template: the file.
        contents: what the page says.
        provenance: the rows of the table of hashes and versions.
    """
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    page = environment.from_string(Path(template).read_text(encoding="utf-8"))
    return page.render(contents=contents, cautions=cautions, provenance=provenance)


def cautions(on_queries: Mapping[str, Any]) -> list[str]:
    """Say how sure the refined values are, and how many sequences come with a warning."""
    sentences = []
    if on_queries.get("refined"):
        error, sketch_error = on_queries["standard_error"], on_queries["sketch_error"]
        count = on_queries["evaluations_per_sequence"]
        sentence = f"refined by {count:.0f} evaluations per sequence: standard error {error:.2g}"
        if sketch_error > 0:
            sentence += f"; the sketch alone would be wrong by about {sketch_error:.2g}"
        if 0 < sketch_error < error:
            sentence += (
                f", so only above {count * (error / sketch_error) ** 2:.0f} evaluations are refined values closer"
            )
        sentences.append(sentence)
    meanings = {
        "rare": "unlikely under the background",
        "range": "predicted beyond all values of the sketch",
        "gap": "further from the model than any hold-out point",
    }
    found = [
        f"{on_queries['warnings'][name]} {words}" for name, words in meanings.items() if on_queries["warnings"][name]
    ]
    return sentences + ([f"warnings: {', '.join(found)}"] if found else [])


def summary_lines(contents: Contents, report: str) -> list[str]:
    """Tell in a few lines what was found and which file to open."""
    lines = [f"{contents.model} x {contents.queries}"]
    for output in contents.outputs:
        score, low_high = output.score, output.score["r2_interval"]
        lines.append(
            f"  {output.name}: {output.on_queries['sequences']} sequences explained from {score['evaluations']} "
            f"evaluations by {score['estimator']}; R2 {score['r2']:.3f} "
            f"({low_high[0]:.3f} to {low_high[1]:.3f}) on the {score['scored_on']}"
        )
        lines.append(f"  {score['audit']}")
        lines += [f"  {sentence}" for sentence in cautions(output.on_queries)]
        if output.motifs:
            best = ", ".join(f"{m['consensus']} at {m['positions']} ({m['value']:+.3g})" for m in output.motifs[:3])
            lines.append(f"  strongest interactions: {best}")
        else:
            lines.append("  no interaction stands out")
    lines.append(f"  open {report}")
    return lines
