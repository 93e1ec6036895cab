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
    from shapsketch.sequences.rng import PROBE_STREAM
    from shapsketch.settings.errors import InputError
    from shapsketch.storage.files import write_text
    from shapsketch.storage.tsv import table_text

    params, inputs = snakemake.params, snakemake.input
    network = open_network(params, inputs)
    dictionary = Dictionary.of_network(inputs.dictionary, network)
    q, rows, named = network.template.alphabet.q, [], []
    for (name, settings), path in zip(params.probe.items(), inputs.tables, strict=True):
        table = probes.read_labels(path, network.template, settings["label"])
        codes, labels = table.codes, table.values[:, 0]
        fit, model = probes.choose_fit(settings["model"], labels, f"{path}, column {settings['label']!r},")
        held = held_out(find_clusters(codes, params.dictionary["cluster_identity"]), params.seed, PROBE_STREAM)
        for part, words in ((held, "held-out clusters"), (~held, "clusters that labels are drawn from")):
            if len(np.unique(labels[part])) < 2:
                raise InputError(
                    f"{path}: the {int(part.sum())} sequences of the {words} have one label only; give more sequences, "
                    "or raise dictionary.cluster_identity."
                )
        sizes = probes.affordable(settings["labels"], int((~held).sum()), f"{path}: probe.{name}.labels")
        coded = Coded.of(network, dictionary, [], codes)
        layers = collect(network, codes, dictionary.reads)
        features = {
            "latents": np.concatenate([probes.pool(z) for z in coded.latents], 1),
            "layer": np.concatenate([probes.pool(layers[site.key]) for site in dictionary.reads], 1),
            "onehot": probes.onehot(codes, q),
            "composition": probes.composition(codes, q),
        }
        scores = probes.probe(features, labels, held, sizes, settings["draws"], params.seed, fit)
        about = {"probe": name, "model": model, "sequences": len(codes), "rows_left_out": len(table.left_out)}
        rows += [about | row for row in scores]
        names, f = dictionary.names(), dictionary.latents
        columns = [
            f"{kind} of {latent}"
            for k in range(dictionary.layers)
            for kind in ("mean", "max")
            for latent in names[k * f : (k + 1) * f]
        ]
        strong = probes.strongest(features["latents"][~held], labels[~held], columns, 10, fit)
        named += [{"probe": name, "latent": latent, "weight": weight} for latent, weight in strong]
        out = f"; {len(table.left_out)} rows without a value are left out" if len(table.left_out) else ""
        tell(f"{name}: {model} probes of {sizes} labels of {(~held).sum()}; {held.sum()} are held out{out}")
    write_text(snakemake.output.probes, table_text(pd.DataFrame(rows)))
    write_text(snakemake.output.latents, table_text(pd.DataFrame(named, columns=["probe", "latent", "weight"])))
