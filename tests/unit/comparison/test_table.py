"""The comparison goes on where a method cannot."""

from dataclasses import replace

import numpy as np
import pytest

from baseline_cases import task_of
from shapsketch.comparison.table import Comparison


def test_the_table_goes_on_where_a_method_cannot(known):
    task = replace(task_of(600), sketch=None)
    tasks = [replace(task, output=0), task]
    comparison = Comparison(
        tasks, known[1].truth, ["shapsketch", "exact", "proxyspex", "monte_carlo"], [30, 100], 50, 2
    )
    done = []
    table = comparison(lambda: done.append(1))
    assert len(done) == len(table) == 2 * 6
    own = table[table["output"] == "y"].set_index(["method", "evaluations"])
    assert own.loc[("shapsketch", 600), "r2"] == pytest.approx(1)
    assert own.loc[("shapsketch", 600), "amortised"] == 512 / 50
    assert own.loc[("proxyspex", 30), "note"].startswith("ProxySPEX needs at least 32")
    assert np.isnan(own.loc[("proxyspex", 30), "r2"])
    cost = own.loc[("monte_carlo", 100), "each"]
    assert own.loc[("monte_carlo", 100), "break_even"] == np.ceil(512 / cost)
    assert own.loc[("monte_carlo", 100), "compared"] == 3
