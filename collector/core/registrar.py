"""Which address is which extension: the bindings that REGISTER makes (RFC 3261 section 10).

A binding counts from the registrar's 2xx, for as long as that says. One extension may have several phones, one phone
several lines, and the Contact's user part may be random: so a binding is kept by its source address and by its
contact's user part.
"""

from collector.core.events import ROLE_PHONE, ROLE_TRUNK, RegistrationChanged
from collector.core.sip import CONTACT, EXPIRES, TO, Message, host_of, parameter, split_address, user_of

MAX_BINDINGS = 2048  # an office has tens; a scanner that registers random names must not fill the memory
MAX_PENDING = 256  # REGISTERs whose answer is still to come
DEFAULT_EXPIRES_S = 3600  # RFC 3261 section 10.2.1.1, where neither side says


class _Binding:
    __slots__ = ("address", "contact_user", "expires_ms", "extension", "port", "role")

    def __init__(self, extension: str, role: str, contact_user: str, address: bytes, port: int) -> None:
        self.extension = extension
        self.role = role
        self.contact_user = contact_user
        self.address = address
        self.port = port
        self.expires_ms = 0


class Registrar:
    """Bindings of an office's phones, learned from the wire."""

    def __init__(self) -> None:
        self._pending: dict[bytes, tuple[str, str, bytes, int]] = {}
        self._bindings: dict[tuple[str, str, bytes], _Binding] = {}
        self._by_address: dict[tuple[bytes, int], list[_Binding]] = {}
        self._registered: dict[str, int] = {}  # extension -> number of bindings
        self._next_expiry_ms: int | None = None
        self.servers: dict[bytes, int] = {}  # addresses that REGISTER was sent to: PBXes
        self.events: list[RegistrationChanged] = []

    # --- learning ---

    def receive_register(self, message: Message, role: str, source: bytes, port: int, server: bytes) -> None:
        """A REGISTER request: remembered until it is answered. A fetch (no Contact) changes nothing."""
        extension = user_of(split_address(message.header(TO))[0])
        if role == ROLE_PHONE and len(self.servers) < 16:
            self.servers[server] = 1
        if not extension or not message.header(CONTACT):
            return
        if len(self._pending) >= MAX_PENDING:
            self._pending.clear()  # never answered: a scan; phones repeat theirs
        self._pending[message.call_id] = (extension, role, source, port)

    def receive_answer(self, message: Message, now_ms: int) -> None:
        """A 2xx to REGISTER: it lists the bindings that the registrar now keeps (RFC 3261 section 10.3 step 8)."""
        pending = self._pending.get(message.call_id)
        if pending is None:
            return
        del self._pending[message.call_id]
        extension, role, source, port = pending
        listed = [contact for value in message.headers(CONTACT) for contact in _split_contacts(value)]
        default = _seconds(message.header(EXPIRES), DEFAULT_EXPIRES_S)
        for contact in listed:
            uri, parameters = split_address(contact)
            expires_s = _seconds(parameter(b";" + parameters.lstrip(b";"), b"expires"), default)
            mine = len(listed) == 1 or host_of(uri).startswith(_host_text(source))
            if mine:
                self._bind(extension, role, user_of(uri), source, port, now_ms + 1000 * expires_s, now_ms)
        if not listed:
            self._unbind_source(extension, source, now_ms)

    def _bind(
        self, extension: str, role: str, contact_user: str, source: bytes, port: int, expires_ms: int, now_ms: int
    ) -> None:
        key = (extension, contact_user, source)
        binding = self._bindings.get(key)
        if expires_ms <= now_ms:
            if binding is not None:
                self._remove(key, binding, now_ms)
            return
        if binding is None:
            if len(self._bindings) >= MAX_BINDINGS:
                return
            binding = self._bindings[key] = _Binding(extension, role, contact_user, source, port)
            self._by_address.setdefault((source, port), []).append(binding)
            self._count(binding, 1, now_ms)
        elif binding.port != port:
            self._forget_address(binding)
            binding.port = port
            self._by_address.setdefault((source, port), []).append(binding)
        binding.expires_ms = expires_ms
        if self._next_expiry_ms is None or expires_ms < self._next_expiry_ms:
            self._next_expiry_ms = expires_ms

    def _unbind_source(self, extension: str, source: bytes, now_ms: int) -> None:
        """A 2xx that lists no binding: this phone took back what it had (Expires: 0 or Contact: *)."""
        for key in [key for key in self._bindings if key[0] == extension and key[2] == source]:
            self._remove(key, self._bindings[key], now_ms)

    def _remove(self, key: tuple[str, str, bytes], binding: _Binding, now_ms: int) -> None:
        del self._bindings[key]
        self._forget_address(binding)
        self._count(binding, -1, now_ms)

    def _forget_address(self, binding: _Binding) -> None:
        others = [other for other in self._by_address[binding.address, binding.port] if other is not binding]
        if others:
            self._by_address[binding.address, binding.port] = others
        else:
            del self._by_address[binding.address, binding.port]

    def _count(self, binding: _Binding, change: int, now_ms: int) -> None:
        before = self._registered.get(binding.extension, 0)
        self._registered[binding.extension] = before + change
        if before == 0 or before + change == 0:
            self.events.append(RegistrationChanged(now_ms, binding.role, binding.extension, change > 0))

    # --- time ---

    def next_deadline(self) -> int | None:
        """When the next binding may run out."""
        return self._next_expiry_ms

    def handle_deadline(self, now_ms: int) -> None:
        """Bindings that were not refreshed are gone."""
        if self._next_expiry_ms is None or now_ms < self._next_expiry_ms:
            return
        for key in [key for key in self._bindings if self._bindings[key].expires_ms <= now_ms]:
            self._remove(key, self._bindings[key], self._bindings[key].expires_ms)
        times = [binding.expires_ms for binding in self._bindings.values()]
        self._next_expiry_ms = min(times) if times else None

    # --- asking ---

    def is_registered(self, extension: str) -> bool:
        """True while at least one phone of the extension is registered as seen on the wire."""
        return self._registered.get(extension, 0) > 0

    def extension_at(self, address: bytes, port: int, contact_user: str) -> str:
        """The extension whose phone is at an address; its contact's user part decides between lines. "" if unknown."""
        bindings = self._by_address.get((address, port))
        if not bindings:
            return ""
        for binding in bindings:
            if binding.contact_user == contact_user and binding.role == ROLE_PHONE:
                return binding.extension
        return bindings[0].extension if len(bindings) == 1 and bindings[0].role != ROLE_TRUNK else ""


def _split_contacts(value: bytes) -> list[bytes]:
    """The values of a comma-joined Contact header; commas within <> or quotes do not separate."""
    contacts = []
    start = depth = 0
    quoted = False
    for at, byte in enumerate(value):
        if byte == 34:
            quoted = not quoted
        elif not quoted and byte in (60, 62):
            depth = int(byte == 60)
        elif byte == 44 and not quoted and not depth:
            contacts.append(value[start:at].strip())
            start = at + 1
    contacts.append(value[start:].strip())
    return [contact for contact in contacts if contact]


def _seconds(value: bytes, default: int) -> int:
    return int(value) if value.isdigit() and len(value) < 10 else default


def _host_text(address: bytes) -> bytes:
    """An IPv4 address as written in a Contact; b"[" for IPv6, whose spelling varies."""
    return b".".join([b"%d" % byte for byte in address]) if len(address) == 4 else b"["
