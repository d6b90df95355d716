"""Every error leaves through here: a problem document under `/api/`, a page elsewhere."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from .accounts.access import identify
from .core.errors import BadRequest, NotAuthenticated, NotFound, Problem, TooLarge, Unprocessable
from .core.pages import render
from .core.web import SAFE_METHODS, is_api, new_reference, platform_of, with_headers

logger = logging.getLogger(__name__)


def install_problem_handlers(app: FastAPI) -> None:
    """Give `app` the one handler, in the shapes that the framework asks for."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(Exception, _on_unknown)


def answer(request: Request, problem: Problem) -> Response:
    """The answer that carries `problem` to a person or a program."""
    if is_api(request):
        response: Response = JSONResponse(
            problem.as_json(), problem.status, media_type="application/problem+json"
        )
        response.headers["Cache-Control"] = "no-store"
    elif isinstance(problem, NotAuthenticated) and request.method in SAFE_METHODS:
        query = f"?{request.url.query}" if request.url.query else ""
        response = RedirectResponse(f"/login?next={quote(request.url.path + query)}", 303)
    else:
        response = _page(request, problem)
    return with_headers(response, problem.headers)


def _page(request: Request, problem: Problem) -> Response:
    if not hasattr(request.state, "actor"):
        try:
            identify(request, platform_of(request))
        except NotAuthenticated:  # a bad token: the page is shown as to a visitor
            logger.debug("an error page for an unknown token")
    return render(request, "problem.html", status=problem.status, problem=problem)


def _on_problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, Problem):
        raise error
    return answer(request, error)


def _on_http_exception(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 404:
        return answer(request, NotFound())
    if error.status_code == 413:
        return answer(request, TooLarge())
    problem = BadRequest(str(error.detail))
    problem.status = error.status_code
    return answer(request, with_allow(problem, error))


def with_allow(problem: Problem, error: HTTPException) -> Problem:
    """Keep headers such as `Allow` of a 405."""
    problem.headers = dict(error.headers or {})
    return problem


def _on_validation(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return answer(request, Unprocessable(_sentence(error.errors())))


def _sentence(errors: Any) -> str:
    """What was wrong with which field, without echoing what was sent (it may be a password)."""
    parts = (f"{'.'.join(str(part) for part in e['loc'][1:])}: {e['msg']}" for e in errors)
    return "; ".join(parts)


def _on_unknown(request: Request, error: Exception) -> Response:
    reference = new_reference()
    logger.error("reference %s: %s %s", reference, request.method, request.url.path, exc_info=error)
    text = f"Something went wrong on our side. Tell the organisers the reference {reference}."
    return answer(request, Problem(text, reference=reference))
