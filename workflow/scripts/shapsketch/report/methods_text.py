"""Methods: what was done in one analysis, in sentences for a paper's supplement, with what to cite.

The sentences stand in `workflow/report/methods.txt.j2`, the references in `workflow/report/bibliography.toml`; what an
estimator is called stands beside the estimators.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2

from ..fidelity.r2_words import scored_on
from ..fidelity.records import OutputRecord, Score, SequencesScore
from ..settings.estimators import described
from ..settings.records import ListingConfig, MotifsConfig

INDICES = {
    "FSII": ("Faith-Shap interaction indices", "faith"),
    "FBII": ("Faith-Banzhaf interaction indices", "faith"),
    "STII": ("Shapley-Taylor interaction indices", "taylor"),
    "SII": ("Shapley interaction indices", "grabisch"),
    "BII": ("Banzhaf interaction indices", "grabisch"),
    "k-SII": ("k-SII values (n-Shapley values)", "bordt"),
    "BV": ("Banzhaf values", "grabisch"),
}
WHOLE_SHARE = 0.9995  # share of the variance found that is all of it, as it is printed


@dataclass(frozen=True)
class Facts:
    """What the text tells beside the scores.

    Attributes:
        model, sequence_set: the names in the config.
        kind, letters: of the alphabet.
        template: as people read it.
        n, free: positions, and those that are free.
        background: in words.
        independent: whether its positions are.
        source: the kind of the model.
        outputs: what each is of the model's answer, in words, where the config says so.
        design: of the plan; None without one.
        coded: whether the offsets of the lattice form a code.
        listing: which interactions were listed.
        motifs: the config's `motifs`.
        seqlets: whether any were found.
        tomtom: whether a database was searched.
        version: of shapsketch.
    """

    model: str
    sequence_set: str
    kind: str
    letters: str
    template: str
    n: int
    free: int
    background: str
    independent: bool
    source: str
    outputs: Mapping[str, str]
    design: str | None
    coded: bool
    listing: ListingConfig
    motifs: MotifsConfig
    seqlets: bool
    tomtom: bool
    version: str


@dataclass
class Text:
    """Paragraphs with numbered citations.

    Attributes:
        known: references by key.
        paragraphs: plain text, with marks such as [2].
        cited: keys of `known`, in the order of their numbers.
    """

    known: Mapping[str, str]
    paragraphs: list[str] = field(default_factory=list)
    cited: list[str] = field(default_factory=list)

    def cite(self, *keys: str) -> str:
        """Return the marks of some references, numbering those that are new."""
        self.cited += [key for key in keys if key not in self.cited]
        return "[" + ",".join(str(self.cited.index(key) + 1) for key in keys) + "]"

    @property
    def references(self) -> list[str]:
        """The cited references, the first is number 1."""
        return [self.known[key] for key in self.cited]


@dataclass(frozen=True)
class Writer:
    """Writes the text.

    Attributes:
        template: of jinja2, a paragraph after each blank line.
        references: by key.
    """

    template: str
    references: Mapping[str, str]

    @classmethod
    def read(cls, template: str | Path, bibliography: str | Path) -> "Writer":
        """Read the template and the bibliography."""
        entries = tomllib.loads(Path(bibliography).read_text(encoding="utf-8"))
        return cls(
            Path(template).read_text(encoding="utf-8"), {key: entry["reference"] for key, entry in entries.items()}
        )

    def write(self, facts: Facts, scores: Mapping[str, OutputRecord], on_queries: Mapping[str, SequencesScore]) -> Text:
        """Describe one analysis.

        Args:
            facts: beside the scores.
            scores: `spectrum/faithfulness.json`.
            on_queries: `faithfulness.json` of the sequences.
        """
        text = Text(self.references)
        environment = jinja2.Environment(undefined=jinja2.StrictUndefined)  # plain text, not HTML
        environment.filters["thousands"] = "{:,}".format
        names = dict.fromkeys(part for score in scores.values() for part in score["estimator"].split(" + "))
        lines = re.split(r"\n\s*\n", self.template)
        rendered = environment.from_string("\n\n".join(" ".join(line.split()) for line in lines)).render(
            facts=facts,
            scores=scores,
            on_queries=on_queries,
            estimators=[described(name) for name in names],
            orders={name: _shares_in_words(score) for name, score in scores.items()},
            indices=[INDICES[name] for name in facts.listing["indices"] if name != "SV"],
            cite=text.cite,
            scored_on=scored_on,
        )
        text.paragraphs += rendered.split("\n\n")
        return text


def _shares_in_words(score: Score) -> str:
    """The shares of the variance found that the orders up to each carry, until they carry all of it."""
    shares = list(score["share_by_order"].items())
    enough = next((k for k, (_, share) in enumerate(shares) if share >= WHOLE_SHARE), len(shares)) + 1
    return ", ".join(f"{100 * share:.1f} % up to order {k}" for k, share in shares[:enough])


CUTS = {  # what is drawn of longer sequences
    "centre": "of longer ones the centre",
    "start": "of longer ones the start",
    "end": "of longer ones the end",
    "anywhere": "each stretch of the template's length alike",
}


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
            case "markov" if "from_sequences" in value:
                return (
                    f"a Markov chain with the frequencies of pairs of neighbouring letters in the sequences "
                    f"{value['from_sequences']}, pseudocount {value['pseudocount']:g}"
                )
            case "markov":
                return "a Markov chain of given probabilities"
            case "draws":
                matched = f" whose share of G and C is within {value['gc']:g} of its own" if "gc" in value else ""
                return f"sequences of {value['path']}{matched}, {CUTS[value['cut']]}"
            case "shuffle" if value["keep"] == "pairs":
                return (
                    "shuffles of the sequence itself, which keep how often each pair of neighbouring letters occurs "
                    "(Altschul & Erickson 1985)"
                )
            case "shuffle":
                return "shuffles of the letters of the sequence itself"
    return "uniform over the letters that the template allows"


def supplement(text: Text) -> str:
    """The paragraphs and the numbered references as plain text."""
    numbered: Sequence[str] = [f"[{k}] {reference}" for k, reference in enumerate(text.references, 1)]
    return "\n\n".join([*text.paragraphs, "\n".join(numbered)])
