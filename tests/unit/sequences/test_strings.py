"""Lists of strings, whatever they come in: one answer, or one sentence with the number of the bad one."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from oracles import random_function
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.settings.errors import InputError
from shapsketch.spectrum.ambiguity import resolve

SEQUENCES = ["ACDE", "CCCC", "EDCA"]
CONTAINERS = {
    "tuple": tuple,
    "generator": lambda own: (s for s in own),
    "a filtered column": lambda own: pd.Series(["x", *own], index=[0, 5, 7, 9])[1:],
    "labels": lambda own: pd.Series(own, index=["a", "b", "c"], dtype=object),
    "pandas strings": lambda own: pd.Series(own, dtype="string"),
    "a category": lambda own: pd.Series(own, dtype="category"),
    "Index": pd.Index,
    "numpy text": np.array,
    "numpy objects": lambda own: np.array(own, object),
    "numpy bytes": lambda own: np.array(own, "S"),
    "bytes": lambda own: [own[0].encode(), *own[1:]],
    "Arrow": pa.array,
    "Arrow in chunks": lambda own: pa.chunked_array([own[:1], own[1:]]),
    "values": lambda own: dict(enumerate(own)).values(),
}


@pytest.fixture(scope="module")
def spectrum():
    return random_function(4, 4, False, 1)[0]


@pytest.mark.parametrize("container", CONTAINERS)
def test_sequences_come_in_anything_that_has_an_order(spectrum, container):
    def make():
        return CONTAINERS[container](list(SEQUENCES))

    assert (spectrum.predict(make()) == spectrum.predict(SEQUENCES)).all()
    assert (spectrum.shapley_values(make()) == spectrum.shapley_values(SEQUENCES)).all()
    assert spectrum.interactions(make()).equals(spectrum.interactions(SEQUENCES))
    assert (spectrum.template.alphabet.encode(make()) == spectrum.template.alphabet.encode(SEQUENCES)).all()


def test_no_sequences_have_no_values(spectrum):
    for none in ([], pd.Series([], dtype=object), np.array([], str)):
        assert spectrum.predict(none).shape == (0,)
        assert spectrum.shapley_values(none).shape == (0, 4)
        assert spectrum.interactions(none).empty


REFUSED = {
    "'ACDE' is one alone: put it in": "ACDE",
    "b'ACDE' is one alone: put it in": b"ACDE",
    "Sequence 2 is missing (None); leave such rows out.": ["ACDE", None],
    "Sequence 1 is missing (nan); leave": [float("nan"), "ACDE"],
    "Sequence 3 is missing (<NA>)": pd.Series(["ACDE", "ACDE", pd.NA], dtype="string"),
    "Sequence 2 is missing (None)": pa.array(["ACDE", None]),
    "Sequence 1 is not a string but 7 of the type int": np.array([7]),
    "Sequence 1 is not a string but ['A', 'C'] of the type list": [["A", "C"]],
    "Sequence 1 is not a string but b'\\xff' of the type bytes": [b"\xff"],
    "or a column of a table; this is a set": {"ACDE"},
    "or a column of a table; this is a dict": {"a": "ACDE"},
    "this is a DataFrame of 2 axes": pd.DataFrame({"sequence": SEQUENCES}),
    "this is a ndarray of 2 axes": np.array([["A", "C"]]),
    "this is a ndarray of 0 axes": np.array("ACDE"),
    "this is a NoneType": None,
    "Sequence 2 has 3 letters; this spectrum explains sequences of 4": ["ACDE", "ACD"],
    "Sequence 2 has '→' at position 1": ["ACDE", "→CDE"],
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_others_get_one_sentence(spectrum, sentence):
    for ask in (spectrum.predict, spectrum.shapley_values, spectrum.interactions, lambda s: resolve(spectrum, s)):
        with pytest.raises(InputError) as caught:
            ask(REFUSED[sentence])
        assert sentence in str(caught.value)


def test_alphabets_refuse_them_too():
    with pytest.raises(InputError, match="Sequence 2 is missing"):
        Alphabet("ACGT").encode(["A", None])
