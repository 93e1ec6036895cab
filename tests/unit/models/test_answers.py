"""Outputs of a model's answer: names, columns, dictionaries, axes, selections.

Covers also: selection.
"""

import numpy as np
import pandas as pd
import pytest
import torch
from answer_cases import A, G, T

from shapsketch.models.answers import Outputs, WrongRowsError
from shapsketch.models.selection import Axes
from shapsketch.settings.errors import InputError


@pytest.mark.parametrize(
    ("answer", "names", "chosen", "columns"),
    [
        (np.c_[A, G], ["a", "g"], {}, [A, G]),
        (A, ["a"], {}, [A]),
        (A[:, None, None], ["a"], {}, [A]),
        (np.c_[A, G][:, :, None], ["a", "g"], {}, [A, G]),
        ([int(x) for x in A], ["a"], {}, [A]),
        (torch.tensor(np.c_[A, G].astype(np.float32), requires_grad=True), ["a", "g"], {}, [A, G]),
        (torch.tensor(A, dtype=torch.bfloat16), ["a"], {}, [A]),
        ({"g": G[:, None], "a": A, "other": np.c_[A, G]}, ["a", "g"], {}, [A, G]),
        ({"out:0": np.c_[A, G]}, ["g"], {"g": {"column": 1}}, [G]),
        ({"d/S:0": np.c_[A, G], "l": T}, ["g", "t"], {"g": {"of": "d/S:0", "column": 1}, "t": {"of": "l"}}, [G, T]),
        (np.c_[A, G, T], ["t", "a"], {"t": {"column": 2}, "a": {"column": 0}}, [T, A]),
        ({0: A, 1: np.c_[G, T]}, ["t"], {"t": {"of": 1, "column": 1}}, [T]),
        ({"p": [{"no": a, "yes": g} for a, g in zip(A, G, strict=True)]}, ["y"], {"y": {"column": "yes"}}, [G]),
        ({"p": [{0: a, 1: g} for a, g in zip(A, G, strict=True)]}, ["y"], {"y": {"of": "p", "column": 0}}, [A]),
        (["1.5"] * 7, ["a"], {}, [np.full(7, 1.5)]),
    ],
)
def test_outputs_are_found(answer, names, chosen, columns):
    np.testing.assert_array_equal(Outputs("m", tuple(names), chosen)(answer, 7), np.column_stack(columns))


DEEP = np.random.default_rng(1).normal(size=(7, 3, 4))

NAMED = [{"strand": ["plus", "minus", "none"]}, "position"]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"select": [2, -1]}, DEEP[:, 2, 3]),
        ({"select": {"2": "1:3"}, "reduce": "sum"}, DEEP[:, :, 1:3].sum((1, 2))),
        ({"select": {"strand": "minus", "position": [3, 0]}, "reduce": "mean"}, DEEP[:, 1, [3, 0]].mean(1)),
        ({"select": [["plus", 2], ":"], "reduce": "max"}, DEEP[:, [0, 2]].max((1, 2))),
        ({"reduce": "logsumexp"}, np.log(np.exp(DEEP).sum((1, 2)))),
        (
            {"select": {"strand": 0}, "reduce": "softmax_share"},
            np.exp(DEEP[:, 0]).sum(1) / np.exp(DEEP).sum((1, 2)),
        ),
        (
            {"select": [0, "1:3"], "against": [0, "all"], "reduce": "softmax_share"},
            np.exp(DEEP[:, 0, 1:3]).sum(1) / np.exp(DEEP[:, 0]).sum(1),
        ),
    ],
)
def test_outputs_are_made_of_selections(spec, expected):
    values = Outputs("m", ("p",), {"p": spec}, Axes.read(NAMED))(DEEP, 7)
    np.testing.assert_allclose(values[:, 0], expected, rtol=1e-12)


