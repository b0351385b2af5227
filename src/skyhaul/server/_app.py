"""The application: every route, behind the gate."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI, Request
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response

from skyhaul import __version__
from skyhaul.server import (
    _console,
    _control,
    _custody,
    _events,
    _metrics,
    _record_routes,
    _sky_routes,
    _sky_socket,
    _system_routes,
    _terminal_routes,
)
from skyhaul.server._desk import Desk, Here
from skyhaul.server._guard import Guard
from skyhaul.server._limits import Buckets
from skyhaul.server._people import Tokens
from skyhaul.server._problems import PROBLEMS, install, problem

BASE = "/api/v1"
LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
# A page with a terminal open asks five times a second; a reader of everything in pages of 1000 some twenty.
RATE, BURST = 100.0, 500.0

_DESCRIPTION = """A satellite network in operation: who is served by what, who is not, and why.

Times are ISO 8601 in UTC, units stand in names, lists come in pages. Errors are problem documents (RFC 9457) with
`where` and `mend`. Without a token only this machine may ask, and nobody may change anything."""


def create_app(
    desk: Desk,
    tokens: Tokens | None = None,
    *,
    hosts: Iterable[str] = (),
    rate: float = RATE,
    burst: float = BURST,
) -> FastAPI:
    """The server over an operation that has been started.

    hosts         names besides localhost that it answers to
    rate, burst   requests a second that one caller may send, and how many at once
    """

    @asynccontextmanager
    async def living(app: FastAPI) -> AsyncIterator[None]:
        app.state.bell = _events.Bell(desk.operation.events)
        app.state.projector = _sky_socket.Projector(desk)
        app.state.bell.start()
        app.state.projector.start()
        try:
            yield
        finally:
            await end_streams(app)

    app = FastAPI(
        title="Skyhaul",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=living,
        openapi_url=f"{BASE}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.desk = desk
    app.state.run = secrets.token_hex(4)
    app.state.began = time.monotonic()
    install(app)
    api = APIRouter(prefix=BASE, responses=PROBLEMS)
    for room in ROOMS:
        api.include_router(room)
    app.include_router(api)
    app.include_router(_sky_socket.router, prefix=BASE)
    app.include_router(_watch)
    app.include_router(_console.router)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    app.add_middleware(
        Guard,
        hosts=(*LOCAL_HOSTS, *hosts),
        tokens=tokens or Tokens(),
        registry=desk.operation.registry,
        buckets=Buckets(rate, burst),
    )
    return app


ROOMS = [
    _system_routes.router,
    _sky_routes.router,
    _terminal_routes.router,
    _record_routes.router,
    _control.router,
    _custody.router,
    _events.router,
]

_watch = APIRouter(tags=["watching"])


async def end_streams(app: FastAPI) -> None:
    """End the streams of events and the sky, so that a server which stops waits for nobody."""
    await app.state.bell.stop()
    await app.state.projector.stop()


@_watch.get("/metrics", response_class=Response, summary="Prometheus metrics")
def metrics(request: Request, desk: Here) -> Response:
    """The system and, up to 1000, its terminals, by the names that exporters of dishes use."""
    return Response(_metrics.text_of(desk, request.app.state), media_type=_metrics.CONTENT_TYPE)


@_watch.get("/healthz", response_class=Response, summary="Does it live?")
async def healthz() -> Response:
    """200 while the process answers."""
    return Response("alive\n", media_type="text/plain")


@_watch.get("/readyz", response_class=Response, summary="Does it work?")
def readyz(request: Request) -> Response:
    """200 while the running slot has a plan."""
    desk: Desk = request.app.state.desk
    if desk.snapshot().current is None:
        return problem(503, "the running slot has no plan", mend="wait for the next slot")
    return Response("ready\n", media_type="text/plain")
