"""Clusters of mechanisms: planted ones are found, and positions on their own make none."""

import numpy as np
import pytest
from motif_cases import Planted, aggregated, exact_spectrum, random_texts, template_of

from shapsketch.motifs.clusters import MAX_SAMPLED, adjusted_rand, find_clusters, sampled_rows


def planted(spread, seed=0):
    """Three mechanisms of thirty positions, of 300, 200 and 100 sequences."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat([0, 1, 2], [300, 200, 100]))
    centers = rng.normal(size=(3, 30)) * (rng.random((3, 30)) < 0.3)
    return labels, centers[labels] + spread * rng.normal(size=(600, 30))


def test_planted_mechanisms_are_found_by_size_and_the_same_each_time():
    labels, values = planted(0.2)
    clusters = find_clusters(values, "auto", 0)
    numbers, margins = clusters.assign(values)
    assert clusters.table.set_index("clusters")["chosen"].to_dict() == {2: 0, 3: 1, 4: 0, 5: 0, 6: 0, 7: 0, 8: 0}
    assert (numbers == labels).mean() > 0.99
    assert ((margins >= 0) & (margins <= 1)).all()
    assert (find_clusters(values, "auto", 0).centers == clusters.centers).all()
    assert clusters.table["stability"][1] > 0.98
    assert clusters.table["explained"][1] > 0.9 > clusters.table["by_position"][1] + 0.1


@pytest.mark.parametrize("values", [
    pytest.param(np.random.default_rng(1).normal(size=(500, 20)), id="noise"),
    pytest.param((np.random.default_rng(1).random((500, 20)) < 0.4) * np.r_[9.0, np.ones(19)], id="positions"),
    pytest.param(np.ones((500, 20)), id="constant"),
    pytest.param(np.zeros((0, 20)), id="nothing"),
])  # fmt: skip
def test_where_positions_act_one_by_one_there_are_none(values):
    """A position of great effect makes two stable groups, which explain no more than without the others."""
    clusters = find_clusters(values, "auto", 0)
    assert not len(clusters.centers)
    assert not clusters.table["chosen"].any()


def test_a_number_that_is_asked_for_is_given_and_its_stability_told():
    values = np.random.default_rng(1).normal(size=(100, 20))
    clusters = find_clusters(values, 4, 0)
    assert len(clusters.centers) == 4
    assert clusters.table["chosen"].tolist() == [1]
    assert clusters.table["stability"][0] < 0.3
    assert find_clusters(values, False, 0).table.empty
    assert find_clusters(values[:30], 4, 0).table.empty  # too few for four


def test_at_equal_steps_and_no_more_than_are_there():
    assert sampled_rows(3).tolist() == [0, 1, 2]
    assert sampled_rows(0).tolist() == []
    assert len(np.unique(sampled_rows(10**6))) == MAX_SAMPLED


def test_adjusted_rand_index():
    assert adjusted_rand(np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0])) == 1
    assert adjusted_rand(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])) == pytest.approx(-0.5)
    rng = np.random.default_rng(0)
    assert abs(adjusted_rand(*rng.integers(0, 4, (2, 5000)))) < 0.01


def test_each_cluster_is_a_set_of_contributions_and_every_sequence_is_in_one(tmp_path):
    template = template_of("DNA", 10)
    spectrum = exact_spectrum(template, [Planted("AAA", (0, 1, 2), (0,), 3.0), Planted("CCC", (0, 1, 2), (6,), 3.0)])
    texts = random_texts(template, 120)
    texts = ["AAA" + s[3:6] + "TTT" + s[9] for s in texts[:70]] + ["GGG" + s[3:6] + "CCC" + s[9] for s in texts[70:]]
    tables = aggregated(tmp_path, spectrum, texts).summary.tables
    members = tables["cluster_members"]
    assert members["sequence_id"].tolist() == [f"s{k}" for k in range(120)]
    assert members["cluster"].tolist() == [1] * 70 + [2] * 50
    assert tables["clusters"].query("chosen == 1")["clusters"].tolist() == [2]
    sets = tables["contributions"].query("position == 1 and letter == 'A'").set_index("set")
    assert sets["count"].to_dict() | {"top": 0, "bottom": 0} == {
        "all": 70, "top": 0, "bottom": 0, "cluster:1": 70, "cluster:2": 0
    }  # fmt: skip
    assert sets.loc["cluster:1", "mean"] > 0.5
