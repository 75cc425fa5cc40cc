"""What this package raises and warns with."""

import re
import warnings

_COLORS = re.compile(r"\x1b\[[0-9;]*m")


class ArgumentError(ValueError):
    """An argument does not fit; the text names it, what was given and what would do."""


class WriteError(OSError):
    """Pictures could not be written and the logger is ``strict``."""


class LogError(OSError):
    """What was logged cannot be read, or not be shown as asked."""


class DamagedError(LogError):
    """What was logged was not verified when the log was opened, and is not what was written."""


class LogWarning(UserWarning):
    """Something asked for is missing from the log or cannot be shown as usual."""


def reason_of(error: BaseException) -> str:
    """An error in one line: its type, and the first line that says something."""
    lines = (_COLORS.sub("", line).strip() for line in str(error).splitlines())
    # Keras says first where it happened, and then what.
    told = [line for line in lines if line and not line.startswith("Exception encountered")]
    return f"{type(error).__name__}: {told[0]}" if told else type(error).__name__


def described(error: BaseException) -> RuntimeError:
    """An error that says `reason_of` another, and holds nothing that this holds."""
    return RuntimeError(reason_of(error))


def warn(text: str) -> None:
    """Warns as the user's filters say, every time: Python would show an equal text only once."""
    warnings.warn_explicit(text, LogWarning, "tb_kernels", 1, registry={})
