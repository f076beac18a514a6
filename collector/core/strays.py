"""Messages of calls whose beginning was not seen: which of them a leg is made of, flagged `partial`.

The tap lost packets, or began to watch in the middle. What tells that a call was tried just now (it rings, it is
answered or refused) makes a leg; of a call that has been up for a while nothing is known but that it goes on, and it is
counted only (`orphans`): when it began, and with what, nobody could say.
"""

from collector.core.addresses import tag_of, uri_user_of, user_in
from collector.core.message import Message

# refusals that a re-INVITE gets, or that another INVITE follows; and the end of a ringing of unknown length
_NO_BEGINNINGS = (401, 407, 422, 481, 487, 488, 491, 494)
FIRST_REFUSALS = (401, 407, 422, 494)  # of these a first INVITE gets far more than a re-INVITE: the next try will tell


def begins_leg(message: Message) -> bool:
    """True for what follows an INVITE that opens a dialog, and hardly ever one within it.

    A re-INVITE gets no 18x, and its 100 has a To tag. Its 2xx and its ACK look like any other: a call that was joined
    in the middle is known by the request before them (`EndedCalls.note_joined`).
    """
    if message.is_request:
        return message.method == b"ACK" and _acknowledges_answer(message)
    if message.method != b"INVITE":
        return False
    if message.status == 100:
        return not tag_of(message.to_value)
    return message.status not in _NO_BEGINNINGS


def _acknowledges_answer(message: Message) -> bool:
    """The ACK of a 2xx goes to its Contact, that of a refusal where the INVITE went; the same two tell nothing.

    RFC 3261 sections 13.2.2.4 and 17.1.1.3.
    """
    called = user_in(message.to_value)
    return bool(called and tag_of(message.to_value)) and uri_user_of(message) != called
