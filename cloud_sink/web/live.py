"""The JSON API's answer to "what rings right now?", for wallboards."""

import time
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, FastAPI, Request
from pydantic import BaseModel

from cloud_sink.live import LivePicture
from cloud_sink.office import Offices
from cloud_sink.web.api import PREFIX, all_offices

router = APIRouter(prefix=PREFIX)


class LiveLeg(BaseModel):
    """One phone or line that is busy; `seconds`: for how long it has been in this state."""

    state: Literal["calling", "ringing", "talking"]
    role: str
    direction: str
    extension: str
    caller: str
    callee: str
    seconds: float


class Live(BaseModel):
    """What rings and talks in an office at this moment; kept nowhere, and no KPI."""

    office: str
    ringing: int
    talking: int
    legs: list[LiveLeg]


def add_live(app: FastAPI, picture: LivePicture) -> None:
    """Serve this picture too."""
    app.state.live = picture
    app.include_router(router)


@router.get("/offices/{office}/live", summary="What rings and talks right now")
def get_live(request: Request, office: str, offices: Annotated[Offices, Depends(all_offices)]) -> Live:
    """Phones' legs count, a trunk's are listed too; a phone appears within 300 ms of its packet."""
    now_ms = time.time_ns() // 1_000_000
    shown = offices.disguise.number if offices.disguise else str
    picture: LivePicture = request.app.state.live
    found = picture.legs(offices.get(office).id, now_ms)
    phones = [leg.phase for leg in found if leg.role == "phone"]
    legs = [
        LiveLeg.model_validate(
            {
                "state": leg.phase,
                "role": leg.role,
                "direction": leg.direction,
                "extension": leg.extension,
                "caller": shown(leg.caller),
                "callee": shown(leg.callee),
                "seconds": (now_ms - leg.since_ms) / 1000,
            }
        )
        for leg in found
    ]
    return Live(office=office, ringing=phones.count("ringing"), talking=phones.count("talking"), legs=legs)
