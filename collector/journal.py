"""What the service says to the journal: one line each, `key=value`. Numbers of callers are for level debug only."""

import logging
import sys
from typing import TextIO

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class KeyValueFormatter(logging.Formatter):
    """level=info part=live event=source_ready source=router."""

    def format(self, record: logging.LogRecord) -> str:
        """One line; a message without facts is `msg`."""
        facts: dict[str, object] = {"level": record.levelname.lower(), "part": record.name.rpartition(".")[2]}
        given = getattr(record, "facts", None)
        facts |= {"event": record.getMessage(), **given} if given is not None else {"msg": record.getMessage()}
        return " ".join(f"{key}={_written(value)}" for key, value in facts.items())


def _written(value: object) -> str:
    text = str(value)
    if text and text.isprintable() and not any(sign in text for sign in ' "='):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def tell(logger: logging.Logger, level: str, event: str, **facts: object) -> None:
    """Log an event with its facts."""
    logger.log(_LEVELS[level], event, extra={"facts": facts})


def begin(level: str, stream: TextIO = sys.stderr) -> None:
    """From now on everything logged goes to the stream like this."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(KeyValueFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_LEVELS[level])
