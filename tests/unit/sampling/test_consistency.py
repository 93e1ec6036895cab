"""The first look at a model: models that do not answer one sequence twice the same are told apart, others pass."""

import pytest
import torch

from shapsketch.models import Model
from shapsketch.sampling.consistency import check_answers, evaluations_of, sequences_to_ask
from shapsketch.sampling.design import left_for_checks, make_plan
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError

TEMPLATE = Template(Alphabet("ACGT"), "NNNNNNNNNN")
BACKGROUND = Background.uniform(TEMPLATE)
CODE = """
from random import Random
import numpy as np

random = Random(0)  # read anew for each look, so that a test is the same every time

def signal(s):
    return np.array([(x[0] == "A") + 2.0 * (x[3] == "G") * (x[5] == "T") - 0.1 * x.count("C") for x in s])

def plain(s):
    return signal(s)

def constant(s):
    return np.full(len(s), 0.73)

def dropout(s):
    return [((x[0] == "A") + 2 * (x[3] == "G") * (x[5] == "T")) * (random.random() > 0.3) / 0.7 for x in s]

def faint(s):
    return signal(s) + 0.05 * np.random.default_rng().normal(size=len(s))

calls = 0
def remembers(s):
    global calls
    calls += 1
    return signal(s) + calls

def batchnorm(s):
    y = signal(s)
    return (y - y.mean()) / (y.std() + 1e-5)

def position(s):
    return signal(s) + np.arange(len(s))

def seeded(s):
    return signal(s) * (np.random.default_rng(0).random(len(s)) > 0.3)

def alone(s):
    return signal(s) + (len(s) == 1)

def rounded(s):
    y = 5 + signal(s)
    return y.astype(np.float32) * np.float32(1 + 1e-7 * (len(s) % 7))

def offset(s):
    return (1e6 + signal(s)).astype(np.float32) + np.float32(0.05) * (len(s) % 2)

def constant_noise(s):
    return 1.1 * (0.73 + 1e-7 * np.arange(len(s)) / len(s))

def late(s):
    global calls
    calls += 1
    return signal(s) + (random.random() if calls > 2 else 0.0)

def drift(s):
    return signal(s) + 1e-3 * (len(s) == 1)

def squeezed(s):
    return np.squeeze(signal(s)[:, None])
"""


