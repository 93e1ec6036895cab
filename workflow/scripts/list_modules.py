"""List the modules of every network that has some to name, with their shapes, and what activations will take.

Creates `results/modules.tsv` from the models, and `results/modules.json` from `mechanism` of the config.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)

    import pandas as pd

    from shapsketch.mechanism.activations import size_in_bytes
    from shapsketch.models.hooked_network import HookedNetwork
    from shapsketch.sequences.alphabet import Alphabet
    from shapsketch.sequences.template import Template
    from shapsketch.settings.sources import locate, named_files
    from shapsketch.storage.files import write_json, write_text
    from shapsketch.storage.tsv import table_text

    rows, networks, shapes, files = [], {}, {}, iter(snakemake.input.get("models", []))
    for name, (model, source) in snakemake.params.models.items():
        source = locate(source, [next(files) for _ in named_files(source)])
        template = Template(Alphabet.from_config(model["alphabet"]), model["template"])
        networks[name] = HookedNetwork(source, template, model["outputs"])
        rows += [{"model": name, **row} for row in networks[name].modules()]
    for name, (settings, ends) in snakemake.params.mechanisms.items():
        network, drawn = networks[settings["model"]], settings["sequences"]
        sites = [
            network.site(module, end, settings["special_tokens"]) for module in settings["modules"] for end in ends
        ]
        size = size_in_bytes(sites, 1, settings["pool"], settings["dtype"])
        written = [site for site in sites if site.end == "out"]
        shapes[name] = {
            "bytes_per_sequence": size, "letters": network.template.n, "outputs": len(network.outputs),
            "positions": [site.positions for site in written], "widths": [site.width for site in written],
        }  # fmt: skip
        tell(f"the activations of mechanism.{name} take {size / 1e3:.4g} kB for each sequence")
    columns = ["model", "module", "type", "input", "output", "parameters"]
    write_text(snakemake.output.table, table_text(pd.DataFrame(rows, columns=columns)))
    write_json(snakemake.output.sizes, shapes)
