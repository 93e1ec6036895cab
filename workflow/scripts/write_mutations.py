"""Look up every single change of every sequence in the spectrum, and ask the model about the strongest.

Creates `mutations.parquet`, `mean.tsv` and `checked.tsv` in `results/{model}/{sequences}/mutations/` from the spectrum,
the sequences and the model. Holds one chunk at a time.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)

    from pathlib import Path

    import numpy as np
    import pandas as pd
    import pyarrow.parquet as pq

    from shapsketch.models import Model
    from shapsketch.settings.sources import locate
    from shapsketch.spectrum.spectrum_file import load_spectra
    from shapsketch.storage.files import write_text
    from shapsketch.storage.parquet import parquet_writer, read_rows
    from shapsketch.storage.tsv import table_text
    from shapsketch.variants.mutations import MUTATION_SCHEMA, check_with_model, mutation_table, strongest

    params, files = snakemake.params, snakemake.input
    spectra, folder = load_spectra(files.spectrum), Path(snakemake.output.mutations).parent
    count = pq.read_metadata(files.sequences).num_rows
    kept, sums = {}, {}
    with (
        parquet_writer(snakemake.output.mutations, MUTATION_SCHEMA) as writer,
        script.progress("single changes", "sequence", count) as progress,
    ):
        for chunk in read_rows(files.sequences, 0, count, 1024):
            for output, spectrum in spectra.items():
                table = mutation_table(spectrum, chunk["sequence_id"].to_pylist(), chunk["sequence"].to_pylist())
                writer.write(table)
                kept[output] = strongest([kept[output], table] if output in kept else [table], params.checked)
                rows = table.to_pandas()
                rows["absolute"] = rows["delta"].abs()
                asked = rows.groupby(["output", "position", "alt"], sort=False)[["delta", "absolute"]].agg(
                    ["sum", "size"]
                )
                sums[output] = sums[output].add(asked, fill_value=0) if output in sums else asked
            progress.update(chunk.num_rows)
    total = pd.concat(sums.values())
    number = total["delta", "size"]
    mean = pd.DataFrame({
        "sequences": number.astype(int),
        "mean": total["delta", "sum"] / number,
        "mean_absolute": total["absolute", "sum"] / number,
    }).reset_index().rename(columns={"alt": "letter"})  # fmt: skip
    write_text(snakemake.output.mean, table_text(mean))
    checked = [table.to_pandas() for table in kept.values()]
    if params.predict:
        model = Model(locate(params.source, files.get("model")), next(iter(spectra.values())).template,
                      list(spectra), params.batch_size)  # fmt: skip
        wanted = {name for table in kept.values() for name in table["sequence_id"].to_pylist()}
        sequences = {}
        for chunk in read_rows(files.sequences, 0, count, 65_536):
            pairs = zip(chunk["sequence_id"].to_pylist(), chunk["sequence"].to_pylist(), strict=True)
            sequences |= {name: text for name, text in pairs if name in wanted}
        checked = [check_with_model(table, sequences, model).to_pandas() for table in kept.values()]
        for output, table in zip(kept, checked, strict=True):
            error = np.sqrt(np.mean((table["delta"] - table["model_delta"]) ** 2))
            sketched, asked = (table[name].abs().mean() for name in ("delta", "model_delta"))
            tell(
                f"{snakemake.wildcards.sequences}, {output}: the {len(table)} strongest single changes are "
                f"{sketched:.3g} on average in the sketch and {asked:.3g} in the model; root mean square "
                f"difference {error:.3g}"
            )
    write_text(snakemake.output.checked, table_text(pd.concat(checked)))
