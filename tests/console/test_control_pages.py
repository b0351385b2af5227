"""The console's pages of service control, walked through as people of an office, and as somebody who trusts nobody."""

from __future__ import annotations

import json
import mimetypes
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

from skyhaul.control.facts import Order, fact_from_document
from skyhaul.control.log import Log, SigningKey, VerifierKey, commit, verify_proof, write_key
from skyhaul.control.registry import PersonKey, signed_bytes
from tests.console.conftest import CONSOLE, Opener, RunningSystem

# Events draw a page anew while somebody signs on it, now and then, and these walks lose their place.
pytestmark = pytest.mark.skipif(
    os.environ.get("SKYHAUL_WALKS") != "1", reason="walks that lose their place at times: SKYHAUL_WALKS=1 runs them"
)

AREA, INSIDE = "zone/the port", "harbour"  # of the world that `skyhaul up` brings: one terminal is served there
TWO_SLOTS_S = 30.0
PAGES = (
    "#/territory",
    "#/territory?layer=control&from=2024-06-01T00:00:00Z&to=2026-01-01T00:00:00Z",
    "#/licences",
    "#/orders",
    f"#/orders/draft?on={AREA}",
    "#/allow-lists?id=asked-kiosk",
    "#/check?terminal=kiosk&lat=38.95&lon=-39.1",
    "#/log?terminal=mill",
)
SECURE = "http://localhost:9"  # browsers give cryptography to this machine's pages; the tests answer, nothing listens


@pytest.fixture(scope="module")
def api(running: RunningSystem) -> Iterator[Callable[..., Any]]:
    """What the server itself answers."""
    with httpx.Client(base_url=f"{running.address}/api/v1", timeout=20, trust_env=False) as client:

        def get(path: str, **query: Any) -> Any:
            response = client.get(path, params={name.rstrip("_"): value for name, value in query.items()})
            response.raise_for_status()
            return response.json()

        yield get


@pytest.fixture(scope="module")
def secure_modules(browser: Browser) -> Iterator[Page]:
    """A bare page that can import the console's modules and use the browser's cryptography."""
    page = browser.new_page()

    def answer(route: Route) -> None:
        file = CONSOLE / route.request.url.removeprefix(f"{SECURE}/")
        if route.request.url == f"{SECURE}/":
            route.fulfill(body="<!doctype html><title>modules</title>", content_type="text/html")
        else:
            route.fulfill(path=file, content_type=mimetypes.guess_type(file.name)[0] or "text/plain")

    page.route(f"{SECURE}/**", answer)
    page.goto(f"{SECURE}/")
    yield page
    page.close()


@pytest.fixture
def refused(browser: Browser, running: RunningSystem) -> Iterator[Opener]:
    """As `opened`, for pages on which the server refuses something, which browsers report by themselves."""
    contexts: list[BrowserContext] = []

    def go(place: str = "#/", **more: Any) -> Page:
        contexts.append(browser.new_context(reduced_motion="reduce"))
        page = contexts[-1].new_page()
        page.goto(f"{running.address}/{place}")
        return page

    yield go
    for context in contexts:
        context.close()


def _signed_in(opened: Opener, running: RunningSystem, person: str, place: str, **more: Any) -> Page:
    page = opened(f"#token={running.people[person]}", **more)
    expect(page.locator("#tools").get_by_role("button", name="Signed in")).to_be_visible()
    return _to(page, place)


def _to(page: Page, place: str) -> Page:
    page.evaluate("place => { location.hash = place; }", place)
    title = "" if "?" in place else place
    page.wait_for_function("place => location.hash.startsWith(place)", arg=title or "#/")
    page.wait_for_function("() => document.querySelector('#view[data-ready]')")
    return page


def _whole(page: Page) -> Page:
    expect(page.locator("#view[data-ready]")).to_be_attached()
    return page


def _seconds(text: str) -> float:
    return float(np.datetime64(text.rstrip("Z"), "ns").astype("int64")) / 1e9


