"""Tables of explanations: the same bytes whatever pieces and shards they come in."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from shapsketch.storage.parquet import ROW_GROUP, group_names, merge_tables, parquet_writer, read_rows, write_parquet


def test_tables_do_not_depend_on_the_pieces_they_come_in(tmp_path):
    count = ROW_GROUP + 1000
    whole = pa.table({"output": ["y"] * count, "group": ["b", "a", ""] * (count // 3) + [""] * (count % 3)})
    whole = whole.append_column("value", pa.array(np.arange(count)))
    write_parquet(tmp_path / "whole.parquet", whole)
    with parquet_writer(tmp_path / "pieces.parquet", whole.schema) as writer:
        for start in range(0, count, 7000):
            writer.write(whole.slice(start, 7000))
    assert (tmp_path / "whole.parquet").read_bytes() == (tmp_path / "pieces.parquet").read_bytes()
    rows = list(read_rows(tmp_path / "whole.parquet", 5, count - 1, 30_000))
    assert [r.num_rows for r in rows] == [30_000, 30_000, count - 60_006]
    assert pa.concat_tables(rows)["value"].to_pylist() == list(range(5, count - 1))
    assert group_names(tmp_path / "whole.parquet") == ["a", "b"]


def test_shards_are_merged_by_output(tmp_path):
    schema = pa.schema([("output", pa.string()), ("value", pa.int64())])

    def write(name, *groups):
        with parquet_writer(tmp_path / name, schema) as writer:
            for output, values in groups:
                writer.write(pa.table({"output": [output] * len(values), "value": values}, schema=schema))
                writer.flush()
        return tmp_path / name

    shards = [write("1", ("b", [3]), ("a", [1, 2]), ("b", [4])), write("2", ("b", [5])), write("3")]
    assert merge_tables(tmp_path / "merged", shards, ["a", "b", "c"]) == 5
    assert pq.read_table(tmp_path / "merged")["value"].to_pylist() == [1, 2, 3, 4, 5]
