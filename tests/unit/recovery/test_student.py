"""Students are saved without pickles.

Covers also: networks.
"""

import numpy as np
import pytest

from recovery_cases import sketch_of, sparse_function
from shapsketch.recovery import recover
from shapsketch.recovery.student import load_students, save_students
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError
from shapsketch.storage.files import save_npz


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