# The proof in the browser, held against the log that makes it.


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 13, 64, 65])
def test_every_entry_is_proved_in_the_browser(secure_modules: Page, tmp_path: Path, size: int) -> None:
    write_key(tmp_path / "key", SigningKey.generate("example.org/log"))
    bodies = [f"entry {k} é".encode() for k in range(size)]
    with Log.create(tmp_path / "log", tmp_path / "key") as log:
        log.append(bodies)
        key, proofs = str(log.key), [log.prove(k).encode().decode() for k in range(size)]
    proved = secure_modules.evaluate(
        """async ([key, proofs, bodies]) => {
          const { verifyProof } = await import("/src/control/proof.js");
          const done = await Promise.all(proofs.map((proof, k) =>
            verifyProof(proof, key, new TextEncoder().encode(bodies[k]))));
          return done.map((one) => [String(one.index), String(one.checkpoint.size), one.checkpoint.origin]);
        }""",
        [key, proofs, [body.decode() for body in bodies]],
    )
    assert proved == [[str(k), str(size), "example.org/log"] for k in range(size)]


def test_no_changed_byte_is_proved_in_the_browser(secure_modules: Page, tmp_path: Path) -> None:
    write_key(tmp_path / "key", SigningKey.generate("example.org/log"))
    with Log.create(tmp_path / "log", tmp_path / "key") as log:
        log.append([f"entry {k}".encode() for k in range(11)])
        key, proof = str(log.key), log.prove(6).encode().decode()
    other = str(SigningKey.generate("example.org/log").verifier)
    outcome = secure_modules.evaluate(
        """async ([key, other, proof]) => {
          const { verifyProof } = await import("/src/control/proof.js");
          const entry = new TextEncoder().encode("entry 6");
          const holds = (p, k, e) => verifyProof(p, k, e).then(() => true, () => false);
          const wrong = [];
          for (let at = 0; at < proof.length; at += 1) {
            const code = proof.charCodeAt(at);
            const changed = proof.slice(0, at) + String.fromCharCode(code ^ 1) + proof.slice(at + 1);
            if (await holds(changed, key, entry)) wrong.push(at);
          }
          const flipped = [];
          for (let at = 0; at < entry.length; at += 1) {
            const copy = entry.slice();
            copy[at] ^= 1;
            flipped.push(await holds(proof, key, copy));
          }
          return { good: await holds(proof, key, entry), other: await holds(proof, other, entry), wrong, flipped };
        }""",
        [key, other, proof],
    )
    assert outcome["good"] is True
    assert outcome["other"] is False
    assert outcome["wrong"] == []
    assert not any(outcome["flipped"])


def test_a_commitment_is_opened_by_its_value_and_salt_alone(secure_modules: Page) -> None:
    salt, value = bytes(range(32)), "Ada Ünal".encode()
    opens = secure_modules.evaluate(
        """async ([commitment, salt, values]) => {
          const { opensCommitment } = await import("/src/control/proof.js");
          const { fromHex } = await import("/src/control/bytes.js");
          const bytes = (text) => new TextEncoder().encode(text);
          return Promise.all(values.map((value) => opensCommitment(commitment, fromHex(salt), bytes(value))));
        }""",
        [commit(value, salt).hex(), salt.hex(), ["Ada Ünal", "Ada Unal"]],
    )
    assert opens == [True, False]


def test_a_text_that_says_other_than_was_asked_is_not_signed(secure_modules: Page) -> None:
    said = secure_modules.evaluate(
        """async () => {
          const { readSigned } = await import("/src/control/signing.js");
          const attempt = (text, asked) => {
            try { readSigned(text, asked); return ""; } catch (error) { return error.message; }
          };
          const what = { action: "suspend", id: "order-1", on: "zone/all", reason: "r" };
          const order = { ...what, valid_to: "2027-01-01T00:00:00Z" };
          const text = `skyhaul/signed-fact/v1\n${JSON.stringify(order)}`;
          const asked = { action: "suspend", on: "zone/all", reason: "r", valid_to: "2027-01-01" };
          const { valid_to: _, ...endless } = asked;
          return {
            same: attempt(text, asked),
            elsewhere: attempt(text, { ...asked, on: "zone/the port" }),
            longer: attempt(text, { ...asked, valid_to: "2026-12-01T00:00:00Z" }),
            more: attempt(text, endless),
            less: attempt(text, { ...asked, speed_cap_m_s: 20 }),
            otherwise: attempt("pay 100", {}),
          };
        }"""
    )
    assert said.pop("same") == ""
    assert all(said.values()), said
    assert "zone/the port" in said["elsewhere"]
    assert "did not ask" in said["more"]


# The pages.


