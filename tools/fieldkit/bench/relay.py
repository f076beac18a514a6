"""A TCP relay whose line can be cut or go dead: the network between a box and its broker, as bad as it gets."""

import asyncio
import contextlib
import threading
from typing import Literal

CHUNK_BYTES = 4096
SLOW_S = 0.2  # so much longer each chunk takes on a slow line
Line = Literal["up", "cut", "dead", "slow"]


class Relay:
    """Listens on a free port of loopback and passes bytes on to `target_port` while the line is up.

    `cut`: connections end at once and new ones are refused by hanging up; `dead`: they stay open, but nothing passes
    (what a router does that lost its uplink); `slow`: everything passes late. Runs on a thread of its own.
    """

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._passing = asyncio.Event()
        self._passing.set()
        self._line: Line = "up"
        self.port = 0
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"relay-{target_port}", daemon=True)
        self._thread.start()
        self._listening.wait()

    def set_line(self, line: Line) -> None:
        """Cut the line, let it go dead or slow, or bring it up again (what waited in a dead line then passes)."""
        self._loop.call_soon_threadsafe(self._set_line, line)

    def stop(self) -> None:
        """End every connection and the relay."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        self._loop.run_forever()
        server.close()
        self._hang_up()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def _set_line(self, line: Line) -> None:
        self._line = line
        if line == "dead":
            self._passing.clear()
        else:
            self._passing.set()
        if line == "cut":
            self._hang_up()

    def _hang_up(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._line == "cut":
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        try:
            await asyncio.gather(self._pass_on(reader, far_writer), self._pass_on(far_reader, writer))
        finally:
            self._writers -= {writer, far_writer}
            writer.transport.abort()
            far_writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                await self._passing.wait()
                if self._line == "slow":
                    await asyncio.sleep(SLOW_S)
                writer.write(data)
                await writer.drain()
        writer.transport.abort()
