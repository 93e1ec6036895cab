"""Functions of the user's, good and bad, as models."""

from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template

TEMPLATE = Template(Alphabet("ACGT"), "NNNNN")

CODE = """
import numpy as np

def strings(sequences):
    return [[s.count("G"), s.count("T")] for s in sequences]

def codes(letters):
    return (letters == 2).sum(1)

def nan(sequences):
    return [float("nan") if s[0] == "T" else 1.0 for s in sequences]

def short(sequences):
    return [1.0] * (len(sequences) - 1)

def text(sequences):
    return ["high"] * len(sequences)

def raises(sequences):
    raise RuntimeError("out of\\nluck")

def dislikes(sequences):
    if "TTTTT" in sequences:
        raise ValueError("five T")
    return [1.0] * len(sequences)

def loses(sequences):
    return [1.0 for s in sequences if s != "TTTTT"]

def hungry(sequences):
    with open(__file__ + ".sizes", "a") as handle:
        handle.write(str(len(sequences)) + " ")
    if len(sequences) > 20:
        raise MemoryError
    return [s.count("G") for s in sequences]

def starving(sequences):
    raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")

def pairs(sequences):
    assert len(sequences) == 2, "two at a time"
    return [1.0, 2.0]

def logs(sequences):
    with open(__file__ + ".log", "a") as handle:
        handle.writelines(s + "\\n" for s in sequences)
    return [s.count("G") for s in sequences]
"""


def python(code, name, given="strings"):
    return {"kind": "python", "target": f"{code}:{name}", "input": given}
