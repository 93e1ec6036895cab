"""Single changes of sequences: all of them from the spectrum, some of them from the model, as what is usual there."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ..models import Model
from ..sequences.rng import NULL_STREAM, content_keys, keyed_words
from ..sequences.template import Template
from ..spectrum.spectrum import Spectrum

ROUNDING = 1e-9  # of the largest effect of a window: effects that differ by less are equal
LETTERS_AT_ONCE = 1 << 22  # changes that are held at once


def single_changes(template: Template) -> tuple[np.ndarray, np.ndarray]:
    """Return the places and the steps of all single changes of a sequence: (M,) int64 each, by place.

    The letter at `place` becomes the one `step` further in the order of the letters allowed there, around the end.
    """
    free = template.free
    counts = template.sizes[free] - 1
    steps = np.concatenate([np.arange(1, c + 1) for c in counts])
    return np.repeat(free, counts), steps


def changed(codes: np.ndarray, template: Template, places: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Return (N, M, n) uint8 local codes: each of N sequences with each of its M changes.

    Args:
        codes: (N, n) uint8 local codes.
        template: of the sequences.
        places, steps: (M,), or (N, M) where each sequence has its own; see `single_changes`.
    """
    places, steps = (np.broadcast_to(part, (len(codes), part.shape[-1])) for part in (places, steps))
    made = np.repeat(codes[:, None], places.shape[1], 1)
    present = np.take_along_axis(codes, places, 1).astype(np.int64)
    letters = (present + steps) % template.sizes[places]
    np.put_along_axis(made, places[:, :, None], letters[:, :, None].astype(np.uint8), 2)
    return made


