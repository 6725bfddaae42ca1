"""What a visitor is told when something does not work: a page for people, JSON for programs."""

import logging
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from copilot.accounts.sign_in import PasswordIsDue
from copilot.web.access import NotSignedIn
from copilot.web.guard import HEADERS
from copilot.web.rendering import kiosk, render
from copilot.web.texts import say
from copilot_tools.display import printable
from copilot_tools.errors import Denied, Failed, Retry, ToolError, Unavailable

SIGN_IN = "/sign-in"
KIOSK = "/kiosk"
NEW_PASSWORD = "/account/password"

_STATUS: dict[type[ToolError], int] = {Retry: 400, Denied: 403, Failed: 422, Unavailable: 503}
_LOG = logging.getLogger("copilot.web")


def handle_errors(app: FastAPI) -> None:
    """Give every kind of error its answer."""
    app.add_exception_handler(NotSignedIn, _not_signed_in)
    app.add_exception_handler(PasswordIsDue, _password_is_due)
    app.add_exception_handler(ToolError, _tool_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


def problem(request: Request, status: int, message: str, kind: str) -> Response:
    """An error as a page where a page was asked for, else as JSON."""
    message = printable(message)
    if "text/html" in request.headers.get("Accept", ""):
        visitor = getattr(request.state, "visitor", None)
        return render(request, "error.html", visitor, status, code=status, message=message)
    body = {"error": {"message": message, "type": kind, "code": status}}
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return JSONResponse(body, status, headers)


def _not_signed_in(request: Request, _: Exception) -> Response:
    if request.method == "GET" and "text/html" in request.headers.get("Accept", ""):
        form = KIOSK if kiosk(request) else SIGN_IN
        return RedirectResponse(f"{form}?next={quote(_page(request))}", 303)
    return problem(request, 401, say(request, "Please sign in."), "not_signed_in")


def _page(request: Request) -> str:
    query = request.url.query
    return request.url.path + (f"?{query}" if query else "")


def _password_is_due(request: Request, error: Exception) -> Response:
    if request.method == "GET" and "text/html" in request.headers.get("Accept", ""):
        return RedirectResponse(NEW_PASSWORD, 303)
    return _tool_error(request, error)


def _tool_error(request: Request, error: Exception) -> Response:
    status = next((s for kind, s in _STATUS.items() if isinstance(error, kind)), 500)
    return problem(request, status, str(error), type(error).__name__.lower())


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return problem(request, 422, f"{where}: {first['msg']}", "invalid")


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    texts = {404: say(request, "There is nothing here."), 405: "this cannot be done here"}
    answer = problem(
        request, error.status_code, texts.get(error.status_code, str(error.detail)), "http"
    )
    answer.headers.update(error.headers or {})
    return answer


def _unforeseen(request: Request, error: Exception) -> Response:
    _LOG.error("unforeseen error at %s", request.url.path, exc_info=error)
    text = say(request, "Something went wrong here; it has been logged.")
    answer = problem(request, 500, text, "internal")
    answer.headers.update({**HEADERS, "Cache-Control": "no-store"})  # the guard does not see it
    return answer
