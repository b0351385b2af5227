"""Errors as RFC 9457 problem documents: what, where, and the mend."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from skyhaul.errors import (
    FetchError,
    InputError,
    NotFoundError,
    OutputError,
    RecordError,
    RightsError,
    SkyhaulError,
    StoreError,
    TimeRangeError,
)

MEDIA_TYPE = "application/problem+json"

_TITLES = {
    400: "the request cannot be read",
    401: "who are you?",
    403: "this is not yours to do",
    404: "not there",
    405: "not a thing to do here",
    409: "it does not go with what is there",
    413: "too much at once",
    421: "this server has another name",
    422: "the request says something that cannot be",
    429: "too many requests",
    500: "the server failed",
    503: "not now",
}


class Problem(BaseModel):
    """An error: RFC 9457, with the place and the mend as members of their own."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "not there",
                    "status": 404,
                    "detail": "no terminal is named “kiev”",
                    "where": "",
                    "mend": "near: kyiv",
                }
            ]
        }
    )

    type: str = Field("about:blank", description="Always about:blank: the status says the kind.")
    title: str = Field(description="The kind of error in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field("", description="What is wrong.")
    where: str = Field("", description="The field, rule or item that is.")
    mend: str = Field("", description="What to do about it.")


class RefusedError(SkyhaulError):
    """A request that is answered with a status of its own."""

    def __init__(self, status: int, what: str, *, where: str = "", mend: str = "") -> None:
        super().__init__(what, where=where, mend=mend)
        self.status = status

    def __reduce__(self) -> tuple[object, ...]:
        return (RefusedError, (self.status, self.what))


# What any request may be answered with, for the OpenAPI description.
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": _TITLES[status], "content": {MEDIA_TYPE: {}}}
    for status in (400, 401, 403, 404, 409, 413, 422, 429, 503)
}


def status_of(error: SkyhaulError) -> int:
    """The HTTP status of an error."""
    match error:
        case RefusedError():
            return error.status
        case RightsError():
            return 403
        case NotFoundError():
            return 404
        case InputError() | TimeRangeError():
            return 422
        case StoreError() | FetchError():
            return 503
        case RecordError() | OutputError():
            return 500
        case _:
            return 409


def problem(
    status: int, what: str = "", *, where: str = "", mend: str = "", headers: Mapping[str, str] | None = None
) -> Response:
    """The answer to a request that fails."""
    document = {
        "type": "about:blank",
        "title": _TITLES.get(status, "it failed"),
        "status": status,
        "detail": what,
        "where": where,
        "mend": mend,
    }
    return Response(
        json.dumps(document, ensure_ascii=False), status, media_type=MEDIA_TYPE, headers=dict(headers or {})
    )


def of_error(error: SkyhaulError) -> Response:
    """The answer that says an error."""
    status = status_of(error)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return problem(status, error.what, where=error.where, mend=error.mend, headers=headers)


def install(app: FastAPI) -> None:
    """Let an application answer every error with a problem."""

    async def refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, SkyhaulError)
        if status_of(error) >= 500:
            logging.getLogger("skyhaul.server").error("%s", error)
        return of_error(error)

    async def invalid(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        unreadable = first["type"] == "json_invalid"
        return problem(
            400 if unreadable else 422,
            str(first["msg"]).removeprefix("Value error, "),
            where=where,
            mend="/api/v1/openapi.json says what is taken",
        )

    async def http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        detail = error.detail if error.detail not in ("Not Found", "Method Not Allowed") else ""
        mend = "/api/v1/openapi.json lists what there is" if error.status_code in (404, 405) else ""
        return problem(error.status_code, detail, mend=mend, headers=error.headers)

    async def failed(request: Request, error: Exception) -> Response:
        logging.getLogger("skyhaul.server").exception("%s %s failed", request.method, request.url.path, exc_info=error)
        return problem(500, "an error that nobody foresaw", mend="the server's log has it")

    app.add_exception_handler(SkyhaulError, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, failed)
