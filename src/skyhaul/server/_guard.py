"""The gate every request passes: host, origin, token, rate, size; and the headers every answer bears."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from skyhaul.control.registry import Registry
from skyhaul.errors import SkyhaulError
from skyhaul.server._limits import Buckets
from skyhaul.server._people import Caller, Tokens, caller_of, no_token
from skyhaul.server._problems import RefusedError, of_error, problem

BODY_MOST = 2 * 1024 * 1024
"""Bytes of a request's body: a GPX track of a day at a point every five seconds has 1.6 MB."""
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_OPEN = frozenset({"/healthz", "/readyz"})  # for whoever watches whether the process lives
_GUARDED = ("/api/", "/metrics")
_TOKEN_PROTOCOL = "bearer."  # browsers can send a WebSocket no other header

_HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}

requests = logging.getLogger("skyhaul.server.requests")


class Guard:
    """ASGI middleware. The caller is put into the request's state.

    hosts   names this server answers to: any other is a page of somebody else that points its name here
    """

    def __init__(
        self, app: ASGIApp, *, hosts: Iterable[str], tokens: Tokens, registry: Registry | None, buckets: Buckets
    ) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._tokens, self._registry, self._buckets = tokens, registry, buckets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        try:
            try:
                self._admit(scope)
            except SkyhaulError as error:
                status = await _turn_away(of_error(error), scope, receive, answer)
                return
            wait = self._buckets.wait_s(self._key(scope))
            if wait and scope["path"] not in _OPEN:
                refusal = problem(
                    429,
                    "more requests than this server takes from one caller",
                    mend=f"wait {wait:.1f} s",
                    headers={"Retry-After": str(math.ceil(wait))},
                )
                status = await _turn_away(refusal, scope, receive, answer)
                return
            await self._bounded(scope, receive, answer)
        finally:
            if requests.isEnabledFor(logging.INFO):
                _log(scope, status, time.perf_counter() - began)

    def _admit(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        host = _name_of(headers.get("host", ""))
        if host not in self._hosts:
            raise RefusedError(421, f"this server is not “{host}”", where="Host", mend="name it with --allow-host")
        origin = headers.get("origin")
        reading = scope["type"] == "http" and scope["method"] in _READING
        if origin is not None and not reading and origin.partition("://")[2] != headers.get("host", ""):
            raise RefusedError(403, f"a page of {origin} asks", where="Origin", mend="only pages of this server may")
        address = scope["client"][0] if scope.get("client") else ""
        if not scope["path"].startswith(_GUARDED):  # the page itself tells nobody anything
            scope.setdefault("state", {})["caller"] = Caller()
            return
        caller = caller_of(_token(headers, scope), address, self._tokens, self._registry)
        if scope["type"] == "http" and not reading and not caller.person:
            raise no_token()
        scope.setdefault("state", {})["caller"] = caller

    def _key(self, scope: Scope) -> str:
        caller = scope.get("state", {}).get("caller")
        if caller is not None and caller.person:
            return f"person {caller.person}"
        return f"address {scope['client'][0] if scope.get('client') else ''}"

    async def _bounded(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, and its body as far as it is not too large."""
        if scope["type"] != "http" or scope["method"] in _READING:
            await self._app(scope, receive, send)
            return
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > BODY_MOST:
                await problem(413, f"a body of more than {BODY_MOST:,} bytes", mend="send less at once")(
                    scope, receive, send
                )
                return
        given = False

        async def whole() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        await self._app(scope, whole, send)


async def _turn_away(answer: Response, scope: Scope, receive: Receive, send: Send) -> int:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": "not let in"})
    else:
        await answer(scope, receive, send)
    return answer.status_code


def _token(headers: Headers, scope: Scope) -> str | None:
    kind, _, token = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return token.strip()
    if kind:
        raise RefusedError(401, f"“{kind[:20]}” is no way to sign in here", where="Authorization", mend="Bearer TOKEN")
    if scope["type"] == "websocket":
        for protocol in headers.get("sec-websocket-protocol", "").split(","):
            if protocol.strip().startswith(_TOKEN_PROTOCOL):
                return protocol.strip().removeprefix(_TOKEN_PROTOCOL)
    return None


def _name_of(host: str) -> str:
    """The name in a Host header, without its port."""
    if host.startswith("["):
        return host.partition("]")[0].lower() + "]"
    return host.partition(":")[0].lower()


def _log(scope: Scope, status: int, seconds: float) -> None:
    caller = scope.get("state", {}).get("caller")
    line = {
        "kind": scope["type"],
        "method": scope.get("method", ""),
        "path": scope["path"],
        "status": status,
        "ms": round(1e3 * seconds, 2),
        "person": caller.person if caller is not None else "",
        "address": scope["client"][0] if scope.get("client") else "",
    }
    requests.info("%s", json.dumps(line, ensure_ascii=False))
