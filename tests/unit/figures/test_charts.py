"""Charts of what methods reach."""

import numpy as np
import pandas as pd

from shapsketch.figures.charts import cost_chart, total_cost_chart


def test_the_chart_names_the_methods_that_answered():
    columns = ["method", "evaluations", "once", "each", "amortised", "r2", "r2_low", "r2_high"]
    rows = [("shapsketch", 9000, 9000, 0, 9, 0.99, 0.98, 0.995), ("kernel_shap", 64, 1000, 64, 65, -3, -5, 0.1),
            ("spex", 64, *[np.nan] * 6)]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    names = [text.get_text() for text in cost_chart(table, "some").axes[0].get_legend().get_texts()]
    assert names == ["shapsketch", "KernelSHAP"]
    axes = total_cost_chart(table, "some", most=1000).axes[0]
    assert [line.get_label() for line in axes.lines] == ["shapsketch (R² 0.99)", "KernelSHAP (R² -3.00)"]
    assert [line.get_ydata()[-1] for line in axes.lines] == [9000, 1000 + 64 * 1000]
