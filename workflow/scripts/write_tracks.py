"""Write results in the coordinates of the genome, as browsers load them.

Creates the folder `results/{model}/{sequences}/genome` from the explanations: `OUTPUT.contributions.bw`,
`OUTPUT.interactions.bedpe` and, where there are motifs, `instances.bed`.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)

    import shutil
    from pathlib import Path

    import pyarrow.parquet as pq

    from shapsketch.sequences.genome import Genome
    from shapsketch.sequences.tracks import instance_bed, interaction_bedpe, write_bigwig
    from shapsketch.storage.files import atomic_path, write_text
    from shapsketch.storage.tsv import bed_text, read_table

    files, folder = snakemake.input, Path(snakemake.output.folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    lengths = Genome(files.genome).lengths
    interactions = pq.read_table(files.interactions).to_pandas()
    for output in snakemake.params.outputs:
        with atomic_path(folder / f"{output}.contributions.bw") as temporary:
            shared = write_bigwig(temporary, files["values"], output, lengths)
        pairs = interaction_bedpe(interactions[interactions["output"] == output])
        write_text(folder / f"{output}.interactions.bedpe", bed_text(pairs))
    if shared:
        tell(
            f"{snakemake.wildcards.sequences}: {shared} letters of the genome lie in several windows; the bigWig has "
            "the mean of their contributions"
        )
    if files.get("instances"):
        write_text(folder / "instances.bed", bed_text(instance_bed(read_table(files.instances))))
