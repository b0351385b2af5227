"""`skyhaul status`: how a system that runs is doing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from skyhaul.cli._options import JsonOption
from skyhaul.cli._output import print_json, print_table
from skyhaul.errors import FetchError

_REFUSED_MOST = 50  # terminals that are told one by one
_WAIT_S = 10.0


def status(
    url: Annotated[
        str | None,
        typer.Option(
            "--url", metavar="URL", help="Of the server. Without it: the one that runs here.", show_default=False
        ),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--folder", metavar="DIR", help="The one that runs in it.", show_default=False)
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            "--token",
            metavar="TOKEN",
            envvar="SKYHAUL_TOKEN",
            show_envvar=False,
            help="Yours, to ask a server of another machine. Without it: SKYHAUL_TOKEN.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say how a running system does: its time and slot, satellites, who is served, and who is not and why."""
    from skyhaul.server._folders import running

    address = (url or running(folder)).rstrip("/")
    system = _ask(address, "/system", {}, token)
    troubled: list[dict[str, Any]] = []
    for state in ("refused", "no_path", "off"):
        answer = _ask(address, "/terminals", {"state": state, "limit": _REFUSED_MOST}, token)
        troubled += answer["items"]
    if as_json:
        print_json({"url": address, "system": system, "not_served": troubled})
        return
    slot, counts, plan = system["slot"], system["terminals"], system["plan"]
    pace = "paused" if system["paused"] else f"×{system['speed']:g}"
    print(f"{system['scenario']} at {address}: {system['time']}, {pace}, slot {slot['number']}")
    late = plan["late_count"]
    print(
        f"{system['satellites']:,} satellites, elements {system['elements']['name']}; "
        + ("no plan came late" if not late else f"{late} plans came late")
    )
    print(
        f"{counts['total']:,} terminals: {counts['served']:,} served, {counts['refused']:,} refused, "
        f"{counts['out_of_service']:,} without a path"
    )
    knowledge = system["knowledge"]
    if knowledge is not None and knowledge["trouble"]:
        print(f"the registry does not answer: {knowledge['trouble']}")
    if troubled:
        print_table(
            [(name, "left") for name in ("terminal", "state", "code", "why")],
            [[t["name"], t["state"].replace("_", " "), t["code_name"], t["words"]] for t in troubled[:_REFUSED_MOST]],
        )
        more = counts["total"] - counts["served"] - len(troubled[:_REFUSED_MOST])
        if more > 0:
            print(f"and {more:,} more")


def _ask(address: str, path: str, query: dict[str, Any], token: str | None) -> Any:
    import httpx

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        answer = httpx.get(f"{address}/api/v1{path}", params=query, headers=headers, timeout=_WAIT_S, trust_env=False)
    except httpx.InvalidURL as error:
        raise FetchError(f"no address: {error}", where=address, mend="like http://127.0.0.1:8000") from None
    except httpx.HTTPError as error:
        what = str(error) or type(error).__name__
        raise FetchError(f"does not answer: {what}", where=address, mend="`skyhaul up` starts a server") from None
    try:
        document = answer.json()
    except ValueError:
        document = None
    if answer.status_code != 200 or not isinstance(document, dict):
        said = document if isinstance(document, dict) else {}
        what = said.get("detail") or said.get("title") or f"answers with {answer.status_code}"
        raise FetchError(str(what), where=address, mend=str(said.get("mend", "")) or "is it a Skyhaul server?")
    return document
