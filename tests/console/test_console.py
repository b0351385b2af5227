"""The console of a running system, walked through as somebody new to it would."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from tests.console.cable import Cable
from tests.console.conftest import NO_WEBGL, Opener, RunningSystem

SERVED, REFUSED = "kyiv", "inn"  # of the world that `skyhaul up` brings
PAGES = ("#/", "#/map", "#/terminals", f"#/terminal/{SERVED}", "#/satellites", "#/ground")
ROWS = 100  # of a table before one asks for more


@pytest.fixture(scope="module")
def api(running: RunningSystem) -> Iterator[Callable[..., Any]]:
    """What the server itself answers."""
    with httpx.Client(base_url=f"{running.address}/api/v1", timeout=20) as client:

        def get(path: str, **query: Any) -> Any:
            response = client.get(path, params=query)
            response.raise_for_status()
            return response.json()

        yield get


@pytest.fixture
def still(running: RunningSystem, api: Callable[..., Any]) -> Iterator[None]:
    """The system at a stand, once it has lived through a whole slot: plans of the past are soon gone."""
    address = f"{running.address}/api/v1/time"
    headers = {"Authorization": f"Bearer {running.operator}"}
    first = api("/system")["slot"]["number"]
    while api("/system")["slot"]["number"] < first + 2:
        time.sleep(0.3)
    httpx.post(address, json={"paused": True}, headers=headers).raise_for_status()
    yield
    httpx.post(address, json={"paused": False}, headers=headers).raise_for_status()


def _whole(page: Page) -> Page:
    """A terminal's page once all its panels are filled."""
    expect(page.locator("#view[data-ready]")).to_be_attached()
    return page


def _globe(page: Page) -> Page:
    expect(page.locator(".stage[data-ready]")).to_be_attached()
    return page


def _to(page: Page, place: str) -> None:
    page.evaluate("place => { location.hash = place; }", place)
    expect(page.locator("#counts a").first).to_be_visible()
    expect(page.locator("main table").first).to_be_attached()
    page.wait_for_timeout(500)


def test_globe_shows_satellites_and_terminals(opened: Opener, api: Callable[..., Any]) -> None:
    page = _globe(opened("#/"))
    total = api("/system")["terminals"]["total"]
    expect(page.locator(".side tbody tr")).to_have_count(total)
    page.wait_for_timeout(2500)
    pixels = np.asarray(Image.open(io.BytesIO(page.locator("#globe").screenshot())).convert("RGB")).reshape(-1, 3)
    assert len(np.unique(pixels, axis=0)) > 200
    serving = np.array([0x56, 0xB4, 0xE9])  # the colour of a satellite that serves
    assert (np.abs(pixels.astype(int) - serving).max(axis=1) < 12).sum() > 20


def test_satellites_move_between_keyframes(opened: Opener) -> None:
    """What is drawn follows the system's clock, not the second's keyframe."""
    page = _globe(opened("#/"))
    page.emulate_media(reduced_motion="no-preference")
    page.wait_for_timeout(1500)
    first = page.locator("#globe").screenshot()
    page.wait_for_timeout(400)
    assert page.locator("#globe").screenshot() != first


def test_why_a_terminal_is_refused(
    opened: Opener, api: Callable[..., Any], picture: Callable[[Page | Locator, str], Path]
) -> None:
    """From the globe: the count of those refused, the list, the terminal, the reason. Three clicks."""
    page = opened("#/")
    page.get_by_role("link", name=re.compile(r"\d+ refused")).click()
    row = page.locator("tbody tr", has_text=REFUSED)
    expect(row).to_contain_text("refused")
    row.get_by_role("link", name=REFUSED, exact=True).click()
    expect(page.locator("#sentence")).to_contain_text("may not be served")
    decided = api(f"/terminals/{REFUSED}/decision")["decision"]
    reason = next(r["text"] for r in decided["reasons"] if r["effect"] == "forbids" and not r.get("lifted_by"))
    expect(page.locator("#refused-because")).to_contain_text(reason)
    expect(page.locator("#decision")).to_contain_text(f"code {decided['code']}")
    page.locator(".reasons summary").first.click()
    expect(page.locator(".reasons ul").first).to_contain_text("recorded")
    picture(_whole(page), "refused")