def test_log_ratios_and_parts_of_several_outputs():
    answer = {"a": np.exp(DEEP), "b": DEEP[:, 0]}
    spec = {"of": "a", "select": {"1": 0}, "against": {"1": 1}, "reduce": "log_ratio"}
    values = Outputs("m", ("p",), {"p": spec})(answer, 7)[:, 0]
    np.testing.assert_allclose(values, np.log(np.exp(DEEP[:, 0]).sum(1) / np.exp(DEEP[:, 1]).sum(1)))
    spec = {"of": "a", "select": [0, 1], "against": {"of": "b", "1": 2}, "reduce": "difference"}
    np.testing.assert_allclose(
        Outputs("m", ("p",), {"p": spec})(answer, 7)[:, 0], np.exp(DEEP[:, 0, 1]) - DEEP[:, 0, 2]
    )
    axes = Axes.read({"a": NAMED})
    spec = {"of": "a", "select": {"strand": "none"}, "reduce": "mean"}
    np.testing.assert_allclose(Outputs("m", ("p",), {"p": spec}, axes)(answer, 7)[:, 0], np.exp(DEEP[:, 2]).mean(1))


def test_names_of_indices_from_a_file_and_of_a_data_frame(tmp_path):
    (tmp_path / "tracks.txt").write_text("K562\nHepG2\n\nWTC11\nH1\n")
    axes = Axes.read(["bins", {"tracks": str(tmp_path / "tracks.txt")}])
    chosen = {"p": {"select": {"tracks": "WTC11", "bins": 1}}}
    np.testing.assert_array_equal(Outputs("m", ("p",), chosen, axes)(DEEP, 7)[:, 0], DEEP[:, 1, 2])
    frame = pd.DataFrame({"x": A, "y": G})
    chosen = {"p": {"select": [["x", "y"]], "reduce": "sum"}, "q": {"column": "y"}}
    np.testing.assert_array_equal(Outputs("m", ("p", "q"), chosen)(frame, 7), np.c_[A + G, G])
    with pytest.raises(InputError, match="names of the axis tracks cannot be read from .*none.txt"):
        Axes.read([{"tracks": str(tmp_path / "none.txt")}])


LINE = "whose shape is \\(7, 3, 4\\), the sequences first: "


@pytest.mark.parametrize(
    ("spec", "axes", "sentence"),
    [
        (
            {"select": [0]},
            [],
            LINE + '1 axis is selected, and it has 2 .* outputs: {p: {select: \\[0, "0:4"\\], reduce: "mean"}}',
        ),
        ({"select": [3, 0]}, [], LINE + r"axis 1 has the indices 0 to 2, and not 3; .* {select: \[0, 0\]}}\.$"),
        ({"select": [0, "2:5"]}, [], LINE + r"axis 2 is given the range 2:5, which reaches beyond its 4 indices"),
        ({"select": [0, "2:2"]}, [], LINE + r"axis 2 is given the range 2:2, which holds none of them"),
        ({"select": [0, [1, 1]]}, [], LINE + r"axis 2 is given \[1, 1\], which names an index twice"),
        (
            {"select": {"tracks": 0}},
            [],
            LINE + r"it has no axis tracks: its axes have the numbers 1 to 2; name them by axes",
        ),
        ({"select": {"3": 0}}, [], LINE + r"it has no axis 3: its axes have the numbers 1 to 2; write"),
        ({"select": {"strands": 0}}, NAMED, LINE + "it has no axis strands: its axes are strand, position"),
        (
            {"select": ["plsu", 0]},
            NAMED,
            LINE + r"axis 1 \(strand\) has no 'plsu': did you mean 'plus'\?; .*\[\"plus\", 0\]",
        ),
        ({"select": ["K562", 0]}, [], LINE + "axis 1 has no 'K562': its indices have no names; give them by axes"),
        ({"select": ["a", 0]}, [{"s": ["a", "b"]}, "x"], r"axis 1 \(s\) has 3 indices, and the config gives 2 names"),
        (
            {"select": [0, "all"]},
            [],
            r"selects 4 numbers for each sequence .* {select: \[0, \"all\"\], reduce: \"mean\"}}",
        ),
        (
            {"select": [0, 1], "against": [1, 1], "reduce": "softmax_share"},
            [],
            "a share of numbers in a softmax over others",
        ),
        ({"of": "x", "reduce": "sum"}, [], "returned one array without names; leave out `of`"),
        ({"column": 1, "select": 0}, [], "has both column and select"),
        ({"select": [0, 1], "against": 3}, [], "has a second selection, against, which needs reduce: log_ratio"),
        ({"select": [0, 1], "reduce": "difference"}, [], "is a difference, which needs a second selection"),
        ({"select": {"1": 0, "2": 1}, "against": {"1": 1}, "reduce": "log_ratio"}, [], "along 2 in only one of select"),
    ],
)
def test_selections_that_do_not_fit_are_one_sentence(spec, axes, sentence):
    with pytest.raises(InputError, match=sentence) as told:
        Outputs("m", ("p",), {"p": spec}, Axes.read(axes))(DEEP, 7)
    assert "\n" not in str(told.value)


