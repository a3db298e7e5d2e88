"""The whole product in a real browser: `make run` on a demo organisation, driven through Chromium."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from mandate import embedded_postgres

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30_000  # milliseconds until what should happen counts as not happening; how quick is for benchmarks/
expect.set_options(timeout=PATIENCE)
CHROMIUM = os.environ.get("MANDATE_CHROMIUM") or next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))),
    "",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker runs all of them, on one running product."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))


@dataclass(frozen=True)
class Product:
    """A running Mandate: its address, and by role the name and password that it printed."""

    url: str
    sign_ins: dict[str, tuple[str, str]]


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    if not CHROMIUM:
        pytest.skip("There is no Chromium here. Install one (apt install chromium).")
    folder = tmp_path_factory.mktemp("browser")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **{name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
        "MANDATE_STATE": str(folder / "state"),
        "MANDATE_DEMO": "1",
        "CELERY_BROKER_URL": "",
        "PORT": str(port),
    }
    output = folder / "output"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "mandate.supervisor"],
            cwd=ROOT, env=environment, stdout=file, stderr=file, start_new_session=True,
        )  # fmt: skip
    try:
        yield Product(f"http://127.0.0.1:{port}", _sign_ins(process, output))
    finally:
        process.terminate()
        process.wait(timeout=60)
        embedded_postgres.remove(folder / "state")


def _sign_ins(process: "subprocess.Popen[bytes]", output: Path) -> dict[str, tuple[str, str]]:
    give_up = time.monotonic() + 300
    while "Mandate is ready" not in (said := output.read_text()):
        assert process.poll() is None and time.monotonic() < give_up, said
        time.sleep(0.2)
    time.sleep(0.2)
    found = re.findall(r"^\s*(security|auditor|owner):?\s+(\S+) / (\S+)", output.read_text(), re.M)
    return {role: (name, password) for role, name, password in found}


@pytest.fixture(scope="session")
def chromium(product: Product) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def sessions(product: Product, chromium: Browser) -> dict[str, list[dict[str, object]]]:
    """The cookies of each role, so that one sign-in serves all tests."""
    cookies = {}
    for role, (name, password) in product.sign_ins.items():
        context = chromium.new_context(base_url=product.url)
        sign_in(context.new_page(), name, password)
        cookies[role] = context.cookies()
        context.close()
    return cookies  # type: ignore[return-value]  # playwright's typed dictionaries


def sign_in(page: Page, name: str, password: str) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("User name or e-mail").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")


class Visitor:
    """Opens pages as a role, and remembers what the browser complained about."""

    def __init__(
        self, chromium: Browser, product: Product, cookies: dict[str, list[dict[str, object]]]
    ) -> None:
        self._chromium, self._product, self._cookies = chromium, product, cookies
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def open(self, path: str, role: str = "security", **options: object) -> Page:
        context = self._chromium.new_context(base_url=self._product.url, **options)  # type: ignore[arg-type]  # passed on
        context.add_cookies(self._cookies[role])  # type: ignore[arg-type]
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(path)
        return page

    def _hear(self, message: object) -> None:
        if getattr(message, "type", "") == "error":
            self.complaints.append(str(getattr(message, "text", message)))

    def leave(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture
def visitor(
    chromium: Browser, product: Product, sessions: dict[str, list[dict[str, object]]]
) -> Iterator[Visitor]:
    visitor = Visitor(chromium, product, sessions)
    yield visitor
    visitor.leave()
    assert not visitor.complaints, "The browser complained."
