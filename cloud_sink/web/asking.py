"""Who asks: what every handler is given that must know.

    def show(who: WhoAsks, offices: AllOffices): ...          # any role; `offices` are those granted, and no others
    def upload(who: Changing, offices: AllOffices, ...): ...  # admins and managers; others get 403

`offices.get(name)` of an office that was not granted raises UnknownOffice (404), as if there were none; what the office
then hands out shows callers' numbers or codes, as the role may see them. So a handler asks `offices`, never the store.
`who.name` is what a record of the change keeps ("" where nobody has to sign in). Forms need no token: requests that
change anything are refused before they reach a handler unless they come from one of our own pages.
"""

from typing import Annotated

from fastapi import Depends, Request

from cloud_sink.users.roles import ANYBODY, Asker


class Forbidden(Exception):
    """Somebody is known, and may not do this; the text says who may."""


def who_asks(request: Request) -> Asker:
    """The user behind a request."""
    found: Asker = getattr(request.state, "asker", ANYBODY)
    return found


WhoAsks = Annotated[Asker, Depends(who_asks)]


def who_changes(who: WhoAsks) -> Asker:
    """The same of a request that changes something. Raises Forbidden."""
    if not who.changes:
        raise Forbidden(f"a {who.role} may read only: ask a manager or an admin")
    return who


def who_administers(who: WhoAsks) -> Asker:
    """The same of what is for those only who run the sink. Raises Forbidden."""
    if not who.administers:
        raise Forbidden(f"a {who.role} may not do this: ask an admin")
    return who


Changing = Annotated[Asker, Depends(who_changes)]
Administering = Annotated[Asker, Depends(who_administers)]
