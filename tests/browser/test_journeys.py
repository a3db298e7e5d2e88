"""What people come for, from the first click to the last."""

import re
import time

from playwright.sync_api import Page, expect

from tests.browser.conftest import PATIENCE, Product, Visitor, sign_in


def test_signing_in_leads_to_the_overview_and_a_wrong_password_does_not(
    product: Product, visitor: Visitor
) -> None:
    page = visitor.open("/accounts/login/", "security")
    page.context.clear_cookies()
    page.goto("/identities/")

    expect(page).to_have_url(re.compile(r"/accounts/login/\?next=/identities/"))
    page.get_by_label("User name or e-mail").fill("nobody")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("not correct")

    sign_in(page, *product.sign_ins["security"])
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_a_filter_changes_rows_and_address_and_the_back_button_takes_it_off(
    visitor: Visitor,
) -> None:
    page = visitor.open("/identities/")
    before = page.locator(".pager").inner_text()

    page.locator("#f-ownership").select_option("orphaned")

    expect(page).to_have_url(re.compile("ownership=orphaned"))
    expect(page.locator(".chips")).to_contain_text("Orphaned")
    expect(page.locator(".pager")).not_to_have_text(before)
    page.go_back()
    expect(page.locator(".chips")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"/identities/$"))


def test_the_keyboard_is_enough(visitor: Visitor) -> None:
    page = visitor.open("/identities/")
    first = page.locator("tbody tr").first.locator("th").inner_text()

    page.keyboard.press("j")
    page.keyboard.press("Enter")

    page.wait_for_url(re.compile(r"/identities/[^/?]+/$"))  # loaded: the keys are listened to
    expect(page.get_by_role("heading", level=1)).to_contain_text(first.strip())
    page.keyboard.press("g")
    page.keyboard.press("f")
    page.wait_for_url(re.compile(r"/findings/(\?|$)"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Findings")
    page.keyboard.press("/")
    expect(page.locator("[data-search]:focus")).to_have_count(1)


def test_without_scripts_a_list_is_filtered_by_its_button(visitor: Visitor) -> None:
    page = visitor.open("/credentials/", java_script_enabled=False)

    page.locator("#f-state").select_option("endless")
    page.get_by_role("button", name="Apply").click()

    expect(page).to_have_url(re.compile("state=endless"))
    expect(page.locator(".chips")).to_contain_text("Live without expiry")


def test_what_a_person_who_left_answered_for_is_flagged_while_one_looks(visitor: Visitor) -> None:
    page = visitor.open("/people/?owns=yes&status=active")
    addresses = [one.get_attribute("href") for one in page.locator("tbody tr th a").all()]
    owned: list[str] = []
    for address in addresses:  # some own only what others can take over, or what was stopped
        page.goto(f"{address}leaving/")
        owned = [row.inner_text() for row in page.locator("main tbody tr th").all()]
        if owned:
            break
    assert owned, "Nobody owns anything that would become orphaned."

    page.get_by_role("link", name="Mark as left").first.click()
    submit(page)

    give_up = time.monotonic() + PATIENCE / 1000
    flagged = 0
    while flagged < len(owned) and time.monotonic() < give_up:
        page.goto("/findings/?state=open&check=owner-active&size=200")
        names = page.locator("tbody tr").all_inner_texts()
        flagged = sum(any(one in row for row in names) for one in owned)
    assert flagged == len(owned)


def test_findings_are_accepted_over_the_whole_filter_and_stay_accepted(visitor: Visitor) -> None:
    page = visitor.open("/findings/?state=open&severity=1&size=25")
    whole = page.locator(".pager b").first.inner_text()

    page.locator("[data-pick-all]").check()
    every = page.get_by_label(re.compile("matching, not only this page"))
    if every.count():
        every.check()
    page.get_by_role("button", name="Accept risk").click()
    expect(page.locator("main")).to_contain_text(whole)
    page.get_by_label("Reason").fill("Known, and small enough for now.")
    page.get_by_label("Until").fill("2099-12-31")
    submit(page)

    page.goto("/findings/?state=open&severity=1")
    expect(page.locator(".empty")).to_be_visible()


def test_the_dark_theme_is_chosen_and_kept(visitor: Visitor) -> None:
    page = visitor.open("/")

    page.locator("[popovertarget=user-menu]").click()
    page.get_by_role("button", name="Dark").click()

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def submit(page: Page) -> None:
    """Sends the form that asks, on a page or in the drawer."""
    page.locator("#dialog[open] button[type=submit], main form button[type=submit]").last.click()
    page.wait_for_load_state("networkidle")
