"""The application: datagrams in, the core's events out, and everything that keeps a board alive for years.

One event loop, no threads. The capture goes first: it takes what waits in the socket before and after every datagram
it reads, and lets the others run after each burst.
"""

import asyncio
import gc
import os

from collector.core.events import GapObserved, HealthReported
from collector.core.monitor import CallMonitor
from collector.core.parties import Parties
from collector.core.registrar import Registrar
from firmware import VERSION
from firmware.capture import Capture, readable
from firmware.clock import fetch_offset
from firmware.privacy import CallerPrivacy, load_keys
from firmware.publisher import Publisher, first_line
from firmware.reading import STARVED_MS, Reader
from firmware.spool import Spool
from firmware.status import StatusPage, status_line

BACKLOG_BYTES = 2048  # about three messages; lwIP keeps six more
SHORT_BACKLOG_BYTES = 1024  # while the heap is short: what waits takes the very pieces that reading needs
BURST = 16  # datagrams read before anything else may run: some milliseconds on an ESP32
LOOK_MS = 250  # deadlines, losses, spool, watchdog
HEALTH_MS = 60_000
OFFLINE_HEALTH_MS = 600_000  # flash is for calls
LOSS_MS = 1000  # losses within so long are one gap
STATUS_MS = 10_000
RESYNC_S = 3600
RETRY_S = 10
CONNECTIONS_A_START = 4096
FAREWELL_MS = 5000
LAST_RESERVE_BYTES = 1024  # given back when a restart has to report what is open and nothing else is left
CLOSING_GOES = 8
GARBAGE_BYTES = 4096  # a message's: more of it leaves a heap of 100 KB without a large piece
TRIAL_MS = 600_000  # what is on trial and has not reached the sink by then starts again, and is undone in the end
MAX_STARVED = 200  # two seconds: only a start helps, with every open leg reported as far as it was seen


