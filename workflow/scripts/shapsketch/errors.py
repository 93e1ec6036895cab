"""The one exception that is meant for the user."""


class InputError(ValueError):
    """A mistake in what the user handed over, told in one sentence.

    The sentence names the file, the record and the position where they are known, says what
    was found and what would be right. Scripts print it without a traceback.
    """
