"""On MicroPython: what an outage costs the flash.

arguments: HOURS LEGS_PER_HOUR. Prints one JSON line: erases of all blocks, and of the one that was erased most.
"""

import json
import sys

import vfs
from flash_chip import BLOCK_BYTES, BLOCKS, make_flash
from power_cuts import body_of

from firmware.spool import Spool


def main(hours: int, legs_per_hour: int) -> None:
    """An outage, looked at every ten seconds as the application does."""
    flash = make_flash()
    vfs.VfsLfs2.mkfs(flash)
    vfs.mount(vfs.VfsLfs2(flash), "/flash")
    spool = Spool("/flash/spool", 1, 12288, BLOCKS * BLOCK_BYTES)
    spool.set_clock(0)
    before = sum(flash.erases)
    legs = 0
    for second in range(0, hours * 3600, 10):
        while legs < second * legs_per_hour // 3600:
            legs += 1
            spool.append(second * 1000, body_of(1, legs))
        spool.handle_time(second * 1000, False)
    figures = {"legs": legs, "flushes": spool.counters["flushes"], "erases": sum(flash.erases) - before}
    figures["most_of_one_block"] = max(flash.erases)
    figures["dropped"] = spool.counters["dropped_events"]
    print(json.dumps(figures))


main(int(sys.argv[1]), int(sys.argv[2]))
