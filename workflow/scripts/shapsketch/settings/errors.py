"""The exceptions that are meant for the user."""


class InputError(ValueError):
    """A mistake in what the user handed over, told in one sentence.

    The sentence names the file, the record and the position where they are known, says what
    was found and what would be right. Scripts print it without a traceback.
    """


class UnusableError(InputError):
    """A file of numbers is damaged, or not what it is taken for; one that the workflow made can be made again."""


class ModelError(InputError):
    """The user's own code failed; the log has its traceback."""
