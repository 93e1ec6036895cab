"""Files are written whole or not at all, and damaged ones are named."""

from itertools import pairwise

import numpy as np
import pytest

from shapsketch.settings.errors import InputError, UnusableError
from shapsketch.storage.files import atomic_path, load_npz, npy_writer, write_text


def test_arrays_are_written_piece_by_piece(tmp_path):
    whole = np.arange(24, dtype="<f4").reshape(4, 2, 3)
    for name, cuts in (("a", (0, 4)), ("b", (0, 1, 3, 4))):
        with npy_writer(tmp_path / f"{name}.npz", whole.shape, "<f4") as write:
            for start, stop in pairwise(cuts):
                write(whole[start:stop])
    assert (np.load(tmp_path / "a.npz", allow_pickle=False)["arr_0"] == whole).all()
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_half_written_files_of_dead_processes_are_cleared(tmp_path):
    (tmp_path / ".a[1].npz.0123abcd.tmp").write_text("half")
    (tmp_path / ".b.npz.0123abcd.tmp").write_text("of another file")
    write_text(tmp_path / "a[1].npz", "whole")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".b.npz.0123abcd.tmp", "a[1].npz"]


def test_a_writer_that_was_given_up_gives_way(tmp_path):
    path = tmp_path / "shard"
    with pytest.raises(InputError, match="Another process has begun to write"), atomic_path(path) as slow:
        slow.write_text("slow")
        write_text(path, "quick")
    assert path.read_text() == "quick"
    assert list(tmp_path.iterdir()) == [path]


def test_files_of_users_are_told_as_damaged(tmp_path):
    (tmp_path / "x.npz").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(UnusableError, match="is damaged or not an .npz"):
        load_npz(tmp_path / "x.npz")
