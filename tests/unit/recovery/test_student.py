"""Students: which networks learn, how bounds are kept, and their file without pickles.

Covers also: networks, student_fit.
"""

import json
from dataclasses import replace

import numpy as np
import pytest

from recovery_cases import free_template, sketch_of, sparse_function
from shapsketch.recovery import networks, recover, standardised, student_fit
from shapsketch.recovery.networks import EMBEDDED, PLACED, POOLED, WIDE
from shapsketch.recovery.student import load_students, save_students
from shapsketch.recovery.student_fit import HEAT, Choice, choose_kinds, kinds_of, rivals_of, shape_of, train_students
from shapsketch.recovery.work import student_seconds
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError
from shapsketch.storage.files import load_npz, save_npz


def test_students_are_saved_without_pickles(tmp_path, brief):
    template = Template(Alphabet("ACGT"), "ANNTNNNNC")
    function, _ = sparse_function(template, 2, 6, seed=5)
    sketch = sketch_of(function, template, budget=1_000, design="random")
    stack = recover(sketch, 0, estimator="student").student
    save_students(tmp_path / "s.npz", {"y": stack, "none": None})
    loaded = load_students(tmp_path / "s.npz")
    assert list(loaded) == ["y"]
    assert (loaded["y"].positions == template.free).all()  # fixed letters teach a perceptron nothing
    assert (loaded["y"].predict(sketch.codes[:300]) == stack.predict(sketch.codes[:300])).all()
    with pytest.raises(InputError, match="not a file of students"):
        save_npz(tmp_path / "x.npz", {"a": np.zeros(1)})
        load_students(tmp_path / "x.npz")


def donor(codes):
    """The probability of a splice donor: flat, but where four and more of six letters are as they should be."""
    hits = (codes[:, 3:9] == [2, 3, 0, 0, 2, 3]).sum(1)
    return 1 / (1 + np.exp(6 - 4 * np.maximum(hits - 3, 0)))


def test_probabilities_that_pile_up_at_bounds_have_students_that_keep_to_them(tmp_path, monkeypatch):
    monkeypatch.setattr(networks, "EPOCHS", 12)
    sketch = sketch_of(donor, free_template(4, 12), budget=5_000, design="random")
    samples, scale = standardised(sketch, 0, 2)
    assert samples.bounds == tuple(scale.standardise(np.array([0.0, 1.0])))
    assert all(kind.bounded for kind in rivals_of([samples]).values())
    free, bounded = (
        train_students([samples], Choice((replace(POOLED, bounded=flag),)))[0][0].in_units(scale)
        for flag in (False, True)
    )
    codes = np.random.default_rng(0).integers(0, 4, (5_000, 12)).astype(np.uint8)
    sites = codes.copy()
    sites[:, 3:9] = [2, 3, 0, 0, 2, 3]
    for asked, part in ((codes, 0.5), (sites, 0.1)):
        errors = [np.square(student.predict(asked) - donor(asked)).mean() for student in (free, bounded)]
        assert errors[1] < part * errors[0]
    save_students(tmp_path / "s.npz", {"y": bounded})
    assert (load_students(tmp_path / "s.npz")["y"].predict(codes) == bounded.predict(codes)).all()


def test_outputs_with_and_without_bounds_share_a_trunk(monkeypatch):
    monkeypatch.setattr(networks, "EPOCHS", 4)
    of, template = (1, 3, -1), free_template(4, 12)
    samples = [standardised(sketch_of(lambda c, a=a: a * donor(c), template, budget=2_000), 0, 1)[0] for a in of]
    assert [bool(output.bounds) for output in samples] == [True, False, False]
    _, details = train_students(samples, Choice((replace(POOLED, bounded=True),)))
    assert min(about["student_r2"] for about in details) > 0.2


def test_the_kind_that_validates_best_in_a_heat_is_trained(monkeypatch):
    monkeypatch.setattr(networks, "EPOCHS", 16)
    monkeypatch.setattr(networks, "PERCEPTRON_EPOCHS", 8)
    samples, _ = standardised(sketch_of(donor, free_template(4, 12), budget=1_000, design="random"), 0, 2)
    samples = replace(samples, bounds=None)
    rivals = rivals_of([samples])
    assert rivals == {"placed": PLACED, "pooled": POOLED, "perceptron": WIDE}
    heat = train_students([samples], Choice(tuple(rivals.values()), HEAT))[0][0]
    missed = {}
    for name, kind, network in zip(rivals, heat.architectures, heat.networks, strict=True):
        alone = replace(heat, architectures=(kind,), networks=(network,), weights=(1.0,))
        missed[name] = np.square(alone.predict(samples.validation_codes) - samples.validation_values).mean()
    (student,), details = train_students([samples], choose_kinds([samples]))
    best = details[0]["kind"]
    assert best == min(missed, key=missed.__getitem__)
    assert best != "perceptron"
    assert list(student.architectures) == kinds_of([samples], [best])
    assert details[0]["students"] == len(student.networks)
    assert len(set(student.weights)) == 1  # chance alone tells them apart


