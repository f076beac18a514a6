"""How REGISTERs fare: attempts, failures and delays, counted for some minutes by extension (RFC 6076 4.1, 4.2).

An attempt goes from the first REGISTER to the final response; a challenge and the REGISTER that answers it are one.
Phones register every minute to every hour, so attempts are counted here and told together.
"""

from collector.core.events import RegistersCounted

MAX_ATTEMPTS = 64  # under way at once: each lasts a round trip
MAX_COUNTED = 64  # extensions told apart; the others are counted together
MAX_DELAYS = 60  # kept of one span, two bytes each: a phone that registers every fifteen seconds
SPAN_MS = 15 * 60_000
TIMER_F_MS = 32_000  # RFC 3261 section 17.1.2.2: nothing came back
LONGEST_DELAY_MS = 65_535
CHALLENGES = (401, 407)


class _Attempt:
    __slots__ = ("answers_challenge", "challenge", "cseq", "extension", "role", "since_ms", "until_ms")

    def __init__(self, role: str, extension: str, cseq: int, now_ms: int) -> None:
        self.role = role
        self.extension = extension
        self.cseq = cseq
        self.since_ms = now_ms
        self.until_ms = now_ms + TIMER_F_MS
        self.challenge = 0  # status of the challenge that is to be answered
        self.answers_challenge = False  # it carries credentials already


class RegisterMeter:
    """Counts attempts; `handle_deadline` returns what the last minutes came to."""

    def __init__(self) -> None:
        self._attempts: dict[bytes, _Attempt] = {}
        self._counts: dict[tuple[str, str], RegistersCounted] = {}
        self._span_ends_ms: int | None = None

    def receive_request(self, call_id: bytes, cseq: int, role: str, extension: str, now_ms: int) -> None:
        """A REGISTER: a new attempt, or the answer to a challenge; a retransmission changes nothing."""
        attempt = self._attempts.get(call_id)
        if attempt is not None and cseq <= attempt.cseq:
            return
        if attempt is not None and attempt.challenge and not attempt.answers_challenge:
            attempt.cseq = cseq
            attempt.challenge = 0
            attempt.answers_challenge = True
            attempt.until_ms = now_ms + TIMER_F_MS
            return
        if attempt is not None:  # it tries anew, without having got anywhere
            self._finish(call_id, attempt, attempt.challenge, now_ms)
        if len(self._attempts) < MAX_ATTEMPTS:
            self._attempts[call_id] = _Attempt(role, extension, cseq, now_ms)

    def receive_response(self, call_id: bytes, cseq: int, status: int, stale: bool, now_ms: int) -> None:
        """A response to REGISTER; a nonce that went stale (RFC 7616 section 3.3) is challenged once more."""
        attempt = self._attempts.get(call_id)
        if attempt is None or status < 200 or cseq != attempt.cseq:
            return
        if status not in CHALLENGES:
            self._finish(call_id, attempt, status, now_ms)
        elif attempt.answers_challenge and not stale:
            self._finish(call_id, attempt, status, now_ms)  # the credentials were wrong
        else:
            attempt.challenge = status
            attempt.answers_challenge = False

    def _finish(self, call_id: bytes, attempt: _Attempt, status: int, now_ms: int) -> None:
        """Counts an attempt; one that never answered its first challenge was none (a scanner, a probe)."""
        if not attempt.challenge or attempt.answers_challenge:
            count = self._count_of(attempt, now_ms)
            if 200 <= status < 300 and len(count.delays) < 2 * MAX_DELAYS:
                delay = min(now_ms - attempt.since_ms, LONGEST_DELAY_MS)
                count.delays += bytes([delay >> 8, delay & 255])
            count.until_ms = now_ms  # behind what may want memory: a board reads the message again
            count.attempts += 1
            if status < 200 or status >= 400:
                count.failed += 1
                count.code = status
        del self._attempts[call_id]

    def _count_of(self, attempt: _Attempt, now_ms: int) -> RegistersCounted:
        key = (attempt.role, attempt.extension)
        if key not in self._counts and len(self._counts) >= MAX_COUNTED:
            key = (attempt.role, "")
        count = self._counts.get(key)
        if count is None:
            count = self._counts[key] = RegistersCounted(now_ms, attempt.role, key[1])
        if self._span_ends_ms is None:
            self._span_ends_ms = now_ms + SPAN_MS
        return count

    # --- time ---

    def next_deadline(self) -> int | None:
        """When an attempt runs out, or the span ends; None when nothing is counted."""
        deadline = self._span_ends_ms
        for attempt in self._attempts.values():
            if deadline is None or attempt.until_ms < deadline:
                deadline = attempt.until_ms
        return deadline

    def handle_deadline(self, now_ms: int) -> list[RegistersCounted]:
        """What the span that is over came to; attempts without an answer have failed."""
        if self._attempts:
            late = [(each.until_ms, call_id) for call_id, each in self._attempts.items() if each.until_ms <= now_ms]
            for until_ms, call_id in sorted(late):
                attempt = self._attempts[call_id]
                self._finish(call_id, attempt, attempt.challenge, until_ms)
        if self._span_ends_ms is None or now_ms < self._span_ends_ms:
            return []
        return self._take()

    def close(self) -> list[RegistersCounted]:
        """Everything counted so far; attempts under way are given up."""
        self._attempts = {}
        return self._take()

    def _take(self) -> list[RegistersCounted]:
        counted = [self._counts[key] for key in sorted(self._counts)]
        self._counts = {}
        self._span_ends_ms = None
        return counted
