"""What somebody at the board sees: one line on the serial port, and one page in a browser. Neither changes anything."""

import asyncio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

REQUEST_MS = 2000
MAX_REQUEST_LINES = 40
PAGE = """HTTP/1.0 200 OK\r
Content-Type: text/html; charset=utf-8\r
Cache-Control: no-store\r
Connection: close\r
\r
<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="5">
<title>ringtap %s</title><style>body{font:16px sans-serif;margin:2em}th{text-align:left;padding-right:2em}</style>
<h1>ringtap %s</h1><table>
"""


def status_line(status: dict[str, object]) -> str:
    """The facts in one line: `name=value`, in the order of their names."""
    return "ringtap " + " ".join([name + "=" + str(status[name]) for name in sorted(status)])


class StatusPage:
    """One small page; `status()` gives the facts. One visitor at a time, two seconds each."""

    def __init__(self, box: str, status: "Callable[[], dict[str, object]]") -> None:
        self._box = box
        self._status = status
        self._busy = False

    async def serve(self, port: int) -> None:
        """Begin to listen."""
        await asyncio.start_server(self._answer, "0.0.0.0", port, 1)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if not self._busy:
                self._busy = True
                await asyncio.wait_for_ms(self._answer_one(reader, writer), REQUEST_MS)
        except Exception as error:
            print("status page:", error)
        finally:
            self._busy = False
            writer.close()
            await writer.wait_closed()

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(MAX_REQUEST_LINES):
            if len(await reader.readline()) <= 2:
                break
        writer.write((PAGE % (self._box, self._box)).encode())
        status = self._status()
        for name in sorted(status):
            writer.write(("<tr><th>%s<td>%s\n" % (name, status[name])).encode())
        writer.write(b"</table></html>\n")
        await writer.drain()