def site_sums(codes):
    """Effects of sites on a latent scale, and a saturating measurement of it."""
    effects = np.random.default_rng(2).normal(size=(12, 4))
    return np.tanh(effects[np.arange(12), codes].sum(1) / 3)


def test_where_perceptrons_lead_two_kinds_are_trained_and_the_next_if_it_is_close(monkeypatch):
    monkeypatch.setattr(networks, "EPOCHS", 4)
    monkeypatch.setattr(networks, "PERCEPTRON_EPOCHS", 16)
    samples, _ = standardised(sketch_of(site_sums, free_template(4, 12), budget=1_000, design="random"), 0, 2)
    samples = replace(samples, bounds=None)
    alone, followed = (kinds_of([samples], leaders) for leaders in (["perceptron"], ["perceptron", "placed"]))
    assert alone == [WIDE, EMBEDDED] and followed == [WIDE, EMBEDDED, PLACED, PLACED]
    for close, possible in ((1.0, [alone]), (1e9, [followed, kinds_of([samples], ["perceptron", "pooled"])])):
        monkeypatch.setattr(student_fit, "CLOSE", close)
        (student,), details = train_students([samples], choose_kinds([samples]))
        assert details[0]["kind"] == "perceptron"
        assert any(set(student.architectures) <= set(kinds) for kinds in possible)
        assert details[0]["students"] == sum(weight > 0 for weight in student.weights)


def test_kinds_that_are_fast_get_the_time_that_slow_ones_would_have_taken(monkeypatch):
    monkeypatch.setattr(networks, "EPOCHS", 16)
    monkeypatch.setattr(networks, "PERCEPTRON_EPOCHS", 8)
    samples, _ = standardised(sketch_of(donor, free_template(4, 12), budget=1_000, design="random"), 0, 2)
    samples, shape = replace(samples, bounds=None), shape_of([samples])
    heat, free = HEAT * student_seconds(shape, [PLACED, POOLED, WIDE]), choose_kinds([samples])
    needed = heat + student_seconds(shape, free.kinds)
    assert free.effort == 1
    assert needed < heat + student_seconds(shape, kinds_of([samples], ["perceptron", "placed"]))
    capped = choose_kinds([samples], needed / 120)
    assert capped == free
    assert choose_kinds([samples], needed / 240).effort == pytest.approx(0.5, abs=0.2)
    followed = choose_kinds([samples], needed / 120, lambda kinds: student_seconds(shape, kinds))
    assert followed.effort == pytest.approx(0.5, abs=0.2)


def test_students_of_before_embedded_letters_are_read(tmp_path, brief):
    template = free_template(4, 9)
    sketch = sketch_of(sparse_function(template, 2, 6, seed=5)[0], template, budget=1_000, design="random")
    student = recover(sketch, 0, estimator="student").student
    save_students(tmp_path / "s.npz", {"y": student})
    arrays = load_npz(tmp_path / "s.npz")
    for name in [name for name in arrays if name.startswith("networks/") and name.endswith("/about")]:
        about = json.loads(str(arrays[name]))
        del about["architecture"]["latent"]
        arrays[name] = np.array(json.dumps(about))
    save_npz(tmp_path / "old.npz", arrays)
    assert (load_students(tmp_path / "old.npz")["y"].predict(sketch.codes) == student.predict(sketch.codes)).all()


def test_features_are_centred_at_the_background():
    background = Background.mutated(Template(Alphabet("ACGT"), "NNR"), "ACG", 0.1)
    centred, plain = networks.centred_features(background), networks.letter_features(background.template)
    for i, p in enumerate(background.local):
        np.testing.assert_allclose(p @ centred[i, : len(p)], 0, atol=1e-6)
        np.testing.assert_allclose(
            np.diff(centred[i, : len(p)], axis=0), np.diff(plain[i, : len(p)], axis=0), atol=1e-6
        )


def test_cheaper_kinds_are_trained_more_often(monkeypatch):
    monkeypatch.setattr(student_fit, "MAX_COPIES", 4)
    samples, _ = standardised(sketch_of(donor, free_template(4, 12), budget=1_500, design="random"), 0, 2)
    seconds = {name: student_seconds(shape_of([samples]), [kind]) for name, kind in rivals_of([samples]).items()}
    counts = {name: len(kinds_of([samples], [name])) for name in seconds}
    assert counts["placed"] == 2 < counts["pooled"] <= 4
    assert counts["pooled"] * seconds["pooled"] <= 2 * seconds["placed"]
