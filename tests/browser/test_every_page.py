"""Every page that links lead to: axe finds nothing, nothing overflows, the browser has no complaint."""

from collections import deque
from urllib.parse import urljoin, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import Resolver404, resolve
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LINKS = "els => els.filter(a => !a.hasAttribute('download')).map(a => a.getAttribute('href'))"
NO_PAGES = (
    "/accounts/logout",
    "/static",
    "/api/v1/schema",
    "/.well-known",
)  # documents for machines
LOOKS = {
    "wide-light": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"},
    "narrow-dark": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
}


def shape(path: str) -> str:
    """Addresses of one view are one page, whatever they are about and however they are filtered."""
    try:
        return resolve(urlsplit(path).path).view_name
    except Resolver404:
        return urlsplit(path).path


def next_links(page: Page) -> list[str]:
    found = page.eval_on_selector_all("a[href]", LINKS)
    return [urljoin(page.url, href) for href in found]


def belongs(link: str, page: Page) -> bool:
    there, here = urlsplit(link), urlsplit(page.url)
    pages = not there.path.startswith(NO_PAGES)
    return there.netloc == here.netloc and pages and "export=" not in there.query


def wrong_on(page: Page) -> list[str]:
    expect(page.locator(".htmx-request")).to_have_count(0, timeout=30_000)
    wrong = []
    found = Axe().run(page, options={"runOnly": RULES})
    for violation in found.response["violations"]:
        where = "; ".join(node["html"][:160] for node in violation["nodes"][:3])
        wrong.append(f"{shape(page.url)}: {violation['id']}: {violation['help']}: {where}")
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        wrong.append(f"{shape(page.url)}: is wider than the window.")
    return wrong


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("role", ["security", "owner"])
def test_no_page_has_anything_wrong(role: str, look: str, visitor: Visitor) -> None:
    page = visitor.open("/", role, **LOOKS[look])
    waiting, seen, wrong = deque([page.url]), {shape(page.url)}, []
    while waiting:
        answer = page.goto(waiting.popleft())
        assert answer is not None
        if answer.status != 200:
            wrong.append(f"{shape(page.url)} answers {answer.status}.")
            continue
        wrong += wrong_on(page)
        for link in next_links(page):
            if belongs(link, page) and shape(link) not in seen:
                seen.add(shape(link))
                waiting.append(link)

    assert len(seen) > (30 if role == "security" else 12), sorted(seen)
    assert not wrong, "\n".join(wrong)
