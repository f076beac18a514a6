"""Who is who on a leg: PBX, carrier or phone, and which extension.

What the office configured goes first, then what REGISTER taught, then what numbers look like: a capture replayed
without any configuration still gets sensible roles.
"""

from collector.core.events import (
    DIRECTION_IN,
    DIRECTION_INTERNAL,
    DIRECTION_OUT,
    ROLE_PHONE,
    ROLE_TRUNK,
)
from collector.core.registrar import Registrar

LONGEST_EXTENSION = 6  # digits, where none are configured


class Parties:
    """Knows the office's addresses and numbers."""

    def __init__(
        self,
        registrar: Registrar,
        pbx: tuple[bytes, ...],
        trunks: tuple[bytes, ...],
        extensions: tuple[tuple[str, str], ...],
        feature_codes: tuple[str, ...],
    ) -> None:
        self._registrar = registrar
        self.worked_out = registrar.worked_out
        self._pbx = dict.fromkeys(pbx, 1)
        self._trunks = dict.fromkeys(trunks, 1)
        self._extensions = extensions
        self._feature_codes = feature_codes

    def is_pbx(self, address: bytes) -> bool:
        """True for a configured PBX address, or for one that phones register with where none is configured."""
        return address in self._pbx if self._pbx else address in self._registrar.servers

    def registration_role(self, source: bytes, server: bytes, forwarded: bool) -> str:
        """Whether a REGISTER is a phone's (perhaps `forwarded` by a proxy) or the PBX's own with its carrier.

        Where no PBX is configured, whoever phones register with is one.
        """
        if server in self._trunks or source in self._pbx:
            return ROLE_TRUNK
        learned = not self._pbx and source in self._registrar.servers
        return ROLE_TRUNK if learned and source != server and not forwarded else ROLE_PHONE

    def is_extension(self, number: str) -> bool:
        """True for a configured extension, a registered one, or (nothing configured) a short number."""
        for low, high in self._extensions:
            if len(number) == len(low) and low <= number <= high:
                return True
        if self._extensions:
            return False
        return number in self._registrar.registered or (number.isdigit() and 2 <= len(number) <= LONGEST_EXTENSION)

    def is_feature_code(self, number: str) -> bool:
        """True for a dialled code of the PBX itself: configured, or beginning with a star or a hash."""
        if number[:1] in ("*", "#"):
            return True
        for code in self._feature_codes:
            low, dash, high = code.partition("-")
            if number == code or (dash and len(number) == len(low) and low <= number <= high):
                return True
        return False

    def classify(
        self, source: bytes, source_port: int, target: bytes, target_port: int, caller: str, uri_user: str, called: str
    ) -> tuple[str, str, str, str]:
        """(role, direction, extension, callee) of an INVITE from `source` to `target`.

        `caller` is the caller's number or extension, `uri_user` the Request-URI's user part, `called` the To user's.
        """
        dialled = uri_user or called
        known = self._pbx or self._registrar.servers
        to_pbx = target in known
        from_pbx = source in known
        if source in self._trunks:
            return ROLE_TRUNK, DIRECTION_IN, "", dialled
        if target in self._trunks:
            return ROLE_TRUNK, DIRECTION_OUT, "", dialled
        towards = self._extension_of(target, target_port, uri_user, called) if not to_pbx else ""
        if towards:
            return ROLE_PHONE, DIRECTION_INTERNAL if self.is_extension(caller) else DIRECTION_IN, towards, towards
        from_phone = "" if from_pbx else self._calling_extension(source, source_port, caller)
        if from_phone:
            inside = self.is_extension(dialled) or self.is_feature_code(dialled)
            return ROLE_PHONE, DIRECTION_INTERNAL if inside else DIRECTION_OUT, from_phone, dialled
        if to_pbx:
            return ROLE_TRUNK, DIRECTION_IN, "", dialled
        if from_pbx:
            return ROLE_TRUNK, DIRECTION_OUT, "", dialled
        return ROLE_PHONE, DIRECTION_IN, dialled, dialled  # nothing known: whoever is called rings

    def _extension_of(self, address: bytes, port: int, uri_user: str, called: str) -> str:
        """The extension behind a phone that is called; "" where it is not one of ours."""
        bound = self._registrar.extension_at(address, port, uri_user)
        if bound:
            return bound
        if self.is_extension(uri_user):
            return uri_user
        if self.is_extension(called):
            return called
        # a phone that has not registered since the tap began: some make their contact of the extension and a number
        line = uri_user.partition("-")[0]
        return line if self._extensions and line != uri_user and self.is_extension(line) else ""

    def _calling_extension(self, address: bytes, port: int, caller: str) -> str:
        if self.is_extension(caller):
            return caller
        return self._registrar.extension_at(address, port, caller)
