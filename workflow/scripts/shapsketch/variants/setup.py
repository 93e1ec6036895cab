"""What the config says of a set of variants, put together: the reference, and how it is read."""

from dataclasses import dataclass
from pathlib import Path

from ..sequences.alphabet import Alphabet
from ..sequences.genome import Genome, GivenSequences, Reference
from ..sequences.template import Template
from ..settings.errors import InputError
from ..settings.records import VariantsConfig
from .reading import Checker, Placing
from .tables import Columns, wild_type

GIVEN = "sequence"  # the contig's name where the config gives the sequence itself


@dataclass(frozen=True)
class Setup:
    """A set of variants and what they change.

    Attributes:
        checker: the reference, the template and how windows are cut.
        columns: which further columns are read.
        protein: the name and letters of the sequence that names of protein variants change; None on a genome.
        first: the number of its first letter.
    """

    checker: Checker
    columns: Columns
    protein: tuple[str, str] | None
    first: int

    @property
    def reference(self) -> Reference:
        """The genome, or given sequences."""
        return self.checker.reference


def set_up(
    settings: VariantsConfig, path: str | Path, genome: str | Path | None, template: Template, reads_unknown: bool
) -> Setup:
    """Open what a set of variants refers to.

    Args:
        settings: the config's `variants.NAME`.
        path: its file, where it lies on this machine.
        genome: that of the genome; None: the sequence is given in the config, or follows from the file.
        template: of the model.
        reads_unknown: whether the model reads the letter that stands for any.

    Raises:
        InputError: the genome cannot be read, or a given sequence is shorter than the model's input.
    """
    columns = Columns(settings["label"], settings["score"])
    reference: Reference
    protein = None
    if genome:
        reference = Genome(genome)
    else:
        letters = sequence_of(settings["sequence"], path, template.alphabet, settings["first"])
        if len(letters) < template.n:
            raise InputError(
                f"The sequence that {path} changes has {len(letters)} letters, and the model takes {template.n}; give "
                "the whole sequence, or a template of its length."
            )
        reference = GivenSequences({GIVEN: letters}, template.alphabet.wildcard)
        protein = (GIVEN, letters)
    whole = protein is not None and len(protein[1]) == template.n
    checker = Checker(reference, template, Placing(settings["strand"], settings["fill"], whole), reads_unknown)
    return Setup(checker, columns, protein, settings["first"])


def sequence_of(given: str, path: str | Path, alphabet: Alphabet, first: int) -> str:
    """Return the sequence that variants change, in the alphabet's own letters.

    Args:
        given: as the config has it; empty: the file says it.
        path: of the variants.
        alphabet: of the model.
        first: the number of its first letter.
    """
    (letters,) = alphabet.normalise([given or wild_type(path, first)])
    return letters
