"""shapzero on a sparse function."""

import numpy as np
import pytest
from gradient_cases import Sparse

from shapsketch.comparison import Task, explain
from shapsketch.sequences.background import Background


@pytest.mark.peers
def test_shapzero_is_close_on_a_sparse_function():
    codes = np.random.default_rng(4).integers(0, 4, (4, 8)).astype(np.uint8)
    task = Task(Sparse(0.0), Background.uniform(Sparse.template), 1, codes, 4000, 2, 0)
    answer = explain("shapzero", task)
    assert answer.fixed == task.model.evaluations > 4000
    assert np.corrcoef(answer.values.ravel(), explain("exact", task).values.ravel())[0, 1] > 0.99
    assert "more than its budget" in answer.note
