"""Which address is which extension: the bindings that REGISTER makes (RFC 3261 section 10).

A binding counts from the registrar's 2xx, for as long as that says. One extension may have several phones, one phone
several lines, and the Contact's user part may be random: so a binding is kept by its source address and by its
contact's user part.
"""

from collector.core.addresses import host_of, parameter, split_address, user_of
from collector.core.events import ROLE_PHONE, RegistrationChanged
from collector.core.headers import CONTACT, EXPIRES
from collector.core.message import Message
from collector.core.wire import MAX_TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_BINDINGS = 2048  # an office has tens; a scanner that registers random names must not fill the memory
MAX_SERVERS = 16  # PBXes of one office, its standby included
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


class _Request:
    """A REGISTER whose answer is still to come."""

    __slots__ = ("contacts", "extension", "port", "removes", "role", "source")

    def __init__(self, extension: str, role: str, source: bytes, port: int) -> None:
        self.extension = extension
        self.role = role
        self.source = source
        self.port = port
        self.contacts: list[tuple[str, bytes]] = []  # (user, host) that it asked to bind
        self.removes: list[tuple[str, bytes]] = []  # and those to forget


class Registrar:
    """Bindings of an office's phones, learned from the wire."""

    def __init__(self) -> None:
        self._pending: dict[bytes, _Request] = {}
        self._bindings: dict[tuple[str, str, bytes], _Binding] = {}
        self._by_address: dict[bytes, tuple[_Binding, ...]] = {}
        self.registered: dict[str, int] = {}  # extension -> number of bindings seen on the wire; 0 is not kept
        self._next_expiry_ms: int | None = None
        self.servers: dict[bytes, int] = {}  # addresses that REGISTER was sent to: PBXes
        self.events: list[RegistrationChanged] = []
        self.worked_out: dict[Any, Any] = {}  # for who asks: what follows from all this, empty whenever it changes

    # --- learning ---

    def is_forwarded(self, call_id: bytes, source: bytes) -> bool:
        """True where somebody else sent a REGISTER of this Call-ID just before: a proxy hands it on."""
        waiting = self._pending.get(call_id)
        return waiting is not None and waiting.source != source

    def receive_register(self, message: Message, role: str, source: bytes, port: int, server: bytes) -> bool:
        """A REGISTER request: remembered until it is answered. False for a fetch (no Contact): it changes nothing."""
        extension = user_of(split_address(message.to_value)[0])[:MAX_TEXT]
        if role != ROLE_PHONE:
            if self.servers.pop(server, 0):  # a carrier, taken for a PBX before any phone registered with the PBX
                self.worked_out.clear()
        elif server not in self.servers and len(self.servers) < MAX_SERVERS:
            self.servers[server] = 1
            self.worked_out.clear()
        contacts = _contacts(message)
        if not extension or not contacts:
            return False
        request = _Request(extension, role, source, port)
        default = _seconds(message.header(EXPIRES), DEFAULT_EXPIRES_S)
        for uri, parameters in contacts:
            wanted = _seconds(parameter(parameters, b"expires"), default)
            (request.contacts if wanted else request.removes).append((user_of(uri)[:MAX_TEXT], host_of(uri)))
        if len(self._pending) >= MAX_PENDING:
            self._pending.clear()  # never answered: a scan; phones repeat theirs
        self._pending[message.call_id] = request
        return True

    def receive_answer(self, message: Message, now_ms: int) -> None:
        """A 2xx to REGISTER: it lists the bindings that the registrar now keeps (RFC 3261 section 10.3 step 8)."""
        request = self._pending.get(message.call_id)
        if request is None:
            return
        default = _seconds(message.header(EXPIRES), DEFAULT_EXPIRES_S)
        kept: list[str] = []
        listed = _contacts(message)
        for uri, parameters in listed:
            user = user_of(uri)[:MAX_TEXT]
            if self._is_senders(request, user, host_of(uri)) or (len(listed) == 1 and not request.removes):
                expires_s = _seconds(parameter(parameters, b"expires"), default)
                kept.append(user)
                self._bind(request, user, now_ms + 1000 * expires_s, now_ms)
        if request.removes:
            self._forget_removed(request, kept, now_ms)
        del self._pending[message.call_id]  # not before: where a board has no memory for a message, it reads it again

    def _is_senders(self, request: _Request, user: str, host: bytes) -> bool:
        """True where a listed contact is the sender's own: as it asked, or with an address that the registrar put."""
        if (user, host) in request.contacts:
            return True
        if (user, host) in request.removes:
            return False
        if host.partition(b":")[0] == _host_text(request.source):
            return True
        return user in [wanted for wanted, _ in request.contacts]  # Asterisk's rewrite_contact, behind NAT

    def _forget_removed(self, request: _Request, kept: list[str], now_ms: int) -> None:
        """The phone took back what it had: one contact, or all of them (`Contact: *`)."""
        users = [user for user, _ in request.removes]
        for key in sorted(self._bindings):
            extension, user, source = key
            mine = extension == request.extension and source == request.source
            if mine and user not in kept and (user in users or "*" in users):
                self._remove(key, self._bindings[key], now_ms)

    def _bind(self, request: _Request, contact_user: str, expires_ms: int, now_ms: int) -> None:
        key = (request.extension, contact_user, request.source)
        binding = self._bindings.get(key)
        if expires_ms <= now_ms:
            if binding is not None:
                self._remove(key, binding, now_ms)
            return
        if binding is None:
            if len(self._bindings) >= MAX_BINDINGS:
                return
            if contact_user == request.extension:  # the same text is kept once
                key = (request.extension, request.extension, request.source)
            binding = _Binding(request.extension, request.role, key[1], request.source, request.port)
            others = self._by_address.get(request.source, ()) + (binding,)
            self._count(
                binding, 1, now_ms
            )  # before it is kept: where a board has no memory, it reads the message again
            self._bindings[key] = binding
            self._by_address[request.source] = others
        if binding.port != request.port:
            binding.port = request.port
            self.worked_out.clear()
        binding.expires_ms = expires_ms
        if self._next_expiry_ms is None or expires_ms < self._next_expiry_ms:
            self._next_expiry_ms = expires_ms

    def _remove(self, key: tuple[str, str, bytes], binding: _Binding, now_ms: int) -> None:
        others = tuple([other for other in self._by_address[binding.address] if other is not binding])
        self._count(binding, -1, now_ms)
        del self._bindings[key]
        if others:
            self._by_address[binding.address] = others
        else:
            del self._by_address[binding.address]

    def _count(self, binding: _Binding, change: int, now_ms: int) -> None:
        self.worked_out.clear()
        before = self.registered.get(binding.extension, 0)
        if before == 0 or before + change == 0:
            self.events.append(RegistrationChanged(now_ms, binding.role, binding.extension, change > 0))
        if before + change:
            self.registered[binding.extension] = before + change
        else:
            del self.registered[binding.extension]

    # --- time ---

    def next_deadline(self) -> int | None:
        """When the next binding may run out."""
        return self._next_expiry_ms

    def handle_deadline(self, now_ms: int) -> None:
        """Bindings that were not refreshed are gone."""
        if self._next_expiry_ms is None or now_ms < self._next_expiry_ms:
            return
        gone = [(binding.expires_ms, key) for key, binding in self._bindings.items() if binding.expires_ms <= now_ms]
        for expires_ms, key in sorted(gone):  # MicroPython's dicts keep no order
            self._remove(key, self._bindings[key], expires_ms)
        times = [binding.expires_ms for binding in self._bindings.values()]
        self._next_expiry_ms = min(times) if times else None

    # --- asking ---

    def is_registered(self, extension: str) -> bool:
        """True while at least one phone of the extension is registered as seen on the wire."""
        return extension in self.registered

    def extension_at(self, address: bytes, port: int, contact_user: str) -> str:
        """The extension whose phone is at an address; its contact's user part decides between lines. "" if unknown.

        Over TCP a phone registers from another port than it is called at: the port decides only between phones.
        """
        bindings = self._by_address.get(address)
        if not bindings:
            return ""
        phones = [binding for binding in bindings if binding.role == ROLE_PHONE]
        found = [binding for binding in phones if binding.contact_user == contact_user] or phones
        if len(found) > 1:
            found = [binding for binding in found if binding.port == port] or found
        for binding in found[1:]:
            if binding.extension != found[0].extension:
                return ""
        return found[0].extension if found else ""


def _contacts(message: Message) -> list[tuple[bytes, bytes]]:
    """(URI, parameters) of every contact, in order; the parameters begin with a semicolon."""
    listed = [split_address(contact) for value in message.headers(CONTACT) for contact in _split_contacts(value)]
    return [(uri if uri != b"*" else b"sip:*@", b";" + parameters.lstrip(b"; ")) for uri, parameters in listed]


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
    """An IPv4 address as written in a Contact; b"" for IPv6, whose spelling varies."""
    return b".".join([b"%d" % byte for byte in address]) if len(address) == 4 else b""
