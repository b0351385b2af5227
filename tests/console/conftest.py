"""A browser, the console's modules alone, and the console of a running system."""

from __future__ import annotations

import io
import mimetypes
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Route, sync_playwright

ROOT = Path(__file__).parents[2]
CONSOLE = ROOT / "console"
CHROMIUM = Path("/usr/bin/chromium")
# WebGL without a graphics card: SwiftShader draws on the processor, slowly and right (docs/console.md).
SOFTWARE_WEBGL = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
NO_WEBGL = ["--no-sandbox", "--disable-3d-apis"]
READY_S = 120  # kernels compile at first use
MODULES = "http://modules.invalid"  # answered by the tests from the folder, never asked for


@dataclass
class Complaints:
    """What a page said that a healthy page does not."""

    found: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.found.append(str(error)))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.found.append(f"{message.text} ({message.location.get('url', '')})")


# Playwright keeps an event loop running in this thread: it must end with the tests of this folder.
@pytest.fixture(scope="package")
def launch() -> Iterator[Callable[[list[str]], Browser]]:
    """Starts Debian's Chromium with flags; nothing is downloaded."""
    if not CHROMIUM.exists():
        pytest.skip(f"no {CHROMIUM}: apt-get install chromium")
    with sync_playwright() as playwright:
        started: list[Browser] = []

        def start(flags: list[str]) -> Browser:
            started.append(playwright.chromium.launch(executable_path=str(CHROMIUM), args=flags))
            return started[-1]

        yield start
        for browser in started:
            browser.close()


@pytest.fixture(scope="package")
def browser(launch: Callable[[list[str]], Browser]) -> Browser:
    return launch(SOFTWARE_WEBGL)


@pytest.fixture(scope="package")
def modules(browser: Browser) -> Iterator[Page]:
    """A bare page that can import the console's modules: `await import("/src/parts/geo.js")`."""
    page = browser.new_page()

    def answer(route: Route) -> None:
        file = CONSOLE / route.request.url.removeprefix(f"{MODULES}/")
        if route.request.url == f"{MODULES}/":
            route.fulfill(body="<!doctype html><title>modules</title>", content_type="text/html")
        elif file.is_file():
            route.fulfill(path=file, content_type=mimetypes.guess_type(file.name)[0] or "text/plain")
        else:
            route.fulfill(status=404)

    page.route(f"{MODULES}/**", answer)
    page.goto(f"{MODULES}/")
    yield page
    page.close()


@dataclass(frozen=True)
class RunningSystem:
    """A `skyhaul up` of its own: its console's address, a token of its operator, those of everybody, its folder."""

    address: str
    operator: str
    people: dict[str, str]
    folder: Path


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """`skyhaul up` as a new user starts it, without a scenario; on a free port, its state in a folder of the run.

    Without dishes: their addresses are the machine's, and other tests want them at the same time. Four
    times as fast: a slot lasts 3.75 s.
    """
    folder = tmp_path_factory.mktemp("up")
    command = [
        sys.executable,
        "-m",
        "skyhaul",
        "up",
        "--port",
        "0",
        "--folder",
        str(folder),
        "--no-dishes",
        "--speed",
        "4",
    ]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said: list[str] = []
    ready = threading.Event()

    def listen() -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                said.append(line)
                if line.startswith("Ctrl-C"):
                    ready.set()
        ready.set()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    ready.wait(READY_S)
    text = "".join(said)
    address = re.search(r"console and API: (http://\S+)", text)
    operator = re.search(r"^ +(\S+)  .*, operator$", text, re.MULTILINE)
    try:
        assert address is not None, f"skyhaul up said no address:\n{text}"
        assert operator is not None, f"skyhaul up said no operator's token:\n{text}"
        people = {name: token for token, name in re.findall(r"^  (\S+)  (\w+), ", text, re.MULTILINE)}
        yield RunningSystem(address[1], operator[1], people, folder)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        listener.join(5)


Opener: TypeAlias = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser, running: RunningSystem) -> Iterator[Opener]:
    """Opens a page of the console, `opened("#/terminal/kyiv", width=390)`; fails when it complained."""
    complaints = Complaints()
    contexts: list[BrowserContext] = []

    def go(
        place: str = "#/", *, width: int = 1280, height: int = 800, on: Browser = browser, scheme: str = "dark"
    ) -> Page:
        context = on.new_context(
            viewport={"width": width, "height": height},
            color_scheme="light" if scheme == "light" else "dark",
            reduced_motion="reduce",  # one picture a second: software drawing leaves the processor to the system
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        complaints.watch(page)
        page.goto(f"{running.address}/{place}")
        return page

    yield go
    for context in contexts:
        context.close()
    assert complaints.found == []


@pytest.fixture(scope="package")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Page | Locator, str], Path]:
    """Draws a page, in few colours, to docs/images with SKYHAUL_PICTURES=1, else to a folder of the run."""
    folder = ROOT / "docs" / "images" if os.environ.get("SKYHAUL_PICTURES") else tmp_path_factory.mktemp("pictures")

    def draw(what: Page | Locator, name: str) -> Path:
        file = folder / f"console-{name}.png"
        image = Image.open(io.BytesIO(what.screenshot())).convert("RGB")
        image.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(file, optimize=True)
        return file

    return draw
