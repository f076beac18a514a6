"""On MicroPython: a spool on littlefs over a flash in memory that counts erases and loses power at random moments.

arguments: ROUNDS SEED. Prints one JSON line of figures; exit 1 when something was lost.
"""

import json
import os
import random
import sys

import vfs
from flash_chip import BLOCK_BYTES, BLOCKS, Flash, make_flash

from firmware.packer import TIME_BYTES
from firmware.spool import Spool

BODY_BYTES = 68  # of a leg
EPOCH0 = 1000


def body_of(epoch: int, seq: int) -> bytes:
    """An event's bytes, of a leg's size, that tell which one it is."""
    text = b"%d/%d/" % (epoch, seq)
    return b"\x91\xd9" + bytes([BODY_BYTES]) + text + b"." * (BODY_BYTES - len(text))


def drain(spool: Spool) -> dict[tuple[int, int], bytes]:
    """Everything the spool hands out, acknowledged batch by batch."""
    found = {}
    while True:
        epoch = spool.epoch
        seq, _, rows = spool.pending(0, 50, 4096)
        if not rows:
            return found
        for row in rows:
            found[epoch, seq] = row[TIME_BYTES:]
            seq += 1
        spool.discard_through(epoch, seq - 1)


def work_until_cut(flash: Flash, epoch: int, kept: dict[tuple[int, int], bytes]) -> None:
    """Write events and flush them until the power goes; notes in `kept` what a flush promised."""
    spool = Spool("/flash/spool", epoch, 100_000, BLOCKS * BLOCK_BYTES)
    spool.set_clock(0)
    flash.writes_left = random.randrange(1, 120)
    seq = 0
    while flash.writes_left:
        promised = {}
        for _ in range(random.randrange(1, 80)):
            seq += 1
            promised[epoch, seq] = body_of(epoch, seq)
            spool.append(seq, promised[epoch, seq])
        if spool.flush():
            kept.update(promised)


def main(rounds: int, seed: int) -> int:
    """So many power cuts, the flash emptied after every fourth; 0 when everything that was promised came back."""
    random.seed(seed)
    flash = make_flash()
    vfs.VfsLfs2.mkfs(flash)
    kept: dict[tuple[int, int], bytes] = {}
    lost = foreign = recovered = extra = 0
    for number in range(rounds):
        vfs.mount(vfs.VfsLfs2(flash), "/flash")
        work_until_cut(flash, EPOCH0 + number, kept)
        vfs.umount("/flash")
        flash = flash.power_on()
        if number % 4 == 3:
            vfs.mount(vfs.VfsLfs2(flash), "/flash")
            spool = Spool("/flash/spool", 1, 100_000, BLOCKS * BLOCK_BYTES)
            spool.set_clock(0)
            found = drain(spool)
            lost += len([key for key in kept if key not in found])
            foreign += len([key for key in found if found[key] != body_of(*key)])
            extra += len([key for key in found if key not in kept])
            recovered += len(kept)
            assert not os.listdir("/flash/spool")
            assert not spool.undelivered()
            kept = {}
            vfs.umount("/flash")
            flash = flash.power_on()
    print(json.dumps({"cuts": rounds, "promised": recovered, "lost": lost, "foreign": foreign, "extra": extra}))
    return 1 if lost or foreign else 0


if sys.argv[0] == "power_cuts":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
