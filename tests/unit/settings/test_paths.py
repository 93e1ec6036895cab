"""Files that the config names: there, plain, and readable."""

import pytest

from shapsketch.settings.errors import InputError

KERAS = {"kind": "keras_h5", "layout": "channels_last", "path": "m.h5"}

PLACES = {
    "saved of models.m.source is a folder; a SavedModel of TensorFlow is not read: load it in Keras": (
        KERAS | {"path": "saved"},
    ),
    "one of models.m.source is a folder; give an .onnx file, such as one/m.onnx.": (
        KERAS | {"kind": "onnx", "path": "one"},
    ),
    "empty of models.m.source is a folder; give an .h5 or .keras file.": (KERAS | {"path": "empty"},),
    "one of models.m.source is a folder; give a file, such as one/m.onnx.": (
        {"kind": "python", "target": "f.py:f", "files": ["one"]},
    ),
    "empty of sequences.s is a folder; give a FASTA, FASTQ, CSV or TSV file.": (KERAS, "empty"),
    "empty of motifs.database is a folder; give a MEME file.": (KERAS, "s.fa", "empty"),
    "pipe of sequences.s is not a plain file; give a FASTA": (KERAS, "pipe"),
    "The file link of sequences.s is a link to nowhere, which does not exist.": (KERAS, "link"),
    "cannot be looked at (File name too long)": (KERAS, "x" * 300),
    "The path ' ' of sequences.s names no file": (KERAS, " "),
}


@pytest.mark.parametrize("sentence", PLACES)
def test_what_is_no_file_is_told_with_what_would_be_right(place, sentence):
    place(KERAS)
    with pytest.raises(InputError) as caught:
        place(*PLACES[sentence])
    assert sentence in str(caught.value)
