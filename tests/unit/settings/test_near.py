"""The sequences that a sketch asks near."""

import pytest

from shapsketch.settings.near import near_names


@pytest.mark.parametrize(
    ("sketch", "names"),
    [
        ({}, []),
        ({"near": None}, []),
        ({"near": {"sequences": "guides"}}, ["guides"]),
        ({"near": {"sequences": ["a", "b"]}}, ["a", "b"]),
    ],
)
def test_one_name_or_several_or_none(sketch, names):
    assert near_names({"sketch": sketch}) == names
