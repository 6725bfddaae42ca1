"""What a program is told when something does not work: one shape, one meaning for each status."""

from typing import Any

from pydantic import BaseModel, ConfigDict

MEANINGS = {
    400: "The request is no JSON object with one meaning, or it can be corrected: see the message.",
    401: "No session, and no service token that is good (any more).",
    403: "Not allowed, or sent by another site.",
    404: "There is nothing of that name.",
    405: "This cannot be done here.",
    408: "The body did not arrive in time.",
    413: "The body is larger than 1,000,000 bytes.",
    421: "The server is not called by this name; see `[web] hosts` in the configuration.",
    422: "The request has another form than described, or the call was carried out and failed.",
    429: "This account has as many questions running as it may; `Retry-After` says when to try.",
    503: "A source does not answer; the message says which and since when.",
}
LOOKING = (400, 401, 403, 404, 405, 421, 422, 503)
SENDING = (*LOOKING, 408, 413)
ASKING = (*SENDING, 429)


class Trouble(BaseModel):
    """What went wrong: one clear line, a kind for programs, and the status again."""

    message: str
    type: str
    code: int


class Refused(BaseModel):
    """The body of every answer that is not a success."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"error": {"message": "there is no signal 'flwo'", "type": "retry", "code": 400}}
            ]
        }
    )

    error: Trouble


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documentation of the statuses that a route may answer with besides success."""
    return {status: {"model": Refused, "description": MEANINGS[status]} for status in statuses}
