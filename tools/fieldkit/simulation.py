"""An office that does not exist: customers who ring at random and lose patience, agents who answer, talk and wrap up.

Pure: a seed decides everything. What comes out is the SIP that a tap beside the office's PBX would hear, and the truth
about each customer, to hold ringtap against. The PBX answers at once, rings every free agent for whoever waits longest,
takes a phone back after a while and rings it again, as Asterisk's `ringall` does.
"""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count

from fieldkit.dialogs import Dialog, End

PBX, CARRIER = bytes([10, 77, 1, 5]), bytes([198, 51, 100, 10])
QUEUE_NUMBER = "442079460400"
FIRST_EXTENSION = 101
MAX_AGENTS = 100
RING_TIMEOUT_MS = 15_000
RETRY_MS = 5_000  # until a phone that nobody picked up rings again
HOP_MS = 2  # what a message and the machine that reads it take


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the office is like; times are means in seconds, of exponential distributions."""

    calls: int = 100
    calls_an_hour: float = 120.0
    agents: int = 5
    patience_s: float = 60.0
    pick_up_s: float = 5.0
    talk_s: float = 120.0
    wrap_up_s: float = 15.0
    seed: int = 0


@dataclass(slots=True)
class Customer:
    """One customer and what came of the call: milliseconds of the simulation, None where it did not happen."""

    trunk: Dialog
    waiting_ms: int  # the PBX answered; from then on the customer waits
    answered_ms: int | None = None
    ended_ms: int | None = None
    extension: str = ""
    phone: Dialog | None = None

    @property
    def wait_ms(self) -> int:
        """Until an agent answered, or the customer gave up."""
        until_ms = self.answered_ms if self.answered_ms is not None else self.ended_ms
        return (until_ms or self.waiting_ms) - self.waiting_ms

    @property
    def talk_ms(self) -> int:
        """With the agent; 0 if there was none."""
        return 0 if self.answered_ms is None or self.ended_ms is None else self.ended_ms - self.answered_ms


@dataclass(frozen=True, slots=True)
class Sent:
    """A datagram between two SIP ports."""

    at_ms: int
    source: bytes
    target: bytes
    payload: bytes


class Simulation:
    """Runs an office; afterwards `sent` has every message in order of time, and `customers` the truth."""

    def __init__(self, wishes: Wishes) -> None:
        self.wishes = wishes
        self.sent: list[Sent] = []
        self.customers: list[Customer] = []
        self._chance = random.Random(wishes.seed)  # noqa: S311 - an office must be repeatable, not secret
        self._numbers = count()
        self._coming: list[tuple[int, int, Callable[[int], None]]] = []
        self._waiting: list[Customer] = []  # who waits longest first
        self._free = {str(FIRST_EXTENSION + number) for number in range(wishes.agents)}
        self._ringing: dict[str, Dialog] = {}  # extension -> the leg that rings it

    def run(self) -> None:
        """From the first customer's call to the last one's end."""
        at_ms = 0
        for number in range(self.wishes.calls):
            at_ms += self._some_ms(3600 / self.wishes.calls_an_hour)
            self._later(at_ms, partial(self._arrive, number))
        while self._coming:
            at_ms, _, happen = heapq.heappop(self._coming)
            happen(at_ms)
        self.sent.sort(key=lambda sent: sent.at_ms)

    def _later(self, at_ms: int, happen: Callable[[int], None]) -> None:
        heapq.heappush(self._coming, (at_ms, next(self._numbers), happen))

    def _some_ms(self, mean_s: float) -> int:
        return round(self._chance.expovariate(1 / mean_s) * 1000) if mean_s > 0 else 0

    def _send(self, at_ms: int, dialog: Dialog, payload: bytes, *, by_callee: bool = False) -> None:
        ends = (dialog.caller.address, dialog.callee.address)
        self.sent.append(Sent(at_ms, *(ends[::-1] if by_callee else ends), payload))

    # --- customers ---

    def _arrive(self, number: int, at_ms: int) -> None:
        """The PBX takes the call at once: what the customer hears from then on is music."""
        caller = End(CARRIER, f"4477009{number:05d}")
        trunk = Dialog(f"in-{self.wishes.seed}-{number}@carrier", caller, End(PBX, QUEUE_NUMBER))
        self._send(at_ms, trunk, trunk.invite())
        self._send(at_ms + HOP_MS, trunk, trunk.respond(100), by_callee=True)
        self._later(at_ms + 5 * HOP_MS, partial(self._enter_queue, trunk))

    def _enter_queue(self, trunk: Dialog, at_ms: int) -> None:
        customer = Customer(trunk, at_ms)
        self.customers.append(customer)
        self._waiting.append(customer)
        self._send(at_ms, trunk, trunk.respond(200), by_callee=True)
        self._send(at_ms + HOP_MS, trunk, trunk.acknowledge())
        self._later(at_ms + self._some_ms(self.wishes.patience_s), partial(self._give_up, customer))
        self._ring_agents(at_ms + HOP_MS)

    def _give_up(self, customer: Customer, at_ms: int) -> None:
        if customer not in self._waiting:
            return
        customer.ended_ms = at_ms
        self._end(customer.trunk, "caller", at_ms)
        is_first = customer is self._waiting[0]
        self._waiting.remove(customer)
        if is_first:
            self._take_back(at_ms + HOP_MS, elsewhere=False)
            self._ring_agents(at_ms + 4 * HOP_MS)

    def _end(self, dialog: Dialog, by: str, at_ms: int) -> None:
        self._send(at_ms, dialog, dialog.hang_up(by), by_callee=by == "callee")
        self._send(at_ms + HOP_MS, dialog, dialog.confirm_hang_up(by), by_callee=by == "caller")

    # --- agents ---

    def _ring_agents(self, at_ms: int) -> None:
        """Every free phone that does not ring yet rings for whoever waits longest."""
        for extension in sorted(self._free - self._ringing.keys()) if self._waiting else ():
            self._ring(extension, self._waiting[0], at_ms)

    def _ring(self, extension: str, customer: Customer, at_ms: int) -> None:
        caller = End(PBX, customer.trunk.caller.user)
        phone = End(bytes([10, 77, 1, int(extension) % 256]), extension)
        leg = Dialog(f"out-{self.wishes.seed}-{next(self._numbers)}@pbx", caller, phone)
        self._ringing[extension] = leg
        self._send(at_ms, leg, leg.invite())
        self._send(at_ms + HOP_MS, leg, leg.respond(100), by_callee=True)
        self._send(at_ms + 5 * HOP_MS, leg, leg.respond(180), by_callee=True)
        picked_up_ms = 10 * HOP_MS + self._some_ms(self.wishes.pick_up_s)
        if picked_up_ms < RING_TIMEOUT_MS:
            self._later(at_ms + picked_up_ms, partial(self._pick_up, extension, leg, customer))
        else:
            self._later(at_ms + RING_TIMEOUT_MS, partial(self._time_out, extension, leg))

    def _take_back(self, at_ms: int, *, elsewhere: bool) -> None:
        for extension, leg in self._ringing.items():
            self._cancel(leg, at_ms, elsewhere=elsewhere)
            self._free.add(extension)
        self._ringing.clear()

    def _cancel(self, leg: Dialog, at_ms: int, *, elsewhere: bool) -> None:
        self._send(at_ms, leg, leg.cancel(elsewhere=elsewhere))
        self._send(at_ms + HOP_MS, leg, leg.respond(200, "CANCEL"), by_callee=True)
        self._send(at_ms + HOP_MS, leg, leg.respond(487), by_callee=True)
        self._send(at_ms + 2 * HOP_MS, leg, leg.acknowledge(487))

    def _time_out(self, extension: str, leg: Dialog, at_ms: int) -> None:
        if self._ringing.get(extension) is not leg:
            return
        del self._ringing[extension]
        self._cancel(leg, at_ms, elsewhere=False)
        self._free.discard(extension)
        self._later(at_ms + RETRY_MS, partial(self._free_up, extension))

    def _pick_up(self, extension: str, leg: Dialog, customer: Customer, at_ms: int) -> None:
        if self._ringing.get(extension) is not leg:
            return
        self._send(at_ms, leg, leg.respond(200), by_callee=True)
        self._send(at_ms + HOP_MS, leg, leg.acknowledge())
        del self._ringing[extension]
        self._free.discard(extension)
        customer.answered_ms, customer.extension, customer.phone = at_ms, extension, leg
        self._waiting.remove(customer)
        self._take_back(at_ms + HOP_MS, elsewhere=True)
        self._later(at_ms + 10 * HOP_MS + self._some_ms(self.wishes.talk_s), partial(self._hang_up, customer))
        self._ring_agents(at_ms + 4 * HOP_MS)

    def _hang_up(self, customer: Customer, at_ms: int) -> None:
        """Three in five customers hang up before their agent does."""
        assert customer.phone is not None
        if self._chance.random() < 0.6:
            self._end(customer.trunk, "caller", at_ms)
            self._end(customer.phone, "caller", at_ms + HOP_MS)
            customer.ended_ms = at_ms + HOP_MS
        else:
            self._end(customer.phone, "callee", at_ms)
            self._end(customer.trunk, "callee", at_ms + HOP_MS)
            customer.ended_ms = at_ms
        self._later(
            at_ms + 10 * HOP_MS + self._some_ms(self.wishes.wrap_up_s), partial(self._free_up, customer.extension)
        )

    def _free_up(self, extension: str, at_ms: int) -> None:
        self._free.add(extension)
        self._ring_agents(at_ms)
