"""InstaSHAP as a method."""

from instashap_cases import task_of

from shapsketch.comparison import explain


def test_instashap_as_a_method():
    task = task_of(2_000)
    answer = explain("instashap", task)
    assert answer.fixed == task.model.evaluations <= 2_000
    assert not answer.per_sequence.any()
    assert answer.values.shape == task.codes.shape
