"""Fit probes of labels on latents, beside the layer, one-hot letters and composition.

Creates `results/mechanism/{mechanism}/probes.tsv` and `probe_latents.tsv` from tables of sequences with labels.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)

    import numpy as np
    import pandas as pd

    from shapsketch.mechanism import probes
    from shapsketch.mechanism.activations import collect
    from shapsketch.mechanism.clusters import find_clusters, held_out
    from shapsketch.mechanism.latents import Coded
    from shapsketch.mechanism.setup import open_network
    from shapsketch.models.dictionary import Dictionary
    from shapsketch.models.table_model import read_table
    from shapsketch.sequences.rng import PROBE_STREAM
    from shapsketch.storage.files import write_text
    from shapsketch.storage.tsv import table_text

    params, inputs = snakemake.params, snakemake.input
    network, dictionary = open_network(params, inputs), Dictionary.load(inputs.dictionary)
    dictionary.check_network(network)
    q, rows, named = network.template.alphabet.q, [], []
    for (name, own), path in zip(params.probe.items(), inputs.tables, strict=True):
        table = read_table({"kind": "table", "path": path}, network.template, [own["label"]])
        codes, labels = table.codes, table.values[:, 0]
        held = held_out(find_clusters(codes, params.dictionary["cluster_identity"]), params.seed, PROBE_STREAM)
        coded = Coded.of(network, dictionary, [], codes)
        layers = collect(network, codes, dictionary.reads)
        features = {
            "latents": np.concatenate([probes.pool(z) for z in coded.latents], 1),
            "layer": np.concatenate([probes.pool(layers[site.key]) for site in dictionary.reads], 1),
            "onehot": probes.onehot(codes, q),
            "composition": probes.composition(codes, q),
        }
        found = probes.probe(features, labels, held, own["labels"], own["draws"], params.seed)
        rows += [{"probe": name, **row} for row in found]
        names, f = dictionary.names(), dictionary.latents
        columns = [
            f"{kind} of {latent}"
            for k in range(dictionary.layers)
            for kind in ("mean", "max")
            for latent in names[k * f : (k + 1) * f]
        ]
        strong = probes.strongest(features["latents"][~held], labels[~held], columns, 10)
        named += [{"probe": name, "latent": latent, "weight": weight} for latent, weight in strong]
        sizes = [size for size in own["labels"] if size <= (~held).sum()]
        tell(f"{name}: probed with {sizes} labels of {(~held).sum()}; {held.sum()} are held out")
    write_text(snakemake.output.probes, table_text(pd.DataFrame(rows)))
    write_text(snakemake.output.latents, table_text(pd.DataFrame(named, columns=["probe", "latent", "weight"])))