class App:
    """Everything between a board and a broker."""

    def __init__(self, settings: object, board: object) -> None:
        self.counters = {"not_tzsp": 0, "core_errors": 0, "memory_errors": 0, "lost_events": 0, "dropped_datagrams": 0}
        self.board = board
        self._box = settings.box  # the other sections are not kept: a small heap
        self._options = settings.board
        epoch = int.from_bytes(os.urandom(4), "big")
        spool = settings.spool
        self.spool = Spool(spool["path"], epoch, settings.board["ring_bytes"], spool["max_bytes"])
        self.monitor = CallMonitor(settings.monitor_settings())
        self._privacy = make_privacy(settings)
        self.reader = Reader(self.monitor, self.spool, self._privacy, self.counters)
        self.update: object = None  # made for the first command: its code stays out of the heap until then
        self.publisher = Publisher(settings, self.spool, self._state, self._receive_command)
        self.publisher.connections = count_start(spool["path"] + ".starts") * CONNECTIONS_A_START
        self.capture = Capture(
            board.open_capture(settings.board["tzsp_port"]), board.receive, BACKLOG_BYTES, board.counts_drops
        )
        self._boot = "%08x" % int.from_bytes(os.urandom(4), "big")
        self._health_due_ms = board.now_ms() + HEALTH_MS
        self._lossless_ms = self._started_ms = board.now_ms()
        self._restarting = False
        names = os.listdir(self._options["root"])
        self._on_trial = "trial" in names or "settings.trial" in names  # they have to reach the sink to stay
        self._undone = first_line(self._options["root"] + "undone") if "undone" in names else ""
        self._absence_told = False
        self._last_reserve = bytes(LAST_RESERVE_BYTES)

    async def run(self) -> None:
        """Until the board restarts; raises what a task could not handle."""
        tasks = [self._read_datagrams(), self._look_after(), self._keep_clock(), self._print_status()]
        port = self._options["status_port"]
        if port:
            await StatusPage(self._box["id"], self.status).serve(port)
        await asyncio.gather(*tasks, self._publish_once_clock_is_known())

    # --- packets in, events out ---

    async def _read_datagrams(self) -> None:
        capture = self.capture
        while not self._restarting:
            await readable(capture.sock)
            read = 0
            received = capture.next_datagram()
            while received is not None:
                if not self.reader.read(*received):
                    await self.reader.read_again(*received)
                capture.limit = BACKLOG_BYTES if self.reader.has_reserve else SHORT_BACKLOG_BYTES
                read += 1
                if read % BURST == 0:
                    await asyncio.sleep_ms(0)
                received = capture.next_datagram()
            if capture.starved > MAX_STARVED:
                print("no memory for a datagram: starting again")
                await self.restart()
            if capture.starved:
                self.reader.give_reserve()
            await asyncio.sleep_ms(STARVED_MS if capture.starved else 0)

    # --- four times a second ---

    async def _look_after(self) -> None:
        board = self.board
        seconds = self._options["watchdog_s"]
        watchdog = board.start_watchdog(seconds) if seconds else None
        while not self._restarting:
            gc.collect()
            try:
                self._look(board.now_ms())
                self.reader.take_reserve()
            except MemoryError:  # nothing is lost: what was to be done is done at the next look
                self.reader.give_reserve()
            if watchdog is not None:
                watchdog.feed()
            await asyncio.sleep_ms(LOOK_MS)

    def _look(self, now_ms: int) -> None:
        self.board.network_up()
        if self.capture.is_empty():  # else the datagrams that wait are older than now
            self.reader.handle_deadlines(now_ms)
            self.reader.take_events()
        self._note_losses(now_ms)
        self._report_health(now_ms)
        self.spool.handle_time(now_ms, self.publisher.online)
        if self._on_trial:
            self._judge_trial(now_ms)
        if self.publisher.newest_ms:
            self._tell_absence(self.publisher.newest_ms)
            self.publisher.newest_ms = 0

    def _note_losses(self, now_ms: int, span_ms: int = LOSS_MS) -> None:
        dropped = self.board.dropped() + self.capture.dropped
        lost = dropped - self.counters["dropped_datagrams"]
        if not lost:
            self._lossless_ms = now_ms
        elif now_ms - self._lossless_ms >= span_ms:
            self.counters["dropped_datagrams"] = dropped
            self.reader.keep(GapObserved(self._lossless_ms, now_ms, "frames_lost", lost))
            self._lossless_ms = now_ms

    def _report_health(self, now_ms: int) -> None:
        if now_ms >= self._health_due_ms:
            self._health_due_ms = now_ms + (HEALTH_MS if self.publisher.online else OFFLINE_HEALTH_MS)
            self.reader.keep(HealthReported(now_ms, self._health()))

    def _health(self) -> dict[str, int]:
        """Every counter that is not zero, and the gauges."""
        counters = self.monitor.counters.as_dict()
        counters.update(self.counters)
        counters.update(self.spool.counters)
        counters["receive_delays"] = self.capture.delayed
        counters = {name: count for name, count in counters.items() if count}
        counters.update(self.board.gauges())
        counters["spool_depth"] = self.spool.undelivered()
        counters["memory_kib"] = gc.mem_alloc() >> 10
        counters["memory_free_kib"] = gc.mem_free() >> 10
        return counters

    # --- clock ---

    async def _keep_clock(self) -> None:
        """NTP, where one is configured; else the board's own word. Again every hour: crystals drift."""
        server = self._options["ntp"]
        while not self._restarting:
            try:
                if server:
                    offset_ms = await fetch_offset(server, self.board.now_ms)
                    self.board.set_clock(self.board.now_ms() + offset_ms)
                else:
                    offset_ms = self.board.clock_offset()
                if offset_ms is not None:
                    self._set_offset(offset_ms)
            except (OSError, ValueError, MemoryError) as error:
                print("ntp:", error)
            await asyncio.sleep(RESYNC_S if self.spool.clock_known else RETRY_S)

    def _set_offset(self, offset_ms: int) -> None:
        known = self.spool.clock_known
        if not known:
            self.spool.set_clock(offset_ms)
        self.reader.offset_ms = self._privacy.offset_ms = offset_ms
        if not known and self.spool.left_ms:
            self._tell_absence(self.spool.left_ms)

    def _tell_absence(self, newest_ms: int) -> None:
        """What earlier starts saw after this event (Unix ms), in flash or at the sink, went with the power."""
        since_ms = newest_ms - self.reader.offset_ms
        if not self._absence_told and since_ms < self._started_ms:
            self.reader.keep(GapObserved(since_ms, self._started_ms, "not_running", 0))
        self._absence_told = True

    # --- the sink ---

    async def _publish_once_clock_is_known(self) -> None:
        """TLS refuses certificates before their time, and events without a time are no use."""
        while not self.spool.clock_known:
            await asyncio.sleep_ms(LOOK_MS)
        await self.publisher.run()

    def _state(self) -> dict[str, object]:
        return {
            "boot": self._boot,
            "epoch": self.spool.epoch,
            "first": self.spool.first_seq,
            "kept_ms": self.spool.first_ms,
            "last": self.spool.last_seq,
            "clock_ok": self.spool.clock_known,
            "version": VERSION,
            "tenant": self._box["tenant"],
            "office": self._box["office"],
            "update": self.update.problem if self.update is not None else self._undone,
        }

    def _receive_command(self, command: object) -> None:
        """`{"do": "report"}`, `{"do": "restart"}`, or an update's; anything else is ignored."""
        action = command.get("do") if isinstance(command, dict) else None
        if action == "report":
            self._health_due_ms = self.board.now_ms()
        elif action == "restart":
            asyncio.create_task(self.restart())
        elif action in ("update", "settings"):
            self._receive_update(command)

    def _receive_update(self, command: dict[str, object]) -> None:
        if self.update is None:
            from firmware.update import Update

            self.update = Update(self._options["root"], self._box["id"])
        problem = self.update.problem
        if self.update.receive(command):
            asyncio.create_task(self.restart())
        elif self.update.problem != problem:
            self.publisher.announce_again()

    def _judge_trial(self, now_ms: int) -> None:
        if self.publisher.acknowledged:
            from firmware.update import confirm

            confirm(self._options["root"])
            self._on_trial = False
        elif now_ms - self._started_ms > TRIAL_MS:
            asyncio.create_task(self.restart())

    async def restart(self) -> None:
        """Report open legs as far as they were seen, deliver or keep what waits, say good-bye, begin again."""
        if self._restarting:
            return
        self._restarting = True
        self._last_reserve = b""
        self.reader.give_reserve()
        self._read_the_rest()
        try:
            self._close_legs(self.board.now_ms())
            await self._take_leave()
        except (MemoryError, OSError) as error:
            print("restart:", repr(error))
        finally:
            self.board.restart()

    def _read_the_rest(self) -> None:
        """What was received is read; where there is no memory for that, it is given up, counted."""
        received = self.capture.next_datagram() if not self.capture.starved else None
        while received is not None:
            if not self.reader.read(*received):
                self.reader.give_up()
            received = self.capture.next_datagram()
        self.capture.forget()

    def _close_legs(self, now_ms: int) -> None:
        """Report what is open; a table that does not fit any more is emptied in several goes."""
        for _ in range(CLOSING_GOES):
            try:
                self.monitor.close(now_ms)
                self.reader.take_events()
                break
            except MemoryError:
                self.reader.take_events()
                gc.collect()
        self._note_losses(now_ms, 0)
        self.reader.keep(HealthReported(now_ms, self._health()))

    async def _take_leave(self) -> None:
        waited_ms = 0
        while self.spool.undelivered() and waited_ms < FAREWELL_MS:
            await asyncio.sleep_ms(LOOK_MS)
            waited_ms += LOOK_MS
        self.spool.flush()
        await self.publisher.close()

    # --- what can be seen at the board ---

    def status(self) -> dict[str, object]:
        """The facts for the serial line and the page."""
        counters = self.monitor.counters
        return {
            "version": VERSION,
            "started_by": self.board.reset_cause(),
            "address": self.board.address(),
            "clock": "known" if self.spool.clock_known else "unknown",
            "broker": "online" if self.publisher.online else self.publisher.last_error or "not connected",
            "frames": counters.frames,
            "sip": counters.sip_messages,
            "legs_open": counters.legs_open,
            "waiting": self.spool.undelivered(),
            "lost": self.counters["dropped_datagrams"] + counters.legs_evicted + self.counters["memory_errors"],
            "memory_free": gc.mem_free(),
        }

    async def _print_status(self) -> None:
        while not self._restarting:
            try:
                print(status_line(self.status()))
            except MemoryError:  # the next one tells it
                pass
            await asyncio.sleep_ms(STATUS_MS)


