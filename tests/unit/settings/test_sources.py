"""What a source names lies where it is said to lie."""

import pytest

from shapsketch.settings.errors import InputError
from shapsketch.settings.sources import downloads, locate, source_files


@pytest.mark.parametrize(
    "source",
    [
        {"kind": "torch", "path": "a.pt2"},
        {"kind": "trees", "path": ["a", "b"]},
        {"kind": "torch", "path": "w.npz", "factory": "c.py:net"},
        {"kind": "python", "target": "m.py:f", "files": ["x", "y"]},
        {"kind": "builtin", "function": "microhomology"},
    ],
)
def test_files_are_found_where_they_lie(source):
    elsewhere = [f"/storage/{file}" for file in source_files(source)]
    found = locate(source, elsewhere[0] if len(elsewhere) == 1 else elsewhere)
    assert source_files(found) == elsewhere
    assert found.keys() == source.keys()
    assert locate(source, source_files(source)) == source


@pytest.mark.parametrize("url", ["https://host/..", "https://host/..?x=t.csv", ".."])
def test_downloads_cannot_leave_their_folder(url):
    with pytest.raises(InputError, match="names no file"):
        downloads({"kind": "table", "url": url, "sha256": "0" * 64})
