"""An office that does not exist: customers who ring at random and lose patience, agents who answer, talk and wrap up.

Pure: a seed decides everything. What comes out is the SIP that a tap beside the office's PBX would hear, and the truth
about each customer, to hold ringtap against. The PBX answers at once, rings every free agent for whoever waits longest,
takes a phone back after a while and rings it again, as Asterisk's `ringall` does. With a second line, customers whose
time in the first queue is up go on to another one, as a dialplan does that continues after `Queue()`.
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
    second_line: int = 0  # agents of the queue that customers go on to; 0 = there is none
    queue_timeout_s: float = 30.0  # when they do
    seed: int = 0


class Team:
    """A queue: its agents, and who waits in it."""

    def __init__(self, name: str, first_extension: int, agents: int) -> None:
        self.name = name
        self.extensions = [str(first_extension + number) for number in range(agents)]
        self.waiting: list[Customer] = []  # who waits longest first
        self.free = set(self.extensions)
        self.ringing: dict[str, Dialog] = {}  # extension -> the leg that rings it


def teams_of(wishes: Wishes) -> list[Team]:
    """The office's queues, in the order in which customers come through them."""
    first = Team("support", FIRST_EXTENSION, wishes.agents)
    second = Team("second_line", FIRST_EXTENSION + wishes.agents, wishes.second_line)
    return [first, second] if wishes.second_line else [first]


@dataclass(slots=True)
class Customer:
    """One customer and what came of the call: milliseconds of the simulation, None where it did not happen."""

    trunk: Dialog
    waiting_ms: int  # the PBX answered; from then on the customer waits
    team: Team  # where the customer waits, or was answered in the end
    sent_on_ms: int | None = None  # from the first queue to the second
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
        self._teams = teams_of(wishes)

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
        customer = Customer(trunk, at_ms, self._teams[0])
        self.customers.append(customer)
        customer.team.waiting.append(customer)
        self._send(at_ms, trunk, trunk.respond(200), by_callee=True)
        self._send(at_ms + HOP_MS, trunk, trunk.acknowledge())
        self._later(at_ms + self._some_ms(self.wishes.patience_s), partial(self._give_up, customer))
        if len(self._teams) > 1:
            self._later(at_ms + round(self.wishes.queue_timeout_s * 1000), partial(self._send_on, customer))
        self._ring_agents(customer.team, at_ms + HOP_MS)

    def _send_on(self, customer: Customer, at_ms: int) -> None:
        """The first queue's time is up."""
        if customer not in customer.team.waiting:
            return
        self._leave(customer, at_ms)
        customer.sent_on_ms, customer.team = at_ms, self._teams[1]
        customer.team.waiting.append(customer)
        self._ring_agents(customer.team, at_ms + 4 * HOP_MS)

    def _give_up(self, customer: Customer, at_ms: int) -> None:
        if customer not in customer.team.waiting:
            return
        customer.ended_ms = at_ms
        self._end(customer.trunk, "caller", at_ms)
        self._leave(customer, at_ms)

    def _leave(self, customer: Customer, at_ms: int) -> None:
        """The phones that rang for whoever waited longest ring for the next one."""
        team = customer.team
        is_first = customer is team.waiting[0]
        team.waiting.remove(customer)
        if is_first:
            self._take_back(team, at_ms + HOP_MS, elsewhere=False)
            self._ring_agents(team, at_ms + 4 * HOP_MS)

    def _end(self, dialog: Dialog, by: str, at_ms: int) -> None:
        self._send(at_ms, dialog, dialog.hang_up(by), by_callee=by == "callee")
        self._send(at_ms + HOP_MS, dialog, dialog.confirm_hang_up(by), by_callee=by == "caller")

    # --- agents ---

    def _ring_agents(self, team: Team, at_ms: int) -> None:
        """Every free phone that does not ring yet rings for whoever waits longest."""
        for extension in sorted(team.free - team.ringing.keys()) if team.waiting else ():
            self._ring(extension, team.waiting[0], at_ms)

    def _ring(self, extension: str, customer: Customer, at_ms: int) -> None:
        caller = End(PBX, customer.trunk.caller.user)
        phone = End(bytes([10, 77, 1, int(extension) % 256]), extension)
        leg = Dialog(f"out-{self.wishes.seed}-{next(self._numbers)}@pbx", caller, phone)
        customer.team.ringing[extension] = leg
        self._send(at_ms, leg, leg.invite())
        self._send(at_ms + HOP_MS, leg, leg.respond(100), by_callee=True)
        self._send(at_ms + 5 * HOP_MS, leg, leg.respond(180), by_callee=True)
        picked_up_ms = 10 * HOP_MS + self._some_ms(self.wishes.pick_up_s)
        if picked_up_ms < RING_TIMEOUT_MS:
            self._later(at_ms + picked_up_ms, partial(self._pick_up, extension, leg, customer))
        else:
            self._later(at_ms + RING_TIMEOUT_MS, partial(self._time_out, customer.team, extension, leg))

    def _take_back(self, team: Team, at_ms: int, *, elsewhere: bool) -> None:
        for extension, leg in team.ringing.items():
            self._cancel(leg, at_ms, elsewhere=elsewhere)
            team.free.add(extension)
        team.ringing.clear()

    def _cancel(self, leg: Dialog, at_ms: int, *, elsewhere: bool) -> None:
        self._send(at_ms, leg, leg.cancel(elsewhere=elsewhere))
        self._send(at_ms + HOP_MS, leg, leg.respond(200, "CANCEL"), by_callee=True)
        self._send(at_ms + HOP_MS, leg, leg.respond(487), by_callee=True)
        self._send(at_ms + 2 * HOP_MS, leg, leg.acknowledge(487))

    def _time_out(self, team: Team, extension: str, leg: Dialog, at_ms: int) -> None:
        if team.ringing.get(extension) is not leg:
            return
        del team.ringing[extension]
        self._cancel(leg, at_ms, elsewhere=False)
        team.free.discard(extension)
        self._later(at_ms + RETRY_MS, partial(self._free_up, team, extension))

    def _pick_up(self, extension: str, leg: Dialog, customer: Customer, at_ms: int) -> None:
        team = customer.team
        if team.ringing.get(extension) is not leg:
            return
        self._send(at_ms, leg, leg.respond(200), by_callee=True)
        self._send(at_ms + HOP_MS, leg, leg.acknowledge())
        del team.ringing[extension]
        team.free.discard(extension)
        customer.answered_ms, customer.extension, customer.phone = at_ms, extension, leg
        team.waiting.remove(customer)
        self._take_back(team, at_ms + HOP_MS, elsewhere=True)
        self._later(at_ms + 10 * HOP_MS + self._some_ms(self.wishes.talk_s), partial(self._hang_up, customer))
        self._ring_agents(team, at_ms + 4 * HOP_MS)

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
        free_ms = at_ms + 10 * HOP_MS + self._some_ms(self.wishes.wrap_up_s)
        self._later(free_ms, partial(self._free_up, customer.team, customer.extension))

    def _free_up(self, team: Team, extension: str, at_ms: int) -> None:
        team.free.add(extension)
        self._ring_agents(team, at_ms)