def test_two_dates_of_a_front_line(
    opened: Opener, api: Callable[..., Any], picture: Callable[[Page | Locator, str], Path]
) -> None:
    page = _whole(opened("#/territory"))
    expect(page.locator("#viewpoint")).to_contain_text("No layer is chosen")
    page.get_by_label("Layer").select_option("control")
    expect(page.locator("#viewpoint")).to_contain_text("in the words of")
    page.get_by_label("Compare two dates").check()
    page.get_by_label("Date", exact=True).press("Home")
    page.get_by_label("Compared with", exact=True).press("End")
    dates = [item["time"] for item in api("/territories/dates", layer="control")["items"]]
    rows = page.locator("section[aria-label=Difference] tbody tr")
    expect(rows).to_have_count(1)
    told = api("/territories/difference", layer="control", from_=dates[0], to=dates[-1])["features"]
    assert len(told) == 1
    expect(rows.first.locator("th")).to_have_text("Northland")
    expect(rows.first.locator("td").nth(0)).to_have_text("Southland")
    assert told[0]["properties"]["area_km2"] == pytest.approx(3894.4, abs=0.1)  # 2° by 0.2° at 38.1° N
    expect(rows.first.locator("td").nth(1)).to_have_text("3,894 km²")
    expect(rows.first.get_by_role("link", name="mill")).to_be_visible()
    expect(page.locator("#difference")).to_contain_text("km² changed as recorded")
    assert "from=" in page.url
    assert "to=" in page.url
    picture(page.locator(".page"), "front-line")
    again = _whole(opened(f"#{page.url.partition('#')[2]}"))  # the address alone brings the same
    expect(again.locator("#difference")).to_have_text(page.locator("#difference").inner_text())
    page.get_by_label("Compared with", exact=True).press("ArrowLeft")  # by the keyboard, one change back
    expect(page.locator("output[for=to]")).to_contain_text(dates[-2][:10])
    page.get_by_label("Date", exact=True).press("End")
    page.get_by_label("Compared with", exact=True).press("End")
    expect(page.locator("#difference")).to_contain_text("nothing changed")


def test_an_order_with_a_second_approval_ends_service_within_two_slots(
    opened: Opener,
    running: RunningSystem,
    api: Callable[..., Any],
    picture: Callable[[Page | Locator, str], Path],
) -> None:
    """Nora drafts and signs with her own key in her browser; Nils approves; the terminal is refused; they end it."""
    assert _until(lambda: api(f"/terminals/{INSIDE}")["state"] == "served", 30)
    nora = _signed_in(opened, running, "Nora", f"#/orders/draft?on={AREA}")
    expect(nora.locator("#who")).to_contain_text("Nora")
    nora.get_by_label("Reason").fill("radio silence")
    nora.get_by_label("Legal basis").fill("act 7, section 2")
    nora.get_by_role("button", name="Draft").click()
    expect(nora.locator("#order-touches")).to_contain_text("It touches")
    expect(nora.locator("#order-touches")).to_contain_text("1 other person")
    expect(nora.locator("#order-draft").get_by_role("link", name=INSIDE)).to_be_visible()
    text = nora.locator("#order-text").inner_text()
    assert text.startswith("skyhaul/signed-fact/v1\n")
    key = running.folder / "registry" / "keys" / "people" / "Nora.pem"
    nora.locator("#order-key").set_input_files(key)
    expect(nora.get_by_text("loaded: Nora.pem")).to_be_visible()
    assert nora.locator("#order-own").is_checked()
    with nora.expect_request(lambda request: request.method == "POST" and request.url.endswith("/orders")) as sent:
        nora.get_by_role("button", name="Sign and record the order").click()
    said = json.loads(sent.value.post_data or "")
    order = fact_from_document(said["document"], recorded_at="2026-01-01")
    assert isinstance(order, Order)
    assert said["signature"] == PersonKey.read(key).sign(order).signature.hex()  # Ed25519 gives one signature
    assert signed_bytes(order).decode() == text
    expect(nora.locator("#order-badge")).to_contain_text("pending approval 0 of 1")
    assert api(f"/terminals/{INSIDE}")["state"] == "served"

    nils = _signed_in(opened, running, "Nils", f"#/order/{order.id}")
    nils.get_by_role("button", name="Approve this order").click()
    nils.get_by_label("The server, with the key it made for you").check()
    before = _seconds(api("/system")["time"])
    nils.get_by_role("button", name="Sign and record the approval").click()
    expect(nils.locator("#order-badge")).to_contain_text("in force")
    after = _seconds(api("/system")["time"])  # it was recorded between the two
    assert _until(lambda: api(f"/terminals/{INSIDE}")["state"] == "refused", 20)
    # The slot from which on it is refused, by the record of decisions: not by when this test looked.
    decided = api("/log/find", terminal=INSIDE)["words"]
    at = re.search(r"refused at (\S+),", decided)
    assert at is not None, decided
    assert before <= _seconds(at[1]) <= after + TWO_SLOTS_S
    row = nils.locator("section[aria-label=Terminals] tbody tr", has_text=INSIDE)
    expect(row).to_contain_text("refused")
    expect(nils.locator("section[aria-label=Signatures]").get_by_text("✔ verifies")).to_have_count(2)
    picture(nils.locator(".page"), "order")

    nils.locator("#end-reason").fill("over")
    nils.get_by_role("button", name="End this order").click()
    nils.get_by_role("button", name="Sign and record the end").click()
    expect(nils.locator("#ends")).to_contain_text("An end waits for 1 approval")
    _to(nora, f"#/order/{order.id}")
    nora.get_by_role("button", name="Approve the end").click()
    nora.get_by_role("button", name="Sign and record the approval of the end").click()
    expect(nora.locator("#order-badge")).to_contain_text("ended")
    assert _until(lambda: api(f"/terminals/{INSIDE}")["state"] == "served", 20)


