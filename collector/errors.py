"""What can go wrong, sorted by who must act. Each text is one line that says what it is about and what to do.

What is malformed on the wire is nobody's error here: the core counts it.
"""


class RingtapError(Exception):
    """Something a person must act on; `exit_code` is what a command ends with."""

    exit_code = 1


class WrongUse(RingtapError):
    """The person at the keyboard: a command called in a way that cannot work."""

    exit_code = 2


class ConfigurationError(WrongUse):
    """The operator: a configuration file, named with the key."""


class CaptureError(WrongUse):
    """Whoever made the recording: it cannot be read at all."""


class SpoolError(RingtapError):
    """The disk: full, read-only, not writable, or taken by another collector."""
