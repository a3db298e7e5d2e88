"""The delegation explorer in a browser: a click swaps only the picture, arrow keys move, links work without scripts."""

from playwright.sync_api import Page

from tests.browser.conftest import Visitor

START = "/delegations/explore/"


def explored(page: Page) -> Page:
    """The explorer of the identity with the most delegations."""
    page.locator("main section li a").first.click()
    page.wait_for_selector("#explorer svg")
    return page


def test_a_click_on_a_box_shows_its_way_without_leaving_the_page(visitor: Visitor) -> None:
    page = explored(visitor.open(START))
    page.evaluate("window.sameDocument = true")

    page.locator("svg a[data-box]:not(:has(.root))").first.click()

    page.wait_for_selector("ol.hops")
    assert "path=" in page.url
    assert page.evaluate("window.sameDocument")
    page.go_back()
    page.wait_for_selector("ol.hops", state="detached")
    assert "path=" not in page.url


def test_arrow_keys_move_between_boxes(visitor: Visitor) -> None:
    page = explored(visitor.open(START))
    start = page.locator("svg a[data-box]:has(.root)")
    start.focus()

    page.keyboard.press("ArrowLeft")
    there = page.evaluate("document.activeElement.id")
    page.keyboard.press("ArrowRight")

    assert there.startswith("box-")
    assert there != start.get_attribute("id") == page.evaluate("document.activeElement.id")


def test_without_scripts_a_box_is_a_link_to_the_whole_page(visitor: Visitor) -> None:
    page = explored(visitor.open(START, java_script_enabled=False))

    page.locator("svg a[data-box]:not(:has(.root))").first.click()

    page.wait_for_url("**path=**")
    assert page.locator("ol.hops > li").count() >= 1
    assert page.locator("header.topbar").count() == 1
