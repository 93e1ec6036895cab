"""Trace the circuits of outputs: graphs of some sequences, how few latents suffice, and latents as players.

Creates `results/mechanism/{mechanism}/circuits.json` and the folder `circuits` of graphs for circuit-tracer's viewer.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)

    import shutil
    from pathlib import Path

    import numpy as np

    from shapsketch.mechanism import ablation, circuits, games, nodes, rankings, viewer
    from shapsketch.mechanism.clusters import few_clusters
    from shapsketch.mechanism.replacement import encode_all
    from shapsketch.mechanism.setup import open_mechanism
    from shapsketch.mechanism.vectors import spread
    from shapsketch.models.dictionary import Dictionary
    from shapsketch.settings.errors import InputError
    from shapsketch.storage.files import write_json

    params, name = snakemake.params, snakemake.wildcards.mechanism
    network, split = open_mechanism(params, snakemake.input)
    dictionary, settings = Dictionary.of_network(snakemake.input.dictionary, network), params.circuit
    rows = split.held_rows
    if few := few_clusters(split.clusters[rows]):
        tell(f"{name}: {few}")
    fitted = split.codes[spread(np.flatnonzero(~split.is_held), 4 * settings["sequences"])]
    halves = split.halves(2 * settings["sequences"])
    chosen, tested = (split.codes[half] for half in halves)
    shown = spread(rows, nodes.MAX_SEQUENCES)
    watched = nodes.Watched.of(network, dictionary, split.codes[shown], split.clusters[shown], params.seed)
    means = [z.mean(0) for z in encode_all(network, dictionary, fitted)]
    names, count = dictionary.names(), dictionary.layers * dictionary.latents
    sizes = ablation.curve_sizes(count)
    folder = Path(snakemake.output.graphs)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    content, drawn = {}, []
    wanted = settings.get("outputs") or list(network.outputs)
    outputs = ablation.varying(network, wanted, (chosen, tested))
    steady = ", ".join(output for output in wanted if output not in outputs)
    if not outputs:
        raise InputError(
            f"mechanism.{name}.circuit: none of {steady} varies over the {len(rows)} held-out sequences, so there is "
            "nothing to trace; give more sequences, or other outputs."
        )
    if steady:
        tell(f"{name}: without a circuit, as they do not vary over the {len(rows)} held-out sequences: {steady}")
    with script.progress(f"circuits {name}", "latent", len(outputs) * count) as bar:
        for output in outputs:
            place = circuits.find_output(network, output)
            examples = spread(chosen, settings["graphs"])
            graphs = [circuits.trace(network, dictionary, codes, output) for codes in examples]
            records = []
            for number, graph in enumerate(graphs, 1):
                slug = f"{output}-{number}"
                said = nodes.name_graph(graph, watched, network.template.alphabet.letters)
                drawn.append(viewer.viewer_json(graph, slug, names, said))
                write_json(folder / f"{slug}.json", drawn[-1])
                records.append(
                    {"file": f"{slug}.json", "sequence": graph.sequence, "value": graph.value, **graph.scores()}
                )
            traced = {
                "ablation": rankings.by_ablation(network, dictionary, chosen, means, place, bar.update),
                "influence": rankings.by_influence(graphs, dictionary),
                "gradient": rankings.by_gradient(network, dictionary, chosen, means, place),
                "random": rankings.at_random(dictionary, params.seed),
            }
            traced["selection"] = rankings.by_selection(network, dictionary, chosen, means, place, traced["ablation"])
            orders = {kind: np.argsort(-values, kind="stable") for kind, values in traced.items()}
            values = {
                kind: ablation.ablated(network, dictionary, tested, means, order, sizes, place)
                for kind, order in orders.items()
            }
            curves = ablation.Curves(sizes, network.predict(tested)[:, place], values, split.clusters[halves[1]])
            players = np.argsort(-traced["ablation"], kind="stable")[: settings["players"]]
            explained = games.explain_sequences(
                network, dictionary, spread(chosen, settings["explained"]), means, players.tolist(), place
            )
            content[output] = {
                "graphs": records,
                "nodes": nodes.strongest_nodes(network, dictionary, watched, means, place),
                "latents": count,
                "sizes": sizes,
                **curves.record(params.seed),
                **explained.record([names[k] for k in players]),
            }
            needed, none = content[output]["needed"], content[output]["kept"]["gradient"][0]
            tell(
                f"{name}: {needed['selection']} of {count} latents keep {ablation.ENOUGH:.0%} of the variation of "
                f"{output} ({needed['gradient']} by gradients, {needed['random']} at random; {none:.0%} without any)"
            )
    write_json(folder / "graph-metadata.json", viewer.viewer_list(drawn))
    write_json(snakemake.output.circuits, content)
