"""Methods: what was done in one analysis, in sentences for a paper's supplement, with what to cite.

Only what was really done is said: the estimators that are in the spectrum, the indices that were computed,
refinement where it ran.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..fidelity.r2_words import scored_on
from ..fidelity.records import OutputRecord, SequencesScore

REFERENCES = {
    "shapley": "Shapley, L. S. A value for n-person games. In Contributions to the Theory of Games II, 307-317 "
    "(Princeton University Press, 1953).",
    "harsanyi": "Harsanyi, J. C. A simplified bargaining model for the n-person cooperative game. International "
    "Economic Review 4, 194-220 (1963).",
    "shapzero": "Tsui, D., Musharaf, A., Erginbas, Y. E., Kang, J. S. & Aghazadeh, A. SHAP zero explains biological "
    "sequence models with near-zero marginal cost for future queries. arXiv:2410.19236 (2024).",
    "qsft": "Erginbas, Y. E., Kang, J. S., Aghazadeh, A. & Ramchandran, K. Efficiently computing sparse Fourier "
    "transforms of q-ary functions. IEEE International Symposium on Information Theory (2023).",
    "spex": "Kang, J. S. et al. SPEX: scaling feature interaction explanations for LLMs. International Conference on "
    "Machine Learning (2025).",
    "instashap": "Enouen, J. & Liu, Y. InstaSHAP: interpretable additive models explain Shapley values instantly. "
    "International Conference on Learning Representations (2025).",
    "lightgbm": "Ke, G. et al. LightGBM: a highly efficient gradient boosting decision tree. Advances in Neural "
    "Information Processing Systems 30 (2017).",
    "distillation": "Hinton, G., Vinyals, O. & Dean, J. Distilling the knowledge in a neural network. "
    "arXiv:1503.02531 (2015).",
    "stacking": "Wolpert, D. H. Stacked generalization. Neural Networks 5, 241-259 (1992).",
    "bootstrap": "Efron, B. & Tibshirani, R. J. An Introduction to the Bootstrap (Chapman & Hall, 1993).",
    "faith": "Tsai, C.-P., Yeh, C.-K. & Ravikumar, P. Faith-Shap: the faithful Shapley interaction index. Journal of "
    "Machine Learning Research 24(94), 1-42 (2023).",
    "taylor": "Sundararajan, M., Dhamdhere, K. & Agarwal, A. The Shapley Taylor interaction index. International "
    "Conference on Machine Learning (2020).",
    "grabisch": "Grabisch, M. & Roubens, M. An axiomatic approach to the concept of interaction among players in "
    "cooperative games. International Journal of Game Theory 28, 547-565 (1999).",
    "bordt": "Bordt, S. & von Luxburg, U. From Shapley values to generalized additive models and back. International "
    "Conference on Artificial Intelligence and Statistics (2023).",
    "modisco": "Shrikumar, A. et al. Technical note on transcription factor motif discovery from importance scores "
    "(TF-MoDISco). arXiv:1811.00416 (2018).",
    "trains": "Heidari, F., Li, C. & Rabusseau, G. Tractable Shapley values and interactions via tensor networks. "
    "arXiv:2510.22138 (2025).",
    "tomtom": "Gupta, S., Stamatoyannopoulos, J. A., Bailey, T. L. & Noble, W. S. Quantifying similarity between "
    "motifs. Genome Biology 8, R24 (2007).",
}
INDICES = {
    "FSII": ("Faith-Shap interaction indices", "faith"),
    "FBII": ("Faith-Banzhaf interaction indices", "faith"),
    "STII": ("Shapley-Taylor interaction indices", "taylor"),
    "SII": ("Shapley interaction indices", "grabisch"),
    "BII": ("Banzhaf interaction indices", "grabisch"),
    "k-SII": ("k-SII values (n-Shapley values)", "bordt"),
    "BV": ("Banzhaf values", "grabisch"),
}
ESTIMATORS = {
    "constant": ("the mean of the values alone, as nothing that was fitted predicted separate points better", ()),
    "exact": ("an exact transform of all values", ()),
    "exact trees": ("exact expansion of the trees' leaves into dividends", ()),
    "regression": ("sparse ridge regression in the orthonormal basis of the background", ()),
    "fourier": ("a q-ary sparse Fourier transform on a subsampled lattice", ("qsft",)),
    "trees": ("gradient-boosted trees, turned into exact dividends", ("lightgbm",)),
    "instashap": ("an additive model of tables trained under masks", ("instashap",)),
    "train": (
        "a tensor train, a product of one small matrix for each position, fitted to neural networks that were trained "
        "on the same values and to the values themselves; dividends of every order follow from it in closed form",
        ("trains", "distillation"),
    ),
    "train_alone": ("a tensor train, a product of one small matrix for each position", ("trains",)),
    "student": (
        "small neural networks distilled on the same values, whose dividends were read off by projection",
        ("distillation",),
    ),
}


@dataclass
class Text:
    """Paragraphs with numbered citations.

    Attributes:
        paragraphs: plain text, with marks such as [2].
        cited: keys of REFERENCES, in the order of their numbers.
    """

    paragraphs: list[str] = field(default_factory=list)
    cited: list[str] = field(default_factory=list)

    def cite(self, *keys: str) -> str:
        """Return the marks of some references, numbering those that are new."""
        self.cited += [key for key in keys if key not in self.cited]
        return "[" + ",".join(str(self.cited.index(key) + 1) for key in keys) + "]" if keys else ""

    @property
    def references(self) -> list[str]:
        """The cited references, the first is number 1."""
        return [REFERENCES[key] for key in self.cited]


def methods_text(
    facts: Mapping[str, Any], scores: Mapping[str, OutputRecord], on_queries: Mapping[str, SequencesScore]
) -> Text:
    """Describe one analysis.

    Args:
        facts: `model`, `sequence_set`, `kind` (of the alphabet), `letters`, `template`, `n`, `free` (positions),
            `background` (in words), `source` (kind), `outputs` (what each is of the model's answer, where the config
            says so), `design` (of the plan; None without one), `listing` (`indices`, `max_order`, `top_k`), `motifs`
            (settings), `seqlets` (were any found), `tomtom` (was a database searched), `version`.
        scores: `spectrum/faithfulness.json`.
        on_queries: `faithfulness.json` of the sequences.
    """
    text = Text()
    first = next(iter(scores.values()))
    text.paragraphs.append(_sketch(text, facts, first))
    text.paragraphs.append(_recovery(text, facts, scores))
    text.paragraphs.append(_faithfulness(text, facts, scores, on_queries))
    text.paragraphs.append(_explanation(text, facts, on_queries))
    text.paragraphs.append(_motifs(text, facts))
    versions = ", ".join(f"{name} {version}" for name, version in first["versions"].items() if name != "shapsketch")
    text.paragraphs.append(
        f"Software: shapsketch {facts['version']}, {versions}. Seed {first['seed']}; plan {first['plan'][:12]} "
        "(first digits of its SHA-256). With these, all results can be made again to the bit."
    )
    return text


def _sketch(text: Text, facts: Mapping[str, Any], score: OutputRecord) -> str:
    fixed = facts["n"] - facts["free"]
    letters = f"{facts['kind']} sequences" if facts["kind"] != "custom" else f"sequences over {facts['letters']}"
    space = f"{letters} of {facts['n']} letters" + (
        f", {fixed} of them fixed (template {facts['template']})" if fixed else ""
    )
    start = (
        f"The model {facts['model']} was explained on {space}, following the idea of SHAP zero {text.cite('shapzero')}:"
        " it is sketched once, and every explanation is then read off the sketch. Absent letters follow the background "
        f"distribution ({facts['background']}), independently at each position. "
    ) + "".join(f"The output {name} is {words}. " for name, words in facts["outputs"].items())
    match facts["source"], facts["design"]:
        case "trees", _:
            return start + (
                "As the model is an ensemble of trees, nothing was sampled; "
                f"{score['evaluations']:,} evaluations on random sequences check the result."
            )
        case "table", _:
            return start + f"Instead of a model, {score['evaluations']:,} measured sequences were used{_held(score)}."
        case _, "exhaustive":
            return start + f"All {score['evaluations']:,} sequences of the template were evaluated."
        case _:
            lattice = (
                f", part of them on the lattice of the sparse Fourier transform {text.cite('qsft')}"
                if facts["design"] == "fourier"
                else ""
            ) + (f", with offsets that form an error-correcting code {text.cite('spex')}" if facts["coded"] else "")
            return start + (
                f"It was evaluated {score['evaluations']:,} times in all, at random sequences of the background"
                f"{lattice}{_near(score)}{_held(score)}."
            )


def _near(score: OutputRecord) -> str:
    """Which queries were drawn near sequences."""
    if "near" not in score:
        return ""
    return (
        f", and near the sequences {' and '.join(score['near'])}, each of whose letters was kept with a probability "
        "drawn uniformly for each query and otherwise drawn from the background, as Shapley values weigh them"
    )


def _held(score: OutputRecord) -> str:
    return (
        f"; {score['holdout']:,} of these evaluations were held out and used for nothing but the scores"
        if score["holdout"]
        else ""
    )


def _recovery(text: Text, facts: Mapping[str, Any], scores: Mapping[str, OutputRecord]) -> str:
    names = list(dict.fromkeys(part for s in scores.values() for part in s["estimator"].split(" + ")))
    dividends, described = text.cite("harsanyi"), []
    for name in names:
        words, keys = ESTIMATORS.get(name, (name, ()))
        described.append(words + (f" {text.cite(*keys)}" if keys else ""))
    joined = described[0] if len(described) == 1 else ", ".join(described[:-1]) + " and " + described[-1]
    sentence = (
        f"From these values the Harsanyi dividends {dividends} of the model under the background were recovered: for "
        f"each set of positions a table over the letters there. They came from {joined}"
    )
    if len(described) > 1:
        sentence += f", stacked with non-negative weights on separate validation points {text.cite('stacking')}"
    return sentence + "."


def _faithfulness(
    text: Text,
    facts: Mapping[str, Any],
    scores: Mapping[str, OutputRecord],
    on_queries: Mapping[str, SequencesScore],
) -> str:
    sentences = []
    for name, score in scores.items():
        low, high = score["r2_interval"]
        shares = list(score["share_by_order"].items())
        enough = next((k for k, (_, share) in enumerate(shares) if share >= 0.9995), len(shares)) + 1
        orders = ", ".join(f"{100 * share:.1f} % up to order {k}" for k, share in shares[:enough])
        sentence = f"For {name}, the recovered function reached R2 = {score['r2']:.4f}"
        sentence += f" (95 % bootstrap interval {low:.4f} to {high:.4f} {text.cite('bootstrap')}) on {scored_on(score)}"
        if "r2_near" in score:
            sentence += f", {score['r2_near']:.4f} on {score['near_holdout']:,} held-out queries near sequences"
        asked = on_queries[name]
        if asked["predicted"]:
            r2 = asked["r2_on_queries"]
            shown = "R2 was undefined" if r2 is None else f"{r2:.4f}"
            sentence += (
                f", and {shown} on the {asked['predicted']:,} explained sequences that the model was asked about"
            )
        sentence += "."
        if score["found"] == "nothing":
            sentence += " That is no better than the mean of the model: nothing was found."
        elif score["found"] == "unsure":
            sentence += " As the interval includes 0, what was found may be chance."
        elif orders:
            sentence += f" Of the variance found, terms carry {orders}."
        sentences.append(sentence)
    audit = text.cite("instashap")
    return " ".join(sentences) + f" Whether additive explanations suffice was judged from these shares {audit}."


def _explanation(text: Text, facts: Mapping[str, Any], on_queries: Mapping[str, SequencesScore]) -> str:
    first = next(iter(on_queries.values()))
    listing = facts["listing"]
    sentence = (
        f"Shapley values {text.cite('shapley')} of {first['sequences']:,} sequences ({facts['sequence_set']}) are the "
        "sums of the dividends that hold a position, each divided by its order; they are exact for the "
        "recovered function."
    )
    for name in listing["indices"]:
        if name != "SV":
            words, key = INDICES[name]
            kept = "all" if listing["top_k"] is None else f"the {listing['top_k']} strongest"
            sentence += f" {words} {text.cite(key)} up to order {listing['max_order']} were computed likewise, and "
            sentence += f"{kept} of each sequence listed."
    if first.get("refined"):
        sentence += (
            f" The values of {first['refined']:,} sequences were refined by {first['evaluations_per_sequence']:.0f} "
            "further evaluations each, at random coalitions with fresh background letters, of what the sketch misses; "
            "this makes them unbiased and gives each a standard error (root mean square "
            + ", ".join(f"{s['standard_error']:.2g} for {name}" for name, s in on_queries.items())
            + "). Error bars show 1.96 standard errors."
        )
    if first.get("folds"):
        sentence += (
            f" The model is the mean of {first['folds']} folds, each of which was asked every query; transforms of an "
            "output come before the mean. Each fold's values were recovered from the same queries, and intervals say "
            "where another fold's value lies in 95 % of cases: the value plus and minus t s (1 + 1/F)^(1/2), where s "
            "is the standard deviation over the F folds and t the 97.5 % quantile of Student's t with F - 1 degrees of "
            "freedom."
        )
    return sentence


def _motifs(text: Text, facts: Mapping[str, Any]) -> str:
    settings = facts["motifs"]
    sentence = (
        "Contribution logos show the mean Shapley value of each letter over the sequences that have it at a position. "
        "Motifs are letters whose interaction recurs over the sequences (in at least "
        f"{settings['min_instances']}), ranked by the share of the variance over the sequences that they explain"
    )
    if settings.get("bootstrap"):
        sentence += f", with 95 % bootstrap intervals ({settings['bootstrap']} resamples of the sequences)"
    if facts["seqlets"]:
        modisco = text.cite("modisco")
        sentence += f"; seqlets of high contribution were cut out and clustered in the way of TF-MoDISco {modisco}"
    if facts["tomtom"]:
        sentence += f"; they were compared with a motif database by Tomtom {text.cite('tomtom')}"
    return sentence + "."


def describe_background(configured: Any) -> str:
    """Say in words what a config declares as background."""
    if isinstance(configured, Mapping):
        (kind, value), *_ = configured.items()
        match kind:
            case "frequencies":
                return "letter frequencies " + ", ".join(f"{a} {w:g}" for a, w in value.items())
            case "from_sequences":
                pseudocount = value["pseudocount"]
                return (
                    f"letter frequencies per position of the sequences {value['queries']}, pseudocount {pseudocount:g}"
                )
            case "mutate":
                return f"sequences near {value['around']}, each letter mutated with probability {value['rate']:g}"
    return "uniform over the letters that the template allows"


def supplement(text: Text) -> str:
    """The paragraphs and the numbered references as plain text."""
    numbered: Sequence[str] = [f"[{k}] {reference}" for k, reference in enumerate(text.references, 1)]
    return "\n\n".join([*text.paragraphs, "\n".join(numbered)])
