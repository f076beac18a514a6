"""What can go wrong in the sink, by who has to act: each error is one line for the user and an exit code."""


class SinkError(Exception):
    """Something the user must act on; the text is one clear line."""

    exit_code = 1


class ConfigurationError(SinkError):
    """The operator's file is wrong: the text names the file and the key."""

    exit_code = 2


class AddressInUse(SinkError):
    """A port is taken, or an address is not ours."""

    exit_code = 2


class StoreUnusable(SinkError):
    """The database cannot be opened, written or understood."""

    exit_code = 2
