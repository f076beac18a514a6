"""A program that makes calls at an exact rate and puts them on a cable: as frames, as TZSP or as HEP.

    python -m fieldkit.bench.generator frame INTERFACE RATE CALLS [HELD_S]
    python -m fieldkit.bench.generator tzsp|hep|hep-tcp ADDRESS:PORT RATE CALLS

Calls have seven messages; RATE is calls a second. With HELD_S all calls begin, stay up so long, and then all end.
`flood` instead of `frame` sends INVITEs only, each a new call from a forged caller; `phones` sends REGISTERs.
"""

import socket
import sys
import time
from collections.abc import Callable, Iterator

from fieldkit.packets import make_hep, make_tzsp, make_udp

PBX = bytes([10, 77, 1, 5])
SDP = "v=0\r\no=- 1 1 IN IP4 10.77.1.5\r\ns=-\r\nc=IN IP4 10.77.1.5\r\nt=0 0\r\nm=audio 10000 RTP/AVP 8\r\n"
TICK_S = 0.005
# whether the PBX sends, first line, CSeq; a phone's answer comes a tick later
BEGINNING = (
    (True, "INVITE sip:{extension}@10.77.1.101 SIP/2.0", "1 INVITE"),
    (False, "SIP/2.0 100 Trying", "1 INVITE"),
    (False, "SIP/2.0 180 Ringing", "1 INVITE"),
    (False, "SIP/2.0 200 OK", "1 INVITE"),
    (True, "ACK sip:{extension}@10.77.1.101 SIP/2.0", "1 ACK"),
)
ENDING = ((True, "BYE sip:{extension}@10.77.1.101 SIP/2.0", "2 BYE"), (False, "SIP/2.0 200 OK", "2 BYE"))


def make_message(step: tuple[bool, str, str], number: int, caller: str) -> bytes:
    """One message of call `number`."""
    _, first_line, cseq = step
    extension = 1000 + number % 1000
    to_tag = "" if first_line.startswith(("INVITE", "SIP/2.0 100")) else f";tag=t{number}"
    body = SDP if cseq.endswith("INVITE") and (first_line.startswith(("INVITE", "SIP/2.0 200"))) else ""
    return (
        f"{first_line.format(extension=extension)}\r\n"
        f"Via: SIP/2.0/UDP 10.77.1.5:5060;branch=z9hG4bK{number}-{cseq[0]}{cseq[2:5] if cseq[2:] == 'ACK' else ''}\r\n"
        f"Max-Forwards: 70\r\nFrom: <sip:{caller}@10.77.1.5>;tag=f{number}\r\n"
        f"To: <sip:{extension}@10.77.1.101>{to_tag}\r\nCall-ID: {number}-bench@10.77.1.5\r\nCSeq: {cseq}\r\n"
        f"Contact: <sip:{caller}@10.77.1.5:5060>\r\nUser-Agent: ringtap bench\r\n"
        f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def make_register(first_line: str, number: int) -> bytes:
    """A phone's REGISTER, or the answer to it."""
    extension = 1000 + number % 1000
    return (
        f"{first_line}\r\nVia: SIP/2.0/UDP 10.77.2.1:5060;branch=z9hG4bKr{number}\r\n"
        f"From: <sip:{extension}@10.77.1.5>;tag=r\r\nTo: <sip:{extension}@10.77.1.5>\r\n"
        f"Call-ID: register-{number}\r\nCSeq: 1 REGISTER\r\nContact: <sip:{extension}@10.77.2.1:5060>\r\n"
        "Expires: 600\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def ends(number: int, *, forward: bool) -> tuple[bytes, bytes]:
    """Who sends and who receives: the PBX and one of its phones."""
    phone = bytes([10, 77, 2 + number % 1000 // 250, 1 + number % 250])
    return (PBX, phone) if forward else (phone, PBX)


def make_frame(payload: bytes, number: int, *, forward: bool) -> bytes:
    """A datagram between the PBX and the phone of this number, as a frame."""
    return make_udp(payload, *ends(number, forward=forward), number=number)


def open_output(form: str, target: str) -> Callable[[bytes], object]:
    """A function that sends one frame, datagram or stretch of a stream."""
    if form == "frame":
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        raw.bind((target, 0))
        return raw.send
    host, _, port = target.rpartition(":")
    if form == "hep-tcp":
        return socket.create_connection((host, int(port))).sendall
    datagrams = socket.socket(type=socket.SOCK_DGRAM)
    datagrams.connect((host, int(port)))
    return datagrams.send


def paced(count: int, rate: float) -> Iterator[int]:
    """Numbers from 0, `rate` a second, in bursts of a tick."""
    begun = time.monotonic()
    for number in range(count):
        while (early := number / rate - (time.monotonic() - begun)) > 0:
            time.sleep(max(early, TICK_S))
        yield number


def main(form: str, target: str, rate: float, count: int, held_s: float = 0) -> None:
    """Send everything; prints how many messages there were."""
    wrap = {"tzsp": make_tzsp, "hep": make_hep, "hep-tcp": make_hep}.get(form, make_udp)
    send = open_output("frame" if form in {"flood", "phones"} else form, target)
    sent = 0

    def say(number: int, steps: tuple[tuple[bool, str, str], ...], caller: str) -> None:
        nonlocal sent
        for step in steps:
            send(wrap(make_message(step, number, caller), *ends(number, forward=step[0])))
            sent += 1

    if form == "flood":
        for number in paced(count, rate):
            say(number + 10_000_000, BEGINNING[:1], f"666{number:09d}")
    elif form == "phones":
        for number in paced(count, rate):
            send(make_frame(make_register("REGISTER sip:10.77.1.5 SIP/2.0", number), number, forward=False))
            send(make_frame(make_register("SIP/2.0 200 OK", number), number, forward=True))
    else:
        for number in paced(count, rate):
            say(number, BEGINNING if held_s else BEGINNING + ENDING, f"44770{number:07d}")
        if held_s:
            time.sleep(held_s)
            for number in paced(count, rate):
                say(number, ENDING, f"44770{number:07d}")
    print(sent)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]), float(*sys.argv[5:6]) if sys.argv[5:] else 0)
