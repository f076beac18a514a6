"""The board: the only file that knows hardware (ESP32 with wired Ethernet). The tests put a unix one in its place."""

import socket
import time

from firmware.capture import MAX_DATAGRAM

# from the boards' schematics and MicroPython's own examples; not run on hardware here (README.md says what to check)
LAN_PINS = {
    "olimex-esp32-poe": {"phy_addr": 0, "power": 12, "ref_clk": 17, "clock_out": True},
    "wt32-eth01": {"phy_addr": 1, "power": 16, "ref_clk": 0, "clock_out": False},
}


class Board:
    """What the application needs of its board; `name` is a key of LAN_PINS."""

    counts_drops = False  # lwIP drops datagrams without a word: see `capture.py`

    def __init__(self, name: str) -> None:
        self._name = name
        self._lan = None
        self._ticks = time.ticks_ms()
        self._now_ms = 0

    # --- time ---

    def now_ms(self) -> int:
        """Milliseconds since the start; never goes back. Must be asked once in six days, or the ticks wrap unseen."""
        ticks = time.ticks_ms()
        self._now_ms += time.ticks_diff(ticks, self._ticks)
        self._ticks = ticks
        return self._now_ms

    def clock_offset(self) -> int | None:
        """What to add to `now_ms()` for Unix milliseconds, where the board knows it by itself: it does not."""
        return None

    def set_clock(self, unix_ms: int) -> None:
        """Tell the board's own clock, by which TLS checks the dates of certificates."""
        import machine

        year, month, day, hour, minute, second, weekday, _ = time.gmtime(unix_ms // 1000 - self._epoch_s())
        machine.RTC().datetime((year, month, day, weekday, hour, minute, second, 0))

    @staticmethod
    def _epoch_s() -> int:
        """Unix time of the build's epoch: 2000 on ESP32, 1970 elsewhere."""
        return 946_684_800 if time.gmtime(0)[0] == 2000 else 0

    # --- network ---

    def network_up(self) -> bool:
        """True while the cable is in and there is an address; brings Ethernet up on the first call."""
        if self._lan is None:
            self._lan = self._start_lan()
        return bool(self._lan.isconnected())

    def address(self) -> str:
        """The board's own address, for the status page and the router's configuration."""
        return str(self._lan.ifconfig()[0]) if self._lan is not None else ""

    def _start_lan(self) -> object:
        import network
        from machine import Pin

        pins = LAN_PINS[self._name]
        lan = network.LAN(
            mdc=Pin(23),
            mdio=Pin(18),
            power=Pin(pins["power"]),
            phy_type=network.PHY_LAN8720,
            phy_addr=pins["phy_addr"],
            ref_clk=Pin(pins["ref_clk"]),
            ref_clk_mode=Pin.OUT if pins["clock_out"] else Pin.IN,
        )
        lan.active(True)
        return lan

    def open_capture(self, port: int) -> socket.socket:
        """A UDP socket for the router's stream."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(socket.getaddrinfo("0.0.0.0", port)[0][-1])
        sock.setblocking(False)
        return sock

    def receive(self, sock: socket.socket) -> tuple[bytes, int]:
        """One datagram and the time it came; raises OSError when there is none."""
        return sock.recv(MAX_DATAGRAM), self.now_ms()

    def dropped(self) -> int:
        """Datagrams that the system says it dropped: it never says."""
        return 0

    # --- the rest ---

    def gauges(self) -> dict[str, int]:
        """What the board measures of itself, for health events."""
        try:
            import esp32

            return {"temperature_mc": (esp32.raw_temperature() - 32) * 5000 // 9}
        except (ImportError, AttributeError):
            return {}

    def reset_cause(self) -> str:
        """Why the board started."""
        import machine

        causes = {"PWRON_RESET": "power", "HARD_RESET": "button", "WDT_RESET": "watchdog", "SOFT_RESET": "software"}
        for name, word in causes.items():
            if getattr(machine, name, -1) == machine.reset_cause():
                return word
        return "unknown"

    def start_watchdog(self, seconds: int) -> object:
        """Something with feed(): without it the board restarts after so many seconds."""
        import machine

        return machine.WDT(timeout=seconds * 1000)

    def restart(self) -> None:
        """Begin again from boot.py."""
        import machine

        machine.reset()
