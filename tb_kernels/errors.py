"""What this package raises and warns with."""


class ArgumentError(ValueError):
    """An argument does not fit; the text names it, what was given and what would do."""


class WriteError(OSError):
    """Pictures could not be written and the logger is ``strict``."""


class LogWarning(UserWarning):
    """Something asked for is missing from the log or cannot be shown as usual."""
