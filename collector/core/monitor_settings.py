"""What the core must know of an office."""

from collector.core.numbers import NumberingPlan


class MonitorSettings:
    """What the core must know of an office; everything has a usable default.

    `pbx` and `trunks` are packed addresses, `extensions` pairs (low, high) of equally long numbers.
    """

    def __init__(
        self,
        *,
        ports: tuple[int, ...] = (5060,),
        any_port: bool = False,
        pbx: tuple[bytes, ...] = (),
        trunks: tuple[bytes, ...] = (),
        extensions: tuple[tuple[str, str], ...] = (),
        feature_codes: tuple[str, ...] = (),
        country: str = "",
        area: str = "",
        international_prefix: str = "00",
        national_prefix: str = "0",
        correlation_header: str = "",
        digit_numbers: tuple[str, ...] = (),
        max_call_ms: int = 4 * 3600 * 1000,
        max_legs: int = 20_000,
        max_ended: int = 8_192,
    ) -> None:
        self.ports = ports
        self.any_port = any_port
        self.pbx = pbx
        self.trunks = trunks
        self.extensions = extensions
        self.feature_codes = feature_codes
        self.numbering = NumberingPlan(country, area, international_prefix, national_prefix)
        self.correlation_header = correlation_header
        self.digit_numbers = digit_numbers
        self.max_call_ms = max_call_ms
        self.max_legs = max_legs  # open legs at once: 2 KB each on CPython
        self.max_ended = max_ended  # Call-IDs remembered after their end, against late retransmissions
