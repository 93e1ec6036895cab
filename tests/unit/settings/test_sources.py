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


def test_downloads_of_one_name_are_refused():
    first, second = {"url": "https://host/f0/model.json"}, {"url": "https://host/f1/model.json?x=1"}
    source = {"kind": "trees", "layout": "flat", "downloads": [first, second]}
    with pytest.raises(InputError) as told:
        downloads(source)
    assert str(told.value) == (
        "Two downloads of a model's source are both called model.json; give each its own name: file: ..."
    )
    source["downloads"][1]["file"] = "second.json"
    assert [download.file for download in downloads(source)] == ["model.json", "second.json"]
