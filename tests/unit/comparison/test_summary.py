"""When the sketch pays, in a number and in words."""

import numpy as np
import pandas as pd

from shapsketch.comparison.summary import break_even, headline


def test_break_even_and_its_sentence():
    columns = ["method", "once", "each", "amortised", "r2"]
    rows = [
        ("shapsketch", 10_000, 0, 100, 0.95),
        ("kernel_shap", 1000, 300, 310, 0.5),
        ("shap_iq", 1000, 3000, 3010, 0.99),
        ("spex", np.nan, np.nan, np.nan, np.nan),
    ]
    table = pd.DataFrame(rows, columns=columns)
    table["break_even"] = break_even(table)
    assert table["break_even"].fillna(-1).tolist() == [-1, 30, -1, -1]
    assert "SHAP-IQ comes closer, with R² 0.990 for 3,010 evaluations" in headline(table)
    fewer = table.drop(2)
    assert "KernelSHAP, has R² 0.500 for 310 evaluations" in headline(fewer)
    assert "From 30 sequences on" in headline(fewer)
    assert headline(table.iloc[:1]) == ""
