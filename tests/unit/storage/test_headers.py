"""Headers of tables: which columns a file has, asked without reading it, and by Snakemake's own process."""

import subprocess
import sys

import pandas as pd
import pytest
from reader_cases import FASTA, TEMPLATE, write

from shapsketch.sequences.reader import read_sequences
from shapsketch.settings.errors import InputError
from shapsketch.storage.headers import has_column

ROWS = "a,ACTGA,x\nb,TTTGG,y\n"
GROUPED = {
    "as it is": f"id,sequence,group\n{ROWS}",
    "in another case": f"ID,Sequence,Group\n{ROWS}",
    "with blanks": f"id, sequence, group\n{ROWS}",
    "below a comment and a blank line": f"# made by hand\n\nid,sequence,group\n{ROWS}",
    "below Excel's line": "sep=;\n" + f"id,sequence,group\n{ROWS}".replace(",", ";"),
    "in quotes, between tabs": '"id"\t"sequence"\t"group"\n' + ROWS.replace(",", "\t"),
}


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("kind", GROUPED)
def test_a_column_is_found_where_sequences_are_read_with_it(tmp_path, kind, zipped):
    path = write(tmp_path / "s.csv", GROUPED[kind], zipped)
    assert has_column(path, "group")
    assert not has_column(path, "tissue")
    assert read_sequences(path, TEMPLATE)[0]["group"].tolist() == ["x", "y"]


@pytest.mark.parametrize("column", ["group", " Group"])
def test_a_column_of_a_parquet_file_is_found(tmp_path, column):
    table = pd.DataFrame({"sequence": ["ACTGA", "TTTGG"], column: ["x", "y"]}, index=pd.Index([3, 4]))
    table.to_parquet(tmp_path / "s.parquet")
    assert has_column(tmp_path / "s.parquet", "group")
    assert not has_column(tmp_path / "s.parquet", "id")
    assert read_sequences(tmp_path / "s.parquet", TEMPLATE)[0]["group"].tolist() == ["x", "y"]


@pytest.mark.parametrize("text", ["", "\n# nothing\n", FASTA.replace("first", ",group"), "id,sequence\na,ACTGA\n"])
def test_other_files_have_no_such_column(tmp_path, text):
    assert not has_column(write(tmp_path / "s.txt", text), "group")


@pytest.mark.parametrize("data", [b"PAR1 and no more", b"id,sequence,Group,GROUP\n", b"\x1f\x8b\x08"])
def test_what_cannot_be_read_is_told(tmp_path, data):
    (tmp_path / "s").write_bytes(data)
    with pytest.raises(InputError):
        has_column(tmp_path / "s", "group")


def test_rules_ask_without_heavy_imports(tmp_path, root):
    path = write(tmp_path / "s.csv", GROUPED["as it is"])
    asked = f"from shapsketch.storage.headers import has_column\nassert has_column({str(path)!r}, 'group')\n"
    heavy = "import sys\nprint(*{'numpy', 'pandas', 'pyarrow'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", asked + heavy], cwd=root / "workflow/scripts", capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
