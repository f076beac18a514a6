"""Whom the sink hears no longer, and who gets a new certificate: files of `ringtap provision`, read as they change.

A broker that was told of a revocation may still hold the box's connection; the sink does not listen to it either way.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from collector.certificate import validity
from collector.core.wire import parse_topic

LOOK_S = 1.0  # between two looks at the file
MAX_RENEWAL_BYTES = 8192
OFFER_S = 3600.0  # a box that does not take what it is offered is asked again after so long
DAY_S = 86_400

_log = logging.getLogger(__name__)


class Revocations:
    """The boxes named in `file`, one a line; none without a file."""

    def __init__(self, file: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._file = Path(file) if file else None
        self._now = monotonic
        self._look_at = 0.0
        self._stamp: tuple[int, int] | None = None
        self._boxes: frozenset[str] = frozenset()
        self.ignored = 0

    def receive_message(self, topic: str, _payload: bytes) -> bool:
        """True where a message is of a box that is no longer trusted: nobody else shall see it."""
        self._look()
        parsed = parse_topic(topic) if self._boxes else None
        if parsed is None or parsed[0] not in self._boxes:
            return False
        self.ignored += 1
        return True

    def _look(self) -> None:
        now = self._now()
        if self._file is None or now < self._look_at:
            return
        self._look_at = now + LOOK_S
        try:
            status = self._file.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            if stamp != self._stamp:
                self._read(self._file.read_text(encoding="ascii"), stamp)
        except (OSError, UnicodeDecodeError) as error:
            if self._stamp is not None or not self._boxes:
                _log.error("[mqtt] revoked_file %s cannot be read: %s", self._file, error)
            self._stamp = None
            self._look_at = now + 60 * LOOK_S

    def _read(self, text: str, stamp: tuple[int, int]) -> None:
        boxes = frozenset(text.split())
        for box in sorted(boxes - self._boxes):
            _log.warning("box %s is no longer trusted: what it says is ignored", box)
        self._boxes, self._stamp = boxes, stamp


class Renewals:
    """Certificates with locked keys in `folder`, a file BOX.pem for each box that shall get one."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder) if folder else None
        self._offered_ms: dict[str, int] = {}

    def offer(self, box: str, days_left: int, now_ms: int) -> str | None:
        """What a box should get whose certificate ends in so many days; None where there is nothing better for it."""
        if self._folder is None or now_ms - self._offered_ms.get(box, -DAY_S * 1000) < OFFER_S * 1000:
            return None
        text = self._read(self._folder / f"{box}.pem")
        if text is None or not self._lasts_longer(text, days_left, now_ms):
            return None
        self._offered_ms[box] = now_ms
        return text

    def _read(self, file: Path) -> str | None:
        try:
            return file.read_text(encoding="ascii")[:MAX_RENEWAL_BYTES]
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            _log.error("%s cannot be read: %s", file, error)
            return None

    def _lasts_longer(self, text: str, days_left: int, now_ms: int) -> bool:
        try:
            _, end = validity(text)
        except ValueError:
            return False
        return (end.timestamp() - now_ms / 1000) // DAY_S > days_left + 1