def test_another_persons_key_signs_nothing(refused: Opener, running: RunningSystem, api: Callable[..., Any]) -> None:
    page = _signed_in(refused, running, "Nora", f"#/orders/draft?on={AREA}")
    page.get_by_label("Reason").fill("r")
    page.get_by_label("Legal basis").fill("l")
    page.get_by_role("button", name="Draft").click()
    page.locator("#order-key").set_input_files(running.folder / "registry" / "keys" / "people" / "Nils.pem")
    expect(page.get_by_text("loaded: Nils.pem")).to_be_visible()
    there = len(api("/orders")["items"])
    with page.expect_response(lambda response: response.request.method == "POST") as answered:
        page.get_by_role("button", name="Sign and record the order").click()
    assert answered.value.status == 403
    expect(page.locator("#order-draft .problem[role=alert]:not([hidden])").last).to_contain_text("with the key of Nora")
    assert len(api("/orders")["items"]) == there


def test_a_decision_is_proved(
    opened: Opener,
    running: RunningSystem,
    api: Callable[..., Any],
    tmp_path: Path,
    picture: Callable[[Page | Locator, str], Path],
) -> None:
    """From a terminal's page to the entry that put it in its state; what is downloaded is proved without the server."""
    page = _whole(opened("#/terminal/mill"))
    page.get_by_role("link", name="Prove it").click()
    expect(page.locator("#verdict")).to_contain_text("Proved in this browser")
    expect(page.locator("#entry h2")).to_contain_text("mill refused")
    files = {}
    for button in ("Download the proof", "Download the entry's bytes"):
        with page.expect_download() as got:
            page.get_by_role("button", name=button).click()
        file = tmp_path / got.value.suggested_filename
        got.value.save_as(file)
        files[file.suffix] = file
    key = VerifierKey.parse(api("/log")["key"])
    body = files[".entry"].read_bytes()
    verified = verify_proof(files[".tlog-proof"].read_bytes(), key, body)
    decision = json.loads(body)["decision"]
    assert (decision["terminal"], decision["outcome"]) == ("mill", "refused")
    assert verified.checkpoint.size <= api("/log")["size"]
    told = page.locator("#entry code", has_text="check-proof").inner_text()
    assert str(key) in told
    command = ["audit", "check-proof", str(files[".tlog-proof"]), "--key", str(key), "--leaf", str(files[".entry"])]
    checked = subprocess.run([sys.executable, "-m", "skyhaul", *command], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    assert "good" in checked.stdout
    page.locator("#entry").evaluate("entry => entry.scrollIntoView()")
    picture(page, "proof")


def test_a_server_that_lies_is_found_out(opened: Opener, running: RunningSystem) -> None:
    """An entry, or a key, that is not the log's is not proved."""
    page = _whole(opened("#/log"))

    def lie(route: Route) -> None:
        answer = route.fetch()
        told = answer.json()
        told["body"] = told["body"].replace("refused", "allowed")
        route.fulfill(response=answer, json=told)

    page.route(re.compile(r"/log/entries/\d+$"), lie)
    page.get_by_label("Decision about terminal").fill("mill")
    page.get_by_role("button", name="Find and prove").click()
    expect(page.locator("#verdict")).to_contain_text("Not proved")
    page.unroute(re.compile(r"/log/entries/\d+$"))
    page.get_by_role("button", name="Find and prove").click()
    expect(page.locator("#verdict")).to_contain_text("Proved in this browser")
    page.get_by_label("The log's public key").fill(str(SigningKey.generate("skyhaul/demonstration").verifier))
    page.get_by_label("The log's public key").press("Enter")
    page.get_by_label("The log's public key").blur()
    expect(page.locator("#checkpoint")).to_contain_text("not signed by")
    expect(page.locator("#verdict")).to_contain_text("Not proved")


def test_openings_are_for_those_who_may_see(opened: Opener, running: RunningSystem) -> None:
    anybody = _whole(opened("#/log?terminal=mill"))
    expect(anybody.locator("#verdict")).to_contain_text("Proved")
    expect(anybody.get_by_text("What opens its commitments")).to_have_count(0)
    nora = _signed_in(opened, running, "Nora", "#/log?terminal=mill")
    expect(nora.locator("#entry summary")).to_contain_text("✔ this is what was committed to")


def test_a_place_is_asked_about(opened: Opener, api: Callable[..., Any]) -> None:
    page = _whole(opened("#/check"))
    page.get_by_label("Terminal", exact=True).fill("kiosk")
    page.get_by_label("Latitude", exact=True).fill("38.95")
    page.get_by_label("Longitude", exact=True).fill("-39.1")
    page.get_by_role("button", name="Check", exact=True).click()
    told = api("/check", terminal="kiosk", latitude_deg=38.95, longitude_deg=-39.1)
    expect(page.locator("#refused-because")).to_contain_text("not on the list")
    expect(page.locator(".reasons > li")).to_have_count(len(told["decision"]["reasons"]))
    expect(page.locator("section[aria-label=Ground] tbody tr")).to_have_count(len(told["ground"]))
    expect(page.locator("section[aria-label=Ground]")).to_contain_text("Northland claims Northland")
    page.get_by_label("At", exact=True).fill("2023-06-01T00:00:00Z")  # before anything was licensed there
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.locator("section[aria-label=Ground] tbody tr")).to_have_count(0)