def test_too_few_names_print_the_shape_and_the_line():
    with pytest.raises(
        InputError, match=r"of shape \(7, 3, 4\) for 7 .* {p: {select: \[0, \"0:4\"\], reduce: \"mean\"}}"
    ):
        Outputs("m", ("p",))(DEEP, 7)
    with pytest.raises(InputError, match=r"0 \(7, 2\), 1 \(7, 3, 4\)"):
        Outputs("m", ("p",))((DEEP[:, 0, :2], DEEP), 7)


def test_a_model_that_drops_axes_of_one():
    """One sequence may come back without its axis."""
    np.testing.assert_array_equal(Outputs("m", ("a",))(np.float64(3), 1), [[3]])
    np.testing.assert_array_equal(Outputs("m", ("a", "b"))(np.array([3.0, 4]), 1), [[3, 4]])
    chosen = {"b": {"column": 1}}
    np.testing.assert_array_equal(Outputs("m", ("b",), chosen)(np.array([3.0, 4]), 1), [[4]])
    with pytest.raises(WrongRowsError):
        Outputs("m", ("a",))(np.array([3.0, 4]), 1)


@pytest.mark.parametrize(
    ("answer", "names", "chosen", "sentence"),
    [
        (np.zeros((7, 2)), ["p"], {}, r"shape \(7, 2\) for 7 .* such as outputs: {p: {column: 1}}\."),
        (np.zeros((7, 3)), ["p", "q"], {}, r"such as outputs: {p: {column: 1}, q: {column: 2}}\."),
        (np.zeros((7, 2)), ["a", "b", "c"], {}, r"\(7, 3\) is needed for the outputs a, b, c\.$"),
        ({"p": np.zeros((7, 2))}, ["p"], {}, r'its output \'p\'; \(7,\) is needed; .* {p: {of: "p", column: 1}}\.'),
        ({"d/S:0": np.zeros(7), "b": np.zeros(7)}, ["p"], {}, r"no output 'p'; it returned d/S:0 \(7,\), b \(7,\); "),
        (
            {"label": np.zeros(7), "prob": np.zeros((7, 2))},
            ["p0", "p1"],
            {},
            r'outputs: {p0: {of: "prob", column: 0}, p1: {of: "prob", column: 1}}\.',
        ),
        ({"p": np.array(["yes"] * 7)}, ["p"], {}, r"returned text \(yes\) as its output 'p'; numbers are needed"),
        (np.zeros(7, complex), ["p"], {}, r"returned complex128 \(0j\); numbers are needed"),
        (np.zeros((7, 2)), ["p"], {"p": {"column": 2}}, r"the column 2, counted from 0, .* whose shape is \(7, 2\)"),
        (np.zeros((7, 2)), ["p"], {"p": {"column": "yes"}}, "its columns have numbers, from 0, and no names"),
        ({"p": [{"a": 1.0}] * 7}, ["p"], {"p": {"column": "b"}}, "its columns are a"),
        (np.zeros(7), ["p"], {"p": {"of": "out"}}, "returned one array without names; leave out `of`"),
        ({"x": A, "y": G}, ["p"], {"p": {"of": "z"}}, r"no output 'z'; it returned x \(7,\), y \(7,\)"),
    ],
)
def test_what_cannot_be_an_output_is_one_sentence(answer, names, chosen, sentence):
    with pytest.raises(InputError, match=sentence) as told:
        Outputs("m", tuple(names), chosen)(answer, 7)
    assert "\n" not in str(told.value)
