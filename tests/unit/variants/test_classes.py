"""Which labels are the positive class, the negative one, or neither."""

import numpy as np
import pandas as pd
import pytest

from shapsketch.settings.errors import InputError
from shapsketch.variants.classes import Truth, describe_classes, positive_label, without_label


def read(labels, *wanted):
    return Truth.read(pd.DataFrame({"label": labels, "score": np.nan}), *wanted)


def test_the_positive_label_is_told_or_asked_for():
    assert positive_label(["0", "1", ""]) == "1"
    assert positive_label(["Benign", "Pathogenic"]) == "Pathogenic"
    assert positive_label(["a", "b"], "b") == "b"
    assert positive_label(["a", "b"], "", ["a"]) == "b"
    with pytest.raises(InputError, match=r"The labels are a, b, c; say which is positive, as in `positive: b`"):
        positive_label(["a", "b", "c"], "", ["a"])
    with pytest.raises(InputError, match="calls all of them negative"):
        positive_label(["a", "b"], "", ["b", "a"])
    assert positive_label(["0", "1"], "1.0") == "1" and positive_label(["0.0", "1.0"], "1.0") == "1.0"
    with pytest.raises(InputError, match="labels are a, b; say which is positive, as in `positive: a`"):
        positive_label(["a", "b"])
    with pytest.raises(InputError, match="No variant has the label 'c'"):
        positive_label(["a", "b"], "c")


CLINVAR = ["Benign", "Likely_benign", "Likely_pathogenic", "Pathogenic", "Uncertain_significance", ""]


def test_a_third_class_is_not_silently_the_negative_one():
    sentence = (
        "The labels are Benign, Likely_benign, Likely_pathogenic, Pathogenic, Uncertain_significance, and two classes "
        "are compared: say which is positive, and which are negative, as in `positive: Pathogenic` and `negative: "
        "[Benign]`."
    )
    with pytest.raises(InputError) as error:
        read(CLINVAR)
    assert str(error.value) == sentence
    with pytest.raises(InputError, match="^The labels are a0, a1, .*, a17 and 30 more, and two classes are compared"):
        read([f"a{k}" for k in range(40)])


def test_labels_are_of_the_negative_class_where_they_are_named_so():
    truth = read(CLINVAR, "Pathogenic", ["Benign", "Likely_benign"])
    assert truth.positive.tolist() == [False] * 3 + [True] + [False] * 2
    assert truth.labelled.tolist() == [True, True, False, True, False, False]
    assert describe_classes(truth) == (
        "Pathogenic is the positive class, Benign, Likely_benign the negative one; Likely_pathogenic, "
        "Uncertain_significance of neither"
    )
    assert without_label(truth) == (
        "3 of 6 variants have no label, or Likely_pathogenic, Uncertain_significance, and are of neither class"
    )
    assert read(CLINVAR, "", ["Benign"]).label == "Pathogenic"
    others = read(CLINVAR, "Pathogenic")  # all others, and that is told
    assert others.labelled.sum() == 5 and others.negative == tuple(one for one in CLINVAR[:5] if one != "Pathogenic")
    assert describe_classes(others).endswith("Likely_pathogenic, Uncertain_significance the negative one")


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (("Pathogenic", ["benign"]), "No variant has the label 'benign', which the config calls negative; they have"),
        (("Pathogenic", ["Benign", "Pathogenic"]), "'Pathogenic' is the positive class, and the config calls it neg"),
    ],
)
def test_negative_labels_that_cannot_be_are_told(wanted, sentence):
    with pytest.raises(InputError, match=sentence):
        read(CLINVAR, *wanted)
