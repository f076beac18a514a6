"""On MicroPython's unix port: the firmware's own application with this board in place of an ESP32.

arguments: SETTINGS.json CLOCK [RECEIVE_BUFFER_BYTES [RESTART_AFTER_S [TIMES [FLASH]]]]
CLOCK is "stamped" (every datagram says in a tagged field when it was: the same events in every run; right behind the
word may follow the board's time at its start) or a number: the board's time runs so many times as fast as the
machine's. RESTART_AFTER_S: restarts so long after the last datagram; 0: when it is told to. TIMES: a file for the
board's time of each datagram, eight bytes each. FLASH: a folder for `flash_file`, mounted at /flash.
Prints the status line, and at the end one line of JSON with figures.
"""

import asyncio
import gc
import sys
import time

from unix_hardware import UnixBoard

from firmware.app import GARBAGE_BYTES, App
from firmware.settings import load


class FiguresBoard(UnixBoard):
    """One that ends its process instead, with its figures."""

    def restart(self) -> None:
        """A process ends instead; the figures one by one: there may be no memory left for all at once."""
        print("{", end="")
        for counters in (app.counters, app.spool.counters):
            for name in counters:
                print('"%s": %d, ' % (name, counters[name]), end="")
        for name in app.monitor.counters.NAMES:
            print('"%s": %d, ' % (name, getattr(app.monitor.counters, name)), end="")
        print('"heap_before": %d, "heap_app": %d, "heap_used": %d, ' % (heap_before, heap_app, self.heap_used), end="")
        print('"heap_free": %d, "receive_delays": %d, ' % (gc.mem_free(), app.capture.delayed), end="")
        print('"reserve_used": %d, "offset_ms": %d, ' % (app.reader.reserve_used, app.reader.offset_ms), end="")
        print('"undelivered": %d}' % app.spool.undelivered())
        sys.exit(0)


settings = load(sys.argv[1])
gc.collect()
heap_before = gc.mem_alloc()
options = sys.argv[3:] + [""] * 4
if options[3]:
    __import__("flash_file").mount(options[3])
board = FiguresBoard(sys.argv[2], settings.board["tzsp_port"], int(options[0] or 0), options[2])
app = App(settings, board)
del settings
gc.collect()
heap_app = gc.mem_alloc()
gc.threshold(GARBAGE_BYTES)


async def run(restart_after_ms: int) -> None:
    """The application, and on request its restart when the router has gone silent."""
    running = asyncio.create_task(app.run())
    while not running.done() and (
        not restart_after_ms
        or not board.received_ticks
        or time.ticks_diff(time.ticks_ms(), board.received_ticks) < restart_after_ms
    ):
        await asyncio.sleep_ms(100)
    if running.done():
        await running  # raises what ended it
    await app.restart()
    await running


asyncio.run(run(int(options[1] or 0) * 1000))