def all_deltas(spectrum: Spectrum, codes: np.ndarray) -> np.ndarray:
    """Return (N, M) float64: what each single change of each sequence adds to the reconstruction; see `single_changes`.

    Args:
        spectrum: of one output.
        codes: (N, n) uint8 local codes.
    """
    template = spectrum.template
    places, steps = single_changes(template)
    letters = int(template.sizes.max())
    out = np.empty((len(codes), len(places)))
    size = max(1, LETTERS_AT_ONCE // (template.n * letters))
    for k in range(0, len(codes), size):
        piece = codes[k : k + size]
        others = (piece[:, places].astype(np.int64) + steps) % template.sizes[places]
        changes = spectrum.components.mutations(piece, letters)
        out[k : k + size] = changes[np.arange(len(piece))[:, None], places, others]
    return out


def random_changes(codes: np.ndarray, template: Template, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw single changes of each sequence: (N, count) places and steps, which its letters and the seed determine.

    Places are drawn evenly from the free ones, letters evenly from the others allowed there.
    """
    keys = content_keys(seed, NULL_STREAM, codes)
    words = np.array([keyed_words(key, 0, count, 2) for key in keys], np.uint64).reshape(len(codes), count, 2)
    places = template.free[(words[:, :, 0] * np.uint64(len(template.free))) >> np.uint64(32)]
    others = (template.sizes[places] - 1).astype(np.uint64)
    return places, 1 + ((words[:, :, 1] * others) >> np.uint64(32)).astype(np.int64)


@dataclass(frozen=True)
class Null:
    """How large the effects of single changes of a window usually are.

    Attributes:
        spectra: of the outputs; all single changes are looked up. Empty: the model is asked about some.
        count: of changes of each window that the model is asked about.
        seed: of their draws.
    """

    spectra: Sequence[Spectrum] = ()
    count: int = 0
    seed: int = 0

    def __bool__(self) -> bool:
        return bool(self.spectra or self.count)

    def deltas(self, codes: np.ndarray, template: Template, ask: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Return (N, M, outputs) float64 effects of M single changes of each sequence.

        Args:
            codes: (N, n) uint8 local codes, all of them allowed.
            template: of the model.
            ask: from local codes to (rows, outputs) values of the model.
        """
        if self.spectra:
            return np.stack([all_deltas(spectrum, codes) for spectrum in self.spectra], 2)
        made = changed(codes, template, *random_changes(codes, template, self.count, self.seed))
        values = ask(np.concatenate([codes, made.reshape(-1, template.n)]))
        return values[len(codes) :].reshape(len(codes), self.count, -1) - values[: len(codes), None]


def percentiles(deltas: np.ndarray, null: np.ndarray) -> np.ndarray:
    """Return the percentage of null effects that are smaller in magnitude; equal ones count half.

    Args:
        deltas: (N, outputs) float64.
        null: (N, M, outputs) float64.
    """
    sizes, usual = np.abs(deltas)[:, None], np.abs(null)
    slack = ROUNDING * np.maximum(sizes, usual.max(1, keepdims=True, initial=0.0))
    smaller, larger = (usual < sizes - slack).mean(1), (usual > sizes + slack).mean(1)
    return 100 * (smaller + (1 - smaller - larger) / 2)


MUTATION_SCHEMA = pa.schema(
    [
        ("sequence_id", pa.string()),
        ("output", pa.string()),
        ("position", pa.int32()),
        ("ref", pa.string()),
        ("alt", pa.string()),
        ("delta", pa.float32()),
    ]
)


def mutation_table(spectrum: Spectrum, names: Sequence[str], sequences: Sequence[str]) -> pa.Table:
    """Tabulate all single changes of sequences (saturation mutagenesis), with `MUTATION_SCHEMA`.

    Args:
        spectrum: of one output.
        names, sequences: N of each; those with an ambiguous letter have no rows.

    Returns:
        A row per sequence, position (from 1) and other letter; `delta` is what the change adds to the reconstruction.
    """
    template = spectrum.template
    codes = template.to_local(template.alphabet.encode(template.alphabet.normalise(sequences)))
    rows = np.flatnonzero(np.less(codes, template.sizes).all(1))
    places, steps = single_changes(template)
    present = codes[rows][:, places]
    other = ((present.astype(np.int64) + steps) % template.sizes[places]).astype(np.uint8)
    letters = np.array(list(template.alphabet.letters))
    columns = {
        "sequence_id": np.repeat(np.array(names, object)[rows], len(places)),
        "output": np.full(present.size, spectrum.output, object),
        "position": np.tile(places + 1, len(rows)),
        "ref": letters[template.letter_codes[places, present]].ravel(),
        "alt": letters[template.letter_codes[places, other]].ravel(),
        "delta": all_deltas(spectrum, codes[rows]).astype(np.float32).ravel(),
    }
    return pa.table({name: pa.array(column) for name, column in columns.items()}).cast(MUTATION_SCHEMA)


def strongest(tables: Iterable[pa.Table], count: int) -> pa.Table:
    """Return the rows with the largest |delta| of some tables, the strongest first; ties in the order they come."""
    kept = MUTATION_SCHEMA.empty_table()
    for table in tables:
        kept = pa.concat_tables([kept, table])
        order = np.argsort(-np.abs(kept["delta"].to_numpy()), kind="stable")[:count]
        kept = kept.take(order)
    return kept


def check_with_model(rows: pa.Table, sequences: Mapping[str, str], model: Model) -> pa.Table:
    """Ask the model about single changes, and add its own `model_delta`.

    Args:
        rows: with `MUTATION_SCHEMA`, of one of the model's outputs.
        sequences: by their ids.
        model: the model.
    """
    texts = [sequences[name] for name in rows["sequence_id"].to_pylist()]
    pairs = zip(texts, rows["position"].to_pylist(), rows["alt"].to_pylist(), strict=True)
    changed_texts = [text[: place - 1] + letter + text[place:] for text, place, letter in pairs]
    alphabet = model.template.alphabet
    values = model(alphabet.encode(alphabet.normalise([*texts, *changed_texts])))
    outputs = rows["output"].to_pylist()
    column = model.outputs.index(outputs[0]) if outputs else 0
    return rows.append_column("model_delta", pa.array(values[len(texts) :, column] - values[: len(texts), column]))
