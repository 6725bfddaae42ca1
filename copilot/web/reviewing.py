"""What people decide of inspected parts in the browser: who may, what a form says, how it is kept.

The decision goes into the plant database by a login of its own, as the one made at the station's
terminal does, and into the audit log with who made it.
"""

import asyncio
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from copilot.actor import Actor
from copilot.audit.log import Entry, append
from copilot.db import writing
from copilot.station.database import decide, open_writing, read_decision
from copilot.web.access import Visitor
from copilot.web.auth.proving import DOOR
from copilot.web.services import Services
from copilot_tools.errors import Denied, Retry
from copilot_tools.records import GOOD, Inspection
from copilot_tools.site.model import Site

NO_LOGIN = "reviews are made at the station's terminal: `copilot station review`"
NOT_YOURS = "this line is none of your areas"


class ReviewForm(BaseModel):
    """What was filled in; nothing is chosen beforehand."""

    choice: Literal["", "said", "good", "other"] = ""
    defect: Annotated[str, Field(max_length=80)] = ""
    password: Annotated[str, Field(max_length=200)] = ""

    def decision(self, part: Inspection) -> str:
        """What the part is by this form; raises Retry where it does not say."""
        if self.choice == "said":
            return read_decision(said_of(part))
        if self.choice == "good":
            return GOOD
        if self.choice != "other":
            raise Retry("choose what it is")
        return read_decision(self.defect)


def said_of(part: Inspection) -> str:
    """What the camera says a part is."""
    return GOOD if part.passed else part.defect


def refusal(services: Services, actor: Actor, part: Inspection) -> str:
    """Why somebody may not decide on a part, empty where they may."""
    if not services.settings.database.reviews:
        return NO_LOGIN
    return "" if _is_theirs(services.copilot.plant.site, actor, part.line) else NOT_YOURS


def _is_theirs(site: Site, actor: Actor, line: str) -> bool:
    return actor.works_in(asset.area for asset in site.assets.values() if asset.line == line)


async def review(services: Services, visitor: Visitor, part: Inspection, form: ReviewForm) -> None:
    """Keep what a person decides; raises Denied, Retry or Failed where it is not taken."""
    if why := refusal(services, visitor.actor, part):
        raise Denied(why)
    decision = form.decision(part)
    await DOOR.prove(services.sign_in.sign_in, visitor.actor.name, form.password)
    await asyncio.to_thread(_keep, services, visitor.actor.name, part, decision)


def _keep(services: Services, name: str, part: Inspection, decision: str) -> None:
    """Two databases cannot commit as one: without its first row in the log nothing is decided."""
    told = {"inspection": str(part.id), "said": said_of(part), "decision": decision}
    _record(services, Entry("inspection.deciding", name, "", told))
    plant = open_writing(services.settings.database.reviews)
    decide(plant, part.id, decision, name, services.now())
    _record(services, Entry("inspection.decided", name, "", told))


def _record(services: Services, entry: Entry) -> None:
    with writing(services.copilot.database) as connection:
        append(connection, entry, services.now())