def test_next_handover_is_told_and_comes(opened: Opener, api: Callable[..., Any]) -> None:
    """By search: when the next handover is, from which satellite to which; and then it is so."""
    page = opened("#/terminals")
    expect(page.locator("tbody tr").first).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type(SERVED)
    expect(page.get_by_role("option").first).to_contain_text(SERVED)
    page.keyboard.press("Enter")
    told = page.locator("#next-handover")
    expect(told).to_have_text(re.compile(r"In \d+ (s|min).*, at \d\d:\d\d:\d\d, from \S.* to \S.*\."))
    words = re.fullmatch(r"In (.+), at (\S+), from (.+) to (.+)\.", told.inner_text())
    assert words
    at, before, after = words[2], words[3], words[4]
    assert api(f"/terminals/{SERVED}")["satellite"] == before
    sentence = page.locator("#sentence")
    expect(sentence).to_contain_text(before)
    expect(sentence).to_contain_text(after, timeout=120_000)
    assert page.locator("#time").inner_text()[11:19] >= at


def test_looking_back(opened: Opener, still: None) -> None:
    """The timeline goes back slot by slot, and its address leads there again."""
    page = _whole(opened(f"#/terminal/{SERVED}"))
    slider = page.locator("#scrub")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    heading = page.locator("#sky-title")
    expect(heading).to_have_text(re.compile(r"Sky at \d\d:\d\d:\d\d"))
    then = heading.inner_text()
    assert "t=" in page.url
    page.reload()
    expect(page.locator("#sky-title")).to_have_text(then)
    expect(page.locator("#sky tbody tr.chosen")).to_have_count(1)
    page.get_by_role("button", name="Back to now").click()
    expect(page.locator("#sky-title")).to_have_text(re.compile("Sky now"))


def test_every_candidate_has_a_reason(opened: Opener, api: Callable[..., Any]) -> None:
    page = _whole(opened(f"#/terminal/{SERVED}"))
    rows = page.locator("#sky tbody tr")
    listed = api(f"/terminals/{SERVED}/candidates")["items"]
    assert abs(rows.count() - min(len(listed), ROWS)) <= 3  # a slot may have begun between the two
    assert page.locator("#sky tbody tr.chosen").count() == 1
    for reason in page.locator("#sky tbody td:nth-child(2)").all_inner_texts():
        assert len(reason) > 4


def test_points_of_view_are_chosen_and_named(opened: Opener, api: Callable[..., Any]) -> None:
    page = _globe(opened("#/"))
    page.get_by_text("Borders and marks").click()
    expect(page.locator("#viewpoint")).to_contain_text("No point of view")
    page.locator("#layer").select_option("control")
    holders = {f["properties"]["holder"] for f in api("/territories", layer="control")["features"]}
    assert holders
    for holder in holders:
        expect(page.locator("#viewpoint")).to_contain_text(holder)
    expect(page.locator("#viewpoint")).to_contain_text("as recorded")
    assert "layer=control" in page.url


@pytest.mark.parametrize(
    ("scheme", "places"), [("dark", PAGES), ("light", (PAGES[0], PAGES[3]))], ids=["dark", "light"]
)
def test_accessibility(opened: Opener, scheme: str, places: tuple[str, ...]) -> None:
    """axe-core finds nothing serious on any page."""
    page = opened("#/ground", scheme=scheme, width=1000, height=600)
    grave: list[str] = []
    for place in places:
        _to(page, place)
        found = Axe().run(page, options={"resultTypes": ["violations"]})
        assert len(found.response["passes"]) > 10, "axe looked at nothing"
        grave += [
            f"{place}: {violation['id']}: {violation['help']}: {violation['nodes'][0]['html']}"
            for violation in found.response["violations"]
            if violation["impact"] in ("serious", "critical")
        ]
    assert grave == []


def test_phone_width(opened: Opener, picture: Callable[[Page | Locator, str], Path]) -> None:
    """Nothing is wider than a phone but what scrolls by itself."""
    page = opened("#/ground", width=390, height=844)
    for place in PAGES:
        _to(page, place)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, place
        if place == f"#/terminal/{SERVED}":
            picture(_whole(page), "phone")


