"""Write hypothetical contributions of a masked explanation and one-hot sequences, which TF-MoDISco reads as a pair.

Creates `onehot.npz`, one `{output}.npz` per output and `unknown.tsv` in `results/{model}/{sequences}/hypothetical/`,
from the shards. The first two hold one array (N, letters, n) each, named `arr_0`; the last names the sequences of
which no student could be asked about other letters: they have their own letters' contributions, and zeros.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)

    from contextlib import ExitStack
    from pathlib import Path

    import numpy as np
    import pandas as pd
    import pyarrow.parquet as pq

    from shapsketch.sequences.alphabet import Alphabet
    from shapsketch.storage.files import load_npz, npy_writer, write_text
    from shapsketch.storage.parquet import read_rows
    from shapsketch.storage.tsv import table_text

    files, folder = snakemake.input, Path(snakemake.output.folder)
    alphabet, outputs = Alphabet.from_config(snakemake.params.alphabet), snakemake.params.outputs
    count = pq.read_metadata(files.sequences).num_rows
    unknown = []
    with ExitStack() as stack:
        writers, start = {}, 0
        for path in files.shards:
            arrays = load_npz(path)
            rows = len(arrays[f"{outputs[0]}.known"])
            table = next(read_rows(files.sequences, start, start + rows, max(rows, 1)), None)
            if table is None:
                continue
            codes = alphabet.encode(table["sequence"].to_pylist())
            onehot = (codes[:, None, :] == np.arange(alphabet.q)[:, None]).astype(np.uint8)
            if not writers:
                shape = (count, *onehot.shape[1:])
                for name, kind in (("onehot", "|u1"), *((output, "<f4") for output in outputs)):
                    writers[name] = stack.enter_context(npy_writer(folder / f"{name}.npz", shape, kind))
            writers["onehot"](onehot)
            for k, output in enumerate(outputs):
                known = arrays[f"{output}.known"]
                places = [f"pos_{i + 1}" for i in range(shape[2])]
                contributions = next(read_rows(files.letters, k * count + start, k * count + start + rows, rows))
                contributions = np.stack([contributions[place].to_numpy() for place in places], 1)[:, None, :] * onehot
                values = (
                    contributions
                    if not known.any()
                    else np.where(known[:, None, None], arrays[f"{output}.values"], contributions)
                )
                writers[output](values.astype(np.float32))
                names = table["sequence_id"].to_pylist()
                unknown += [(output, names[r]) for r in np.flatnonzero(~known).tolist()]
            start += rows
    write_text(folder / "unknown.tsv", table_text(pd.DataFrame(unknown, columns=["output", "sequence_id"])))
    if unknown:
        tell(
            f"{len(unknown)} of {count * len(outputs)} explanations have no student that says what other letters would "
            "contribute: their hypothetical contributions are those of their own letters (hypothetical/unknown.tsv)"
        )
