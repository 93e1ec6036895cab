"""Methods text: says what was done, cites what was used, and nothing else."""

import re

import pytest

from analysis import SOURCES
from shapsketch.report.methods_text import INDICES, Facts, Writer, describe_background, supplement
from shapsketch.settings.estimators import ESTIMATORS, OTHERS

WRITER = Writer.read(SOURCES["methods"], SOURCES["bibliography"])

FACTS = {
    "model": "m", "sequence_set": "s", "kind": "DNA", "letters": "ACGT", "template": "NNNNGG", "n": 6, "free": 4,
    "background": "uniform over the letters that the template allows", "independent": True, "source": "torch",
    "design": "random", "coded": False, "outputs": {},
    "listing": {"indices": ["SV", "FSII"], "max_order": 3, "top_k": 20},
    "motifs": {"min_instances": 5, "bootstrap": 200, "clusters": False},
    "seqlets": False, "tomtom": False, "version": "0",
}  # fmt: skip
SCORE = {
    "estimator": "regression", "evaluations": 30_000, "holdout": 3_000, "scored_on": "hold-out", "r2": 0.99,
    "r2_interval": [0.98, 0.995], "found": "found", "share_by_order": {"1": 0.7, "2": 0.99, "3": 0.9999, "4": 1.0},
    "versions": {"numpy": "2.4"}, "seed": 3, "plan": "0123456789abcdef",
}  # fmt: skip
ASKED = {"r2_on_queries": 0.9, "predicted": 119, "sequences": 120}


def text_of(facts=None, score=None, asked=None):
    return WRITER.write(Facts(**FACTS | (facts or {})), {"y": SCORE | (score or {})}, {"y": ASKED | (asked or {})})


def joined(text):
    return " ".join(text.paragraphs)


@pytest.mark.parametrize(
    ("changes", "cited"),
    [
        ({}, set()),
        ({"facts": {"design": "fourier"}, "score": {"estimator": "regression + fourier"}}, {"qsft", "stacking"}),
        ({"facts": {"design": "fourier", "coded": True}}, {"qsft", "spex"}),
        ({"score": {"estimator": "trees + student"}}, {"lightgbm", "distillation", "stacking"}),
        ({"score": {"estimator": "exact", "holdout": 0}, "facts": {"design": "exhaustive"}}, set()),
        ({"facts": {"source": "trees", "design": None}, "score": {"estimator": "exact trees"}}, set()),
        ({"facts": {"tomtom": True, "seqlets": True}}, {"tomtom", "modisco"}),
        ({"facts": {"motifs": {"min_instances": 5, "bootstrap": 200, "clusters": "auto"}}}, {"stability"}),
        ({"score": {"estimator": "train"}}, {"trains", "distillation"}),
        ({"score": {"estimator": "train_alone"}}, {"trains"}),
    ],
)
def test_what_was_used_is_cited_in_the_order_of_its_numbers(changes, cited):
    text = text_of(**changes)
    always = {"shapzero", "harsanyi", "bootstrap", "instashap", "shapley", "faith"}
    assert set(text.cited) == always | cited
    marks = [int(k) for group in re.findall(r"\[([\d,]+)\]", joined(text)) for k in group.split(",")]
    assert list(dict.fromkeys(marks)) == list(range(1, len(text.cited) + 1))
    assert text.references == [WRITER.references[key] for key in text.cited]
    assert supplement(text).endswith(f"[{len(text.cited)}] {text.references[-1]}")


def test_every_estimator_and_index_is_described_and_its_references_are_known():
    for name, estimator in (ESTIMATORS | OTHERS).items():
        assert f"They came from {estimator.words}" in joined(text_of(score={"estimator": name}))
        assert set(estimator.cites) <= set(WRITER.references)
    assert {key for _, key in INDICES.values()} <= set(WRITER.references)
    assert "They came from something new." in joined(text_of(score={"estimator": "something new"}))


def test_what_the_config_says_is_told_to_the_letter():
    told = text_of({"outputs": {"a": "the  mean of <b> & c", "d": "{{ 1 }}"}}).paragraphs[0]
    assert "at each position. The output a is the  mean of <b> & c. The output d is {{ 1 }}. It was evaluated" in told


def test_positions_are_independent_where_the_background_is():
    assert "allows), independently at each position. " in joined(text_of())
    chained = joined(text_of({"background": "a Markov chain of given probabilities", "independent": False}))
    assert "(a Markov chain of given probabilities), all drawn together, whatever letters are present. " in chained
    assert "independently at each" not in chained


def test_near_queries_are_told_with_their_score():
    told = joined(text_of(score={"near": ["s", "t"], "near_holdout": 900, "r2_near": 0.987654}))
    assert "and near the sequences s and t, each of whose letters was kept with a probability drawn uniformly" in told
    assert "0.9877 on 900 held-out queries near sequences" in told
    assert "near" not in joined(text_of())


def test_numbers_are_those_of_the_files():
    told = joined(text_of())
    assert "evaluated 30,000 times in all" in told and "3,000 of these evaluations were held out" in told
    assert "R2 = 0.9900 (95 % bootstrap interval 0.9800 to 0.9950" in told
    assert "0.9000 on the 119 explained sequences that the model was asked about" in told
    assert "70.0 % up to order 1, 99.0 % up to order 2, 100.0 % up to order 3." in told
    assert "refined" not in told
    refined = {"refined": 120, "evaluations_per_sequence": 300.0, "standard_error": 0.00142}
    assert "refined by 300 further evaluations each" in joined(text_of(asked=refined))
    assert "square 0.0014 for y" in joined(text_of(asked=refined))
    assert "explained sequences that the model" not in joined(text_of(asked={"r2_on_queries": None, "predicted": 0}))


def test_other_designs_are_told_as_they_were():
    assert "nothing was sampled" in joined(text_of({"source": "trees", "design": None}))
    assert "30,000 measured sequences were used" in joined(text_of({"source": "table", "design": "table"}))
    every = joined(text_of({"design": "exhaustive"}, {"holdout": 0}))
    assert (
        "All sequences of the template were evaluated (30,000 evaluations in all), and scores weigh each by its"
        in every
    )


@pytest.mark.parametrize(
    ("configured", "words"),
    [
        ("uniform", "uniform over the letters that the template allows"),
        ({"frequencies": {"A": 0.3, "C": 0.7}}, "letter frequencies A 0.3, C 0.7"),
        ({"from_sequences": {"queries": "q", "pseudocount": 1}}, "per position of the sequences q, pseudocount 1"),
        ({"mutate": {"around": "ACGT", "rate": 0.1}}, "sequences near ACGT, each letter mutated with probability 0.1"),
    ],
)
def test_backgrounds_in_words(configured, words):
    assert words in describe_background(configured)


def test_an_undefined_r2_is_told_as_such():
    undefined = {"r2": None, "r2_interval": None, "r2_undefined": "all the same"}
    near = {"near": ["s"], "near_holdout": 900, "r2_near": 0.95}
    told = joined(text_of(score=undefined | near, asked={"r2_on_queries": None}))
    assert "For y, R2 is undefined on the hold-out (all the same), 0.9500 on 900 held-out queries near" in told
    assert "Of the variance found" in told
    assert "(all the same). Nothing was found." in joined(
        text_of(score=undefined | {"found": "nothing"}, asked={"predicted": 0})
    )
    assert "(all the same). What was found may be chance." in joined(
        text_of(score=undefined | {"found": "unsure"}, asked={"predicted": 0})
    )