def test_keyboard_alone(opened: Opener) -> None:
    page = _globe(opened("#/"))
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#view")).to_be_focused()
    for _ in range(8):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "globe":
            break
    expect(page.locator("#globe")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("+")
    page.keyboard.press("n")
    chosen = page.locator("#chosen h2")
    expect(chosen).to_be_visible()
    name = chosen.inner_text()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(name)
    expect(page.locator("#view")).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


def test_without_webgl(opened: Opener, launch: Callable[[list[str]], Browser]) -> None:
    page = opened("#/", on=launch(NO_WEBGL))
    expect(page.locator("#no-globe")).to_contain_text("WebGL is not available")
    expect(page.locator(".side tbody tr").first).to_be_visible()
    page.locator("#no-globe").get_by_role("link", name="terminals").click()
    expect(page.locator("h1")).to_have_text("Terminals")


def test_server_gone_and_back(browser: Browser, running: RunningSystem) -> None:
    """A banner says so, what is known stays, and the page connects again by itself."""
    cable = Cable(running.address)
    page = browser.new_page(reduced_motion="reduce")
    try:
        page.goto(f"{cable.address}/#/terminals")
        expect(page.locator("tbody tr").first).to_be_visible()
        expect(page.locator("#banner")).to_be_hidden()
        cable.cut()
        expect(page.locator("#banner")).to_contain_text("does not answer", timeout=15_000)
        assert page.locator("tbody tr").count() > 0
        cable.mend()
        expect(page.locator("#banner")).to_be_hidden(timeout=20_000)
        expect(page.locator("#said")).not_to_be_empty()
    finally:
        page.close()
        cable.cut()


def test_events_resume_where_they_stopped(browser: Browser, running: RunningSystem) -> None:
    cable = Cable(running.address)
    page = browser.new_page(reduced_motion="reduce")
    asked: list[str | None] = []
    page.on("request", lambda r: asked.append(r.headers.get("last-event-id")) if r.url.endswith("/events") else None)
    try:
        page.goto(f"{cable.address}/#/terminals")
        expect(page.locator("#slot")).to_have_text(re.compile(r"slot \d+"))
        slot = page.locator("#slot").inner_text()
        expect(page.locator("#slot")).not_to_have_text(slot, timeout=20_000)
        page.wait_for_timeout(1500)
        cable.cut()
        expect(page.locator("#banner")).to_be_visible(timeout=15_000)
        cable.mend()
        expect(page.locator("#banner")).to_be_hidden(timeout=20_000)
        assert asked[0] is None
        assert re.fullmatch(r"\w+-\d+", asked[-1] or "")
    finally:
        page.close()
        cable.cut()


def test_time_stands_still_for_its_operator_alone(opened: Opener, running: RunningSystem) -> None:
    page = opened("#/ground")
    expect(page.locator("#time")).to_have_text(re.compile(r"\d{4}-"))
    page.get_by_role("button", name="Sign in").first.click()
    page.get_by_label("Token").fill(running.operator)
    page.get_by_role("dialog").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Signed in")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    go_on = page.get_by_role("button", name="Go on")
    expect(go_on).to_be_visible()
    page.wait_for_timeout(500)
    stood = page.locator("#time").inner_text()
    page.wait_for_timeout(2000)
    assert page.locator("#time").inner_text() == stood
    go_on.click()
    expect(page.locator("#time")).not_to_have_text(stood)
    page.evaluate("location.hash = '#/'")
    _globe(page)  # the sky comes to those who signed in, too


def test_a_page_that_is_not_there(opened: Opener) -> None:
    page = opened("#/nothing/here")
    expect(page.locator("h1")).to_have_text("No such page")
    page.get_by_role("link", name="To the globe").click()
    expect(page.locator(".globe")).to_be_attached()


def test_pictures(opened: Opener, picture: Callable[[Page | Locator, str], Path]) -> None:
    """The pictures of the documentation: small, and of what is there."""
    page = _globe(opened(f"#/?terminal={SERVED}"))
    expect(page.locator("#path li").nth(3)).to_be_visible()
    for _ in range(4):
        page.get_by_role("button", name="Farther").click()
    page.wait_for_timeout(3000)
    made = [picture(page, "globe")]
    page = _whole(opened(f"#/terminal/{SERVED}", height=1000))
    made.append(picture(page.locator("#sky"), "sky"))
    page = opened("#/map?layer=control", height=760)
    expect(page.locator("#viewpoint")).to_contain_text("as recorded")
    page.get_by_role("button", name="To these areas").click()
    page.wait_for_timeout(500)
    made.append(picture(page, "map"))
    for file in made:
        assert 5_000 < file.stat().st_size < 200_000, file.name