@pytest.fixture(scope="module")
def code(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "model.py"
    path.write_text(CODE)
    return path


def look(code, name, budget=3000, left=None, batch_size=1024, seed=0):
    model = Model({"kind": "python", "target": f"{code}:{name}"}, TEMPLATE, ["y"], batch_size)
    check = check_answers(model, BACKGROUND, budget=budget, left=budget if left is None else left, seed=seed)
    assert model.evaluations == check.evaluations
    return check


@pytest.mark.parametrize("name", ["plain", "constant", "rounded", "offset", "constant_noise", "squeezed"])
@pytest.mark.parametrize("batch_size", [1024, 7, 1])
def test_models_that_answer_twice_the_same(code, name, batch_size):
    check = look(code, name, batch_size=batch_size)
    assert check.evaluations == evaluations_of(32) == 98
    assert not check.notes


@pytest.mark.parametrize("name", ["dropout", "faint", "remembers"])
@pytest.mark.parametrize("budget", [500, 3000, 100_000])
def test_random_models(code, name, budget):
    with pytest.raises(
        InputError, match=r"differently when it is asked again: y of [ACGT]{10} was .* It is random"
    ) as told:
        look(code, name, budget)
    assert "model.eval()" in str(told.value)
    assert "\n" not in str(told.value)


def test_a_random_model_that_answered_the_same_by_chance(code):
    """Random from its third answer on: the first two batches are alike, the third seems to depend on its batch."""
    with pytest.raises(InputError, match=r"differently when it is asked again: .* It is random"):
        look(code, "late")


@pytest.mark.parametrize("name", ["batchnorm", "position", "seeded"])
@pytest.mark.parametrize("batch_size", [1024, 8])
def test_models_that_depend_on_their_batch(code, name, batch_size):
    with pytest.raises(InputError, match="beside other sequences and in another order .*batch_size: 1") as told:
        look(code, name, batch_size=batch_size)
    assert f"in a batch of {min(32, batch_size)}," in str(told.value)


def test_models_that_are_other_alone(code):
    with pytest.raises(InputError, match=r"in a batch of 32, and .* alone \(the largest difference is"):
        look(code, "alone")


@pytest.mark.parametrize("name", ["batchnorm", "position", "alone"])
def test_asked_one_by_one_a_batch_is_no_matter(code, name):
    assert look(code, name, batch_size=1).sequences == 32


def test_small_differences_are_noted(code):
    check = look(code, "drift")
    assert len(check.notes) == 1
    assert "limits what can be explained" in check.notes[0]
    assert 1e-4 < check.difference["y"].largest / check.difference["y"].spread < 1e-3


def test_half_precision_may_round_more():
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(10, generator=generator)

    class Half:
        name, template, batch_size, outputs = "half", TEMPLATE, 1024, ("y",)

        def __call__(self, codes):
            values = (torch.from_numpy(codes).float() @ weights) * (1 + 2e-3 * (len(codes) % 2))
            return values.to(torch.bfloat16).double().numpy()[:, None]

    assert not check_answers(Half(), BACKGROUND, budget=3000, left=3000, seed=0).notes


def test_no_evaluation_is_beyond_the_budget(code):
    for budget in [1, 4, 5, 13, 14, 100, 499, 3000, 10**6]:
        for left in {0, 1, 2, 4, 5, 20, budget}:
            if left <= budget:
                count = look(code, "plain", budget, left).evaluations
                assert count <= left
                assert count <= max(1, min(98, 0.1 * budget + 2))
                assert (count > 0) == (left > 0)
    assert sequences_to_ask(10**6, 10**6) == 32
    assert evaluations_of(32) == 98


def test_the_plan_and_the_check_share_the_budget():
    plan = make_plan({}, ["y"], BACKGROUND, budget=3000, checked=98)
    assert (plan.size, plan.evaluations) == (2902, 3000)
    small = Background.uniform(Template(Alphabet("ACGT"), "NNNN"))
    for budget in (256, 257, 300, 5000):
        left = left_for_checks(small.template, budget, "auto")
        assert left == budget - 256
        checked = evaluations_of(sequences_to_ask(budget, left))
        plan = make_plan({}, ["y"], small, budget=budget, checked=checked)
        assert (plan.design, plan.size) == ("exhaustive", 256)
        assert plan.evaluations <= budget
    with pytest.raises(InputError, match="A budget of 99 evaluations is too small"):
        make_plan({}, ["y"], BACKGROUND, budget=99, checked=14)
    assert make_plan({}, ["y"], BACKGROUND, budget=100, checked=14).size == 86


def test_rounds_are_those_of_the_budget():
    plan = make_plan({}, ["y"], BACKGROUND, budget=16_000, until_r2=0.9, checked=98)
    assert [plan.checked + end for end in plan.ends] == [1000, 2000, 4000, 8000, 16_000]
    assert plan.first(2).evaluations == 2000


def test_the_sequences_follow_from_the_seed(code):
    asked = []

    class Spy:
        name, template, batch_size, outputs = "spy", TEMPLATE, 1024, ("y",)

        def __call__(self, codes):
            asked.append(codes.copy())
            return codes[:, :1].astype(float)

    for seed in (0, 0, 1):
        check_answers(Spy(), BACKGROUND, budget=3000, left=3000, seed=seed)
    once, again, other = asked[:5], asked[5:10], asked[10:]
    assert all((a == b).all() for a, b in zip(once, again, strict=True))
    assert not (once[0] == other[0]).all()
    assert (once[0] == once[1]).all()
    assert [len(batch) for batch in once] == [32, 32, 32, 1, 1]
    assert (once[2][1::2] == once[0][::-1][:16]).all()