def make_privacy(settings: object) -> CallerPrivacy:
    """What is done with outsiders' numbers; extensions and feature codes are the office's own."""
    sip = settings.monitor_settings()
    office = Parties(Registrar(), (), (), sip.extensions, sip.feature_codes)
    mode = settings.privacy["caller_numbers"]
    keys = load_keys(settings.privacy["key_file"]) if mode == "keyed" else []
    return CallerPrivacy(mode, keys, lambda number: office.is_extension(number) or office.is_feature_code(number))


def count_start(path: str) -> int:
    """How many times this board has started: connection numbers must rise over restarts. One small write a start."""
    count = 0
    try:
        with open(path) as file:
            count = int(file.read())
    except (OSError, ValueError):
        pass
    count += 1
    try:
        with open(path, "w") as file:
            file.write(str(count))
    except OSError:
        pass
    return count


def main(settings_file: str = "/settings.json") -> None:
    """What main.py calls: runs for ever; whatever ends it ends in a restart."""
    from firmware.board import Board
    from firmware.settings import load

    settings = load(settings_file)
    board = Board(settings.board["name"])
    gc.threshold(GARBAGE_BYTES)
    try:
        app = App(settings, board)
        del settings
        asyncio.run(app.run())
    except Exception as error:
        print("ringtap stopped:", repr(error))
    finally:
        board.restart()
