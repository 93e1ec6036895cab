"""Say what the latents of a dictionary are: where they are active, on which letters, and what they do to the outputs.

Creates `latents.parquet`, `latents.meme`, `latent_matrices.tsv`, `concepts.tsv` and `latent_sequences.parquet` in
`results/mechanism/{mechanism}/`, on sequences that the dictionary was not trained on.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)

    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    from shapsketch.mechanism import concepts, latents
    from shapsketch.mechanism.setup import open_mechanism
    from shapsketch.mechanism.vectors import spread
    from shapsketch.models.dictionary import Dictionary
    from shapsketch.motifs.meme import meme_text
    from shapsketch.motifs.pwm import MATRIX_COLUMNS
    from shapsketch.storage.files import write_text
    from shapsketch.storage.parquet import write_parquet
    from shapsketch.storage.tsv import table_text

    params, inputs, output = snakemake.params, snakemake.input, snakemake.output
    name = snakemake.wildcards.mechanism
    network, split = open_mechanism(params, inputs)
    dictionary, settings = Dictionary.of_network(inputs.dictionary, network), params.latents
    alphabet = network.template.alphabet
    pool = split.kept.record["pool"]
    rows = spread(split.held_rows, settings["sequences"])
    ids = [f"draw{k + 1}" for k in range(len(split.codes))]
    if inputs.get("sequences"):
        ids = pq.read_table(inputs.sequences, columns=["sequence_id"])["sequence_id"].to_pylist()
    coded = latents.Coded.of(network, dictionary, [ids[k] for k in rows], split.codes[rows], pool)
    count, measured = dictionary.layers * dictionary.latents, None
    if pool == "none":
        with script.progress(f"latents {name}", "latent", count) as bar:
            measured = latents.effects(network, dictionary, coded, settings["effects"], bar.update)
    matrices = {}
    for number, latent in enumerate(dictionary.names()):
        layer, column = divmod(number, dictionary.latents)
        stride = dictionary.reads[layer].stride if pool == "none" else 0
        activations = coded.latents[layer][:, :, column]
        latent_matrix = latents.matrix_of(coded, activations, stride, settings["window"], alphabet, latent)
        matrices |= {latent: latent_matrix} if latent_matrix else {}
    spreads = network.predict(coded.codes).std(0)
    table = latents.latent_table(dictionary, coded, network.outputs, measured, matrices, spreads, settings["top"])
    write_parquet(output.latents, table)
    sequences = alphabet.decode(coded.codes)
    write_parquet(output.sequences, pa.table({"sequence_id": list(coded.names), "sequence": sequences}))
    background = np.bincount(split.codes.ravel(), minlength=alphabet.q)[: alphabet.q] / split.codes.size
    write_text(output.meme, meme_text(alphabet, list(matrices.values()), background))
    frames = [matrix.table(alphabet) for matrix in matrices.values()]
    whole = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=MATRIX_COLUMNS)
    write_text(output.matrices, table_text(whole))
    matched, aligned = [], [site.stride == 1 for site in dictionary.reads]
    if params.concepts and not all(aligned):
        tell(f"{name}: concepts are of letters, and {dictionary.reads[aligned.index(False)].module} keeps no letters")
    elif params.concepts:
        files = iter(inputs.get("labels", []))  # where they lie on this machine
        asked = {k: c if isinstance(c, str) else {**c, "path": next(files)} for k, c in params.concepts.items()}
        labels = concepts.read_concepts(asked, ids, alphabet.decode(split.codes))
        for key, marks in labels.items():
            tell(f"{name}: the concept {key} is in {marks.any(1).sum()} of {len(split.codes)} sequences")
        everything = latents.Coded.of(network, dictionary, ids, split.codes)
        for layer, site in enumerate(dictionary.reads):
            x, z = split.kept.read(site.key), everything.latents[layer]
            as_sparse = round((z > 0).sum(2).mean())
            random = concepts.random_latents(x, dictionary.latents, as_sparse, params.seed)
            names = dictionary.names()[layer * dictionary.latents :]
            matched += [
                {**row, "module": site.module, "latent": names[row["latent"]]}
                for row in concepts.match(labels, z, x, random, split.is_held)
            ]
    columns = ["concept", "module", "letters", "place", "latent", "f1", "neuron_f1", "random_f1", "position_f1"]
    write_text(output.concepts, table_text(pd.DataFrame(matched, columns=columns)))
    tell(f"{name}: {count} latents on {len(rows)} sequences that the dictionary was not trained on")
