"""Train the students of a masked explanation on all answers of the run; see `shapsketch.masks.student`.

Creates `results/{model}/{sequences}/masks/students.npz` from the answers of all shards; where no student is needed it
says so.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    script.start(snakemake)

    import numpy as np
    import pyarrow.parquet as pq

    from shapsketch.masks.explain import MaskExplainer
    from shapsketch.masks.files import load_answers
    from shapsketch.masks.student import save_no_students
    from shapsketch.storage.manifest import check_manifests

    params, files = snakemake.params, snakemake.input
    check_manifests(files.manifests)
    explainer = MaskExplainer.from_config(params.model, params.masks, files.get("background"), str)
    rows = pq.read_table(files.sequences, columns=["sequence_id", "sequence"]).to_pylist()
    if not rows or not explainer.needs_students:
        save_no_students(snakemake.output.students)
    else:
        shards = [load_answers(path) for path in files.answers]
        answers, predictions = (
            np.concatenate([shard[name] for shard in shards]) for name in ("answers", "predictions")
        )
        games = [explainer.game(row["sequence_id"], row["sequence"]) for row in rows]
        explainer.train(games, answers, predictions).save(snakemake.output.students)