def test_an_instant_that_is_none_is_told(refused: Opener) -> None:
    page = _whole(refused("#/check?terminal=kiosk&time=yesterday"))
    expect(page.locator(".problem[role=alert]:not([hidden])")).to_contain_text("yesterday")


def test_an_application_is_answered(opened: Opener, running: RunningSystem, api: Callable[..., Any]) -> None:
    """Nora refuses; whoever is nobody sees neither who asked nor on what evidence."""
    nobody = _whole(opened("#/allow-lists"))
    expect(nobody.locator("tbody tr", has_text="kiosk")).to_contain_text("not shown")
    page = _signed_in(opened, running, "Nora", "#/allow-lists")
    row = page.locator("tbody tr", has_text="kiosk")
    expect(row).to_contain_text("applied")
    row.get_by_role("button", name="kiosk").click()
    page.get_by_label("Reason").fill("no receipt")
    page.get_by_role("button", name="Reject").click()
    expect(row).to_contain_text("rejected")
    expect(page.locator("#application")).to_contain_text("no receipt")
    (told,) = [e for e in api("/allow-lists/port list/applications")["items"] if e["terminal"] == "kiosk"]
    assert (told["state"], told["reason"]) == ("rejected", "no receipt")


def test_licences_say_their_conditions(opened: Opener) -> None:
    page = _whole(opened("#/licences"))
    row = page.locator("section[aria-label=Licences] tbody tr", has_text="Northland Office")
    expect(row).to_contain_text("counts only where Northland is in control, and nobody else")
    expect(page.locator("section[aria-label='Type approvals'] tbody tr")).to_have_count(3)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_accessibility(opened: Opener, running: RunningSystem, scheme: str) -> None:
    """axe-core finds nothing serious on any page; none is wider than a phone."""
    page = _signed_in(opened, running, "Nora", "#/orders", scheme=scheme, width=390, height=844)
    wrong = []
    for place in PAGES if scheme == "dark" else PAGES[1::3]:
        _to(page, place)
        page.wait_for_timeout(300)
        found = Axe().run(page)
        assert len(found.response["passes"]) > 10, "axe looked at nothing"
        wrong += [
            (place, violation["id"], violation["nodes"][0]["html"][:200])
            for violation in found.response["violations"]
            if violation["impact"] in ("serious", "critical")
        ]
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > 390:
            wrong.append((place, "wider than a phone", str(wide)))
    assert wrong == []


def _until(holds: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.2)
    return holds()
