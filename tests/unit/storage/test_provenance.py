"""Provenance: what must and must not change a hash, and what is said of versions.

Covers also: settings/versions.
"""

import json

import pytest

from shapsketch.storage.provenance import code_hash, config_hash, describe, made_with

CONFIG = {
    "models": {
        "m": {
            "source": {"kind": "table", "path": "t.csv", "url": "https://x/t.csv", "sha256": "0" * 64},
            "sketch": {"budget": 10, "shards": 4},
        }
    },
    "sequences": {"s": {"path": "s.fa"}},
    "analyses": [["m", "s"]],
    "explain": {"shards": 1, "top_k": 20},
    "offline": False,
    "pytorch": "cpu",
}


def changed(path, value):
    config = json.loads(json.dumps(CONFIG))
    *parents, key = path.split("__")
    place = config
    for parent in parents:
        place = place[parent]
    place[key] = value
    return config


@pytest.mark.parametrize("path", ["models__m__sketch__shards", "explain__shards", "offline", "models__m__source__url"])
def test_what_must_not_change_results_does_not_change_the_hash(path):
    assert config_hash(changed(path, 9)) == config_hash(CONFIG)


@pytest.mark.parametrize("path", ["models__m__sketch__budget", "explain__top_k", "sequences__s__path"])
def test_what_may_change_results_changes_the_hash(path):
    assert config_hash(changed(path, 9)) != config_hash(CONFIG)


def test_versions_name_the_code_and_the_packages():
    found = made_with()
    assert found["code"] == code_hash()
    assert {"shapsketch", "python", "numpy", "scipy", "numba", "torch"} <= set(found)


def test_the_table_for_people_joins_stages_of_the_same_versions(record):
    rows = dict(describe({**record, "versions": {"sketch": made_with(), "spectrum": made_with()}}))
    assert rows["SHA-256 of the plan"] == "abc"
    assert "numpy" in rows["Versions (sketch, spectrum)"]
