"""When a certificate begins and ends: four levels of DER (RFC 5280 4.1), which the standard library does not show."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime

_SEQUENCE, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0x17, 0x18


def validity(pem: str) -> tuple[datetime, datetime]:
    """The first certificate of a text: not before, not after. Raises ValueError where it holds none."""
    begin = pem.find(ssl.PEM_HEADER)
    end = pem.find(ssl.PEM_FOOTER, begin)
    if begin < 0 or end < 0:
        raise ValueError("holds no certificate")
    der = ssl.PEM_cert_to_DER_cert(pem[begin : end + len(ssl.PEM_FOOTER)])
    try:
        (certificate,) = (content for _, content in _elements(der))
        _, to_be_signed = next(_elements(certificate))
        for tag, content in _elements(to_be_signed):
            times = list(_elements(content)) if tag == _SEQUENCE else []
            if len(times) == 2 and all(kind in {_UTC_TIME, _GENERALIZED_TIME} for kind, _ in times):
                return _time(*times[0]), _time(*times[1])
    except (IndexError, StopIteration) as error:
        raise ValueError("is no certificate") from error
    raise ValueError("is no certificate")


def _elements(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each element of a sequence's content."""
    position = 0
    while position < len(der):
        tag, length = der[position], der[position + 1]
        position += 2
        if length >= 0x80:  # long form: the low bits say how many bytes hold the length
            size = length & 0x7F
            length = int.from_bytes(der[position : position + size], "big")
            position += size
        yield tag, der[position : position + length]
        position += length


def _time(tag: int, content: bytes) -> datetime:
    text = content.decode("ascii")
    if tag == _UTC_TIME:  # two digits: from 50 on 19xx (RFC 5280 4.1.2.5.1)
        text = ("19" if text[:2] >= "50" else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
