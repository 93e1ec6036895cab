"""Manifests of shards find every change."""

import pytest

from shapsketch.settings.errors import InputError
from shapsketch.storage.files import write_text
from shapsketch.storage.manifest import check_manifests, is_complete, write_manifest


def test_seals_find_every_change(tmp_path):
    files = [tmp_path / f"1-of-2.{name}.parquet" for name in ("values", "interactions")]
    manifest, other = tmp_path / "1-of-2.json", tmp_path / "11-of-20.json"
    for file in files:
        file.write_bytes(b"some bytes")
    write_text(other, "not of this shard")
    write_manifest(manifest, "origin", files)
    check_manifests([manifest])
    assert is_complete(manifest, "origin", files)
    assert is_complete(manifest, "origin", files[:1])
    assert not is_complete(manifest, "origin", [*files, tmp_path / "1-of-2.folds.parquet"])  # wanted since
    assert not is_complete(manifest, "another origin", files)
    files[1].write_bytes(b"some bytez")
    assert not is_complete(manifest, "origin", files)
    with pytest.raises(InputError, match=r"1-of-2.interactions.parquet is damaged.* 1 of 1 shards"):
        check_manifests([manifest])
    assert list(tmp_path.iterdir()) == [other]
    with pytest.raises(InputError, match="does not exist"):
        check_manifests([manifest])


def test_a_broken_manifest_takes_no_other_shards_files_with_it(tmp_path):
    """Explanations by masks lie beside the model's answers, which have a manifest of their own."""
    answers, asked = tmp_path / "1-of-2.answers.npz", tmp_path / "1-of-2.answers.json"
    values, manifest = tmp_path / "1-of-2.values.parquet", tmp_path / "1-of-2.json"
    for damaged in (values, manifest):
        for file in (answers, values):
            file.write_bytes(b"some bytes")
        write_manifest(asked, "origin", [answers])
        write_manifest(manifest, "origin", [values])
        damaged.write_bytes(b"no")
        with pytest.raises(InputError, match=f"{damaged.name} is damaged"):
            check_manifests([manifest])
        assert not manifest.exists() and not is_complete(manifest, "origin", [values])
        assert is_complete(asked, "origin", [answers])
    answers.write_bytes(b"no")
    with pytest.raises(InputError, match=r"answers.npz is damaged"):
        check_manifests([asked])
    assert [file.name for file in tmp_path.iterdir()] == [values.name]  # whose manifest went alone


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '{"files": 3}', '{"files": {"../../x": "y"}}', '{"made_from": "origin", "files": {"": "y"}}'],
)
def test_a_damaged_seal_seals_nothing(tmp_path, text):
    manifest = tmp_path / "1-of-1.json"
    manifest.write_text(text)
    assert not is_complete(manifest, "origin", [])
    with pytest.raises(InputError, match="cannot be used and were removed"):
        check_manifests([manifest])
