"""Measure dictionaries on sequences unlike those that they were trained on, each measure with its control.

Creates `results/mechanism/{mechanism}/dictionary.json` from the dictionaries of all seeds, the activations and the
model.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)

    from pathlib import Path

    import numpy as np
    import torch

    from shapsketch.mechanism import measures
    from shapsketch.mechanism.clusters import few_clusters
    from shapsketch.mechanism.setup import open_mechanism
    from shapsketch.models.dictionary import Dictionary
    from shapsketch.storage.files import write_json

    params, name = snakemake.params, snakemake.wildcards.mechanism
    network, split = open_mechanism(params, snakemake.input)
    fitted_rows, held = np.flatnonzero(~split.is_held), split.held_rows
    if few := few_clusters(split.clusters[held]):
        tell(f"{name}: {few}")
    made: dict[str, list[Dictionary]] = {}
    for path in snakemake.input.dictionaries:
        made.setdefault(Path(path).parent.name, []).append(Dictionary.of_network(path, network))
    scores, pooled = {}, split.kept.record["pool"] != "none"
    steps = sum(map(len, made.values()))
    with script.progress(f"measure {name}", "dictionary", steps) as bar:
        for kind, dictionaries in made.items():
            reads, writes = split.sites(kind)
            pairs = list(zip(reads, writes, strict=True))
            fitted = [tuple(split.vectors(s, fitted_rows, measures.MAX_FITTED) for s in pair) for pair in pairs]
            tested = [tuple(split.vectors(s, held) for s in pair) for pair in pairs]
            means = {w: torch.from_numpy(y.mean(0)) for w, (_, y) in zip(writes, fitted, strict=True)}
            scores[kind] = []
            for dictionary in dictionaries:
                outputs = (
                    None
                    if pooled
                    else measures.score_outputs(
                        network, dictionary, split.codes[held], split.clusters[held], means, params.seed
                    )
                )
                layers = measures.score_vectors(dictionary, fitted, tested, params.seed)
                scores[kind].append({"layers": layers, "outputs": outputs})
                bar.update()
    shares = {kind: measures.stabilities(dictionaries) for kind, dictionaries in made.items()}
    random = {kind: measures.random_stability(dictionaries[0], params.seed) for kind, dictionaries in made.items()}
    content = {
        "model": params.mechanism_model, "modules": [site.module for site in split.sites("sae")[1]],
        "sequences": len(split.codes), "clusters": int(split.clusters.max()) + 1, "held_out": len(held),
        "settings": params.dictionary, "kinds": measures.report(scores, shares, random),
    }  # fmt: skip
    write_json(snakemake.output.scores, content)
    for kind, kind_content in content["kinds"].items():
        r2 = f", R2 of the outputs {kind_content['r2']['mean']:.4f}" if kind_content["r2"] else ""
        control = kind_content["controls"]["fvu"]["pca"]
        tell(f"{name} ({kind}): unexplained {kind_content['fvu']['mean']:.3f} (PCA {control:.3f}){r2}")
