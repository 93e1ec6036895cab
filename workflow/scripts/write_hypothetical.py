"""Write hypothetical contributions and one-hot sequences, the pair of files that TF-MoDISco reads.

Creates `onehot.npz` and one `{output}.npz` per output in `results/{model}/{sequences}/hypothetical/`, from the
spectrum and the sequences. Each holds one array (N, letters, n), named `arr_0`. Holds one chunk at a time.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    script.start(snakemake)

    from contextlib import ExitStack
    from pathlib import Path

    import pyarrow.parquet as pq

    from shapsketch.spectrum.spectrum_file import load_spectra
    from shapsketch.spectrum.tables import SEQUENCES_AT_ONCE, hypothetical_contributions, onehot
    from shapsketch.storage.files import npy_writer
    from shapsketch.storage.parquet import read_rows

    spectra = load_spectra(snakemake.input.spectrum)
    first = next(iter(spectra.values()))
    count = pq.read_metadata(snakemake.input.sequences).num_rows
    shape = (count, first.template.alphabet.q, first.template.n)
    folder = Path(snakemake.output.folder)
    with ExitStack() as stack:
        write_onehot = stack.enter_context(npy_writer(folder / "onehot.npz", shape, "|u1"))
        writers = {
            output: stack.enter_context(npy_writer(folder / f"{output}.npz", shape, "<f4")) for output in spectra
        }
        progress = stack.enter_context(script.progress("hypothetical contributions", "sequence", count))
        for chunk in read_rows(snakemake.input.sequences, 0, count, SEQUENCES_AT_ONCE):
            text = chunk["sequence"].to_pylist()
            write_onehot(onehot(first, text))
            for output, write in writers.items():
                write(hypothetical_contributions(spectra[output], text))
            progress.update(len(text))
