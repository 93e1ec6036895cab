"""Results in the coordinates of a genome: instances as BED, contributions as bigWig, interactions as BEDPE.

Sequences are windows named as `Window.name` writes them. What a window's letter p (from 1) says is at `start + p - 1`
on the forward strand, and at `end - p` on the reverse one, 0-based.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyBigWig

from .windows import with_places

BED_COLUMNS = ["contig", "start", "end", "name", "score", "strand", "value"]
BEDPE_COLUMNS = [
    "contig_1", "start_1", "end_1", "contig_2", "start_2", "end_2", "name", "score", "strand_1", "strand_2", "value",
]  # fmt: skip
MAX_SCORE = 1000  # of BED, which has whole numbers up to it
_FLIP = {"+": "-", "-": "+"}


def placed(ids: pd.Series) -> pd.DataFrame:
    """Return `contig`, `start`, `end` and `strand` of windows, by their names, with the same index."""
    table = with_places(pa.table({"sequence_id": pa.array(ids, pa.string())})).to_pandas()
    return table.drop(columns="sequence_id").set_index(ids.index)


def genomic(places: pd.DataFrame, first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where stretches of windows lie on the forward strand, 0-based and half-open.

    Args:
        places: of N windows, as `placed` gives them.
        first, last: (N,) int64, the first and last letter of each stretch, from 1.
    """
    forward = (places["strand"] == "+").to_numpy()
    start, end = places["start"].to_numpy(), places["end"].to_numpy()
    return np.where(forward, start + first - 1, end - last), np.where(forward, start + last, end - first + 1)


def instance_bed(instances: pd.DataFrame) -> pd.DataFrame:
    """Turn instances of motifs (and seqlets) into BED, sorted as the table is.

    Args:
        instances: rows of `motifs/instances.tsv`: stretches of windows, 1-based with both ends.

    Returns:
        `BED_COLUMNS`: the name is the motif's and the output's, the score the magnitude of the value in thousandths of
        the largest.
    """
    places = placed(instances["sequence_id"])
    start, end = genomic(places, instances["start"].to_numpy(), instances["end"].to_numpy())
    value = instances["value"].to_numpy(np.float64)
    on_plus = instances["strand"].where(instances["strand"].isin(["+", "-"]), "+")
    strand = np.where(places["strand"] == "+", on_plus, on_plus.map(_FLIP))
    columns = {
        "contig": places["contig"],
        "start": start,
        "end": end,
        "name": instances["motif"] + ":" + instances["output"],
    }
    return pd.DataFrame(columns | {"score": _scores(value), "strand": strand, "value": value})[BED_COLUMNS]


def interaction_bedpe(interactions: pd.DataFrame) -> pd.DataFrame:
    """Turn interactions of two positions (or segments) into BEDPE; those of more have no such form.

    Args:
        interactions: rows of `interactions.parquet`.

    Returns:
        `BEDPE_COLUMNS`; the name is the index's, the letters' and the output's.
    """
    pairs = interactions[interactions["order"] == 2]
    places, bounds = (
        placed(pairs["sequence_id"]),
        pairs["positions"].str.extract(r"^(\d+)(?:-(\d+))?,(\d+)(?:-(\d+))?$"),
    )
    columns = dict[str, Any]()
    for number, (a, b) in enumerate(((0, 1), (2, 3)), 1):
        first = bounds[a].to_numpy(np.int64)
        start, end = genomic(places, first, bounds[b].fillna(bounds[a]).to_numpy(np.int64))
        columns |= {f"contig_{number}": places["contig"], f"start_{number}": start, f"end_{number}": end}
        columns[f"strand_{number}"] = places["strand"]
    columns["name"] = (
        pairs["index"] + ":" + pairs["letters"].str.replace(r"\s", "_", regex=True) + ":" + pairs["output"]
    )
    value = pairs["value"].to_numpy(np.float64)
    return pd.DataFrame(columns | {"score": _scores(value), "value": value})[BEDPE_COLUMNS]


def _scores(value: np.ndarray) -> np.ndarray:
    largest = np.abs(value).max(initial=0.0)
    return (
        np.rint(MAX_SCORE * np.abs(value) / largest).astype(np.int64) if largest > 0 else np.zeros(len(value), np.int64)
    )


def write_bigwig(path: str | Path, values: str | Path, output: str, lengths: Mapping[str, int]) -> int:
    """Write the contributions of an output along the genome; where windows overlap, their mean.

    Args:
        path: the bigWig file.
        values: the Parquet file of Shapley values.
        output: whose.
        lengths: of the genome's contigs.

    Returns:
        How many positions lie in more than one window.
    """
    shared, some = 0, False
    file = pyBigWig.open(str(path), "w")
    try:
        file.addHeader([(name, size) for name, size in lengths.items()])
        for contig in lengths:
            for start, track, counts in _runs(values, output, contig, lengths[contig]):
                file.addEntries(contig, start, values=track / counts, span=1, step=1)
                shared, some = shared + int((counts > 1).sum()), True
        if not some:  # a file without entries is none to its readers
            file.addEntries([next(iter(lengths))], [0], ends=[1], values=[0.0])
    finally:
        file.close()
    return shared


def _runs(values: str | Path, output: str, contig: str, size: int) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Stretches of a contig that windows cover: start, sums and numbers of windows; in order, not touching."""
    table = _rows(values, output, contig)
    if not len(table):
        return
    order = np.argsort(table["start"].to_numpy(), kind="stable")
    starts, ends = (table[name].to_numpy()[order] for name in ("start", "end"))
    names = [name for name in table if name.startswith("pos_")]
    numbers = table[names].to_numpy(np.float64)[order]
    forward = (table["strand"] == "+").to_numpy()[order]
    numbers[~forward] = numbers[~forward, ::-1]
    reach = np.maximum.accumulate(ends)
    first = np.flatnonzero(np.append(True, starts[1:] > reach[:-1]))
    for a, b in zip(first, np.append(first[1:], len(starts)), strict=True):
        low, high = starts[a], reach[b - 1]
        track, counts = np.zeros((2, high - low))
        for k in range(a, b):
            track[starts[k] - low : ends[k] - low] += numbers[k]
            counts[starts[k] - low : ends[k] - low] += 1
        inside = slice(max(-low, 0), min(high, size) - low)  # windows may reach beyond their contig
        yield int(max(low, 0)), track[inside], counts[inside]


def _rows(values: str | Path, output: str, contig: str) -> pd.DataFrame:
    """The values of an output on a contig; row groups of other outputs and contigs are passed over."""
    parts = []
    with pq.ParquetFile(values) as file:
        columns = {name: file.schema_arrow.get_field_index(name) for name in ("output", "contig")}
        for k in range(file.num_row_groups):
            group = file.metadata.row_group(k)
            spans = {name: group.column(at).statistics for name, at in columns.items()}
            if all(s.min <= wanted <= s.max for s, wanted in zip(spans.values(), (output, contig), strict=True)):
                rows = file.read_row_group(k).to_pandas()
                parts.append(rows[(rows["output"] == output) & (rows["contig"] == contig)])
    return pd.concat(parts) if parts else pd.DataFrame()
