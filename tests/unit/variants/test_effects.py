"""Effects beside hand-made windows, whatever the shards."""

import numpy as np
import pyarrow as pa
import pytest
from vcf_cases import CONTIG, DNA, allele, read, vcf

from shapsketch.sampling.sketch import shard_range
from shapsketch.sequences.genome import GivenSequences
from shapsketch.storage.parquet import read_rows, write_parquet
from shapsketch.variants.effects import EffectAsker
from shapsketch.variants.reading import Placing
from variant_cases import WIDTH, by_hand, random_changes, toy_model


@pytest.mark.parametrize("strand", "+-")
@pytest.mark.parametrize("fill", ["right", "left"])
def test_effects_are_those_of_hand_made_windows(tmp_path, strand, fill):
    changes = random_changes(CONTIG, 100)
    path = vcf(tmp_path, *(allele(p + 1, ref, alt, kind) for kind, p, ref, alt in changes))
    model, placing = toy_model(), Placing(strand, fill)
    kept, dropped = read(path, placing=placing)
    assert len(dropped) == 0 and kept.num_rows == 100
    found = EffectAsker(model, GivenSequences({"c": CONTIG}), placing)(kept).to_pandas()
    for k, (_, position, ref, alt) in enumerate(changes):
        start = position + len(ref) // 2 - WIDTH // 2
        own = found.iloc[2 * k : 2 * k + 2]
        assert (own["start"] == start).all() and (own["end"] == start + WIDTH).all()
        windows = [by_hand(CONTIG, start, WIDTH, c, fill, strand) for c in ([], [(position, ref, alt)])]
        values = model(DNA.alphabet.encode(windows))
        assert own["output"].tolist() == ["up", "down"]
        np.testing.assert_allclose(own[["ref_value", "alt_value"]].to_numpy().T, values, rtol=1e-12)
        np.testing.assert_allclose(own["delta"], values[1] - values[0], rtol=1e-9)


@pytest.mark.parametrize("shards", [1, 3, 8])
def test_effects_do_not_depend_on_the_number_of_shards(tmp_path, shards):
    path = vcf(tmp_path, *(allele(p + 1, r, a) for _, p, r, a in random_changes(CONTIG, 100)))
    kept, _ = read(path)
    model = toy_model(batch_size=7)
    write_parquet(tmp_path / "placed.parquet", kept)
    asker, tables = EffectAsker(model, GivenSequences({"c": CONTIG}), Placing()), []
    for shard in range(1, shards + 1):
        start, stop = shard_range(kept.num_rows, 7, shard, shards)
        tables += map(asker, read_rows(tmp_path / "placed.parquet", start, stop, 7))
    whole = pa.concat_tables(asker(kept.slice(k, 7)) for k in range(0, 100, 7))
    assert pa.concat_tables(tables).combine_chunks().equals(whole.combine_chunks())
