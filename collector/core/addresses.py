"""Addresses in SIP headers: URIs, users and hosts, tags, branches and other parameters (RFC 3261 sections 19.1, 20)."""

from collector.core.keys import SMALL, checksum, mark_of
from collector.core.message import Message

# Of bytes neither `in` is asked (CPython tries what is looked for as a number first, and words an error each time) nor,
# where it counts, `find` (its arguments are taken apart the slow way): `partition` copies, and is faster.


def split_address(value: bytes) -> tuple[bytes, bytes]:
    """(URI, parameters) of a From, To, Contact, P-Asserted-Identity ... value; the display name is dropped."""
    start = 0
    if value[:1] == b'"':
        start = _after_quoted(value)
    left = value.find(b"<", start)
    if left < 0:
        uri, _, parameters = value[start:].strip().partition(b";")  # without <> the parameters are the header's
        return uri.strip(), parameters
    right = value.find(b">", left)
    if right < 0:
        return value[left + 1 :], b""
    return value[left + 1 : right].strip(), value[right + 1 :]


def user_in(value: bytes) -> str:
    """The user part of the URI in a From, To, P-Asserted-Identity ... value (`user_of` says how)."""
    name, _, rest = value.partition(b"<sip:")
    user, at, rest = rest.partition(b"@")
    if (
        at and (user.isdigit() or user.isalpha()) and name.find(b"<") < 0 and rest.find(b'"') < 0
    ):  # else it may be a display name that looks like one
        return str(user, "utf-8")
    return user_of(split_address(value)[0])


def uri_user_of(message: Message) -> str:
    """The user part of a request's Request-URI (`user_of` says how)."""
    user, at, _ = message.first_line.partition(b"@")
    start = len(message.method) + 5
    if at and user[start - 4 : start] == b"sip:":
        user = user[start:]
        if user.isdigit():
            return str(user, "utf-8")
    return user_of(message.uri)


def _after_quoted(value: bytes) -> int:
    """The position behind a leading quoted string, escapes respected; 0 where the quote never closes."""
    at = 1
    while True:
        at = value.find(b'"', at)
        if at < 0:
            return 0
        escapes = 0
        while value[at - 1 - escapes : at - escapes] == b"\\":
            escapes += 1
        at += 1
        if escapes % 2 == 0:
            return at


def tag_of(value: bytes) -> bytes:
    """The tag parameter of a From or To value; b"" where there is none."""
    parameters = value.rpartition(b">")[2]
    if not parameters:  # nothing behind the URI: nearly every To of a first INVITE
        return b""
    if parameters[:5] == b";tag=":
        tag = parameters[5:]
    else:
        tag = parameters.rpartition(b";tag=")[2]
        if len(tag) == len(parameters):
            return _odd_tag_of(parameters)
    return tag.partition(b";")[0].strip()


def tag_mark(value: bytes) -> int:
    """`mark_of` what `tag_of` says of a From or To value; the usual one is written out: most messages are asked."""
    parameters = value.rpartition(b">")[2]
    if parameters[:5] == b";tag=":
        tag = parameters[5:].partition(b";")[0].strip()
        return checksum(tag) & SMALL or 1 if tag else 0
    return mark_of(tag_of(value)) if parameters else 0


def _odd_tag_of(parameters: bytes) -> bytes:
    """Leniency: the name in another case, or white space around its semicolon and equals sign."""
    if parameters.lower().find(b"tag") < 0:
        return b""
    for part in parameters.split(b";")[1:]:
        name, equals, tag = part.partition(b"=")
        if equals and name.strip().lower() == b"tag":
            return tag.strip()
    return b""


def branch_mark(message: Message) -> int:
    """`mark_of` the branch of the topmost Via."""
    return mark_of(branch_of(message.front()[1]))


def branch_of(via: bytes) -> bytes:
    """The branch in a topmost Via's value: names the transaction on this hop (RFC 3261 section 8.1.1.7)."""
    branch = via.partition(b";branch=")[2].partition(b";")[0]
    if not branch or branch.partition(b",")[1]:  # in another case, or several Vias in one line
        branch = parameter(via, b"branch")
    return branch.strip()


def user_of(uri: bytes) -> str:
    """The user part of a sip, sips or tel URI as text: escapes resolved, password and parameters dropped."""
    colon = uri.find(b":")
    if colon < 0:
        return ""
    at = uri.find(b"@", colon)
    if at < 0:
        if uri[:colon].lower() != b"tel":
            return ""
        at = len(uri)
    user = uri[colon + 1 : at]
    if user.isalpha() or user.isdigit():
        return str(user, "utf-8")
    for stop in (b";", b":"):
        end = user.find(stop)
        if end >= 0:
            user = user[:end]
    return text_of(unescape(user) if user.find(b"%") >= 0 else user)


def host_of(uri: bytes) -> bytes:
    """Host and port of a sip URI as written, lower case; b"" where there is none."""
    _, _, rest = uri.partition(b":")
    user, at, host = rest.partition(b"@")
    if not at:
        host = user
    for stop in (b";", b"?", b">"):
        cut = host.find(stop)
        if cut >= 0:
            host = host[:cut]
    return host.strip().lower()


def unescape(value: bytes) -> bytes:
    """Percent escapes resolved; a stray percent sign stays."""
    parts = value.split(b"%")
    whole = [parts[0]]
    for part in parts[1:]:
        high = _HEX.find(part[:1].lower())
        low = _HEX.find(part[1:2].lower())
        if len(part) < 2 or high < 0 or low < 0:
            whole.append(b"%" + part)
        else:
            whole.append(bytes([high << 4 | low]) + part[2:])
    return b"".join(whole)


_HEX = b"0123456789abcdef"


def text_of(value: bytes) -> str:
    """Text of bytes from the wire: UTF-8, else every odd byte as a question mark."""
    try:
        return str(value, "utf-8")
    except UnicodeError:
        return str(bytes([byte if byte < 128 else 63 for byte in value]), "utf-8")


def parameter(value: bytes, name: bytes) -> bytes:
    """A `name=value` parameter after a semicolon, quotes removed; b"" where it is missing. `name` is lower case."""
    low = value.lower()
    at = low.find(b";" + name + b"=")
    if at < 0:
        return b""
    start = at + len(name) + 2
    end = value.find(b";", start)
    found = value[start : end if end >= 0 else len(value)].strip()
    comma = found.find(b",")
    return (found[:comma] if comma >= 0 else found).strip(b'" ')
