"""Plans of a small template."""

from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template

GUIDE = Template(Alphabet("ACGT"), "N" * 25 + "GG" + "NNN")
