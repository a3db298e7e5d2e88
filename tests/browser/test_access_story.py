"""The life of one piece of access, end to end: a task over the API, a request, a narrowed approval, the task done,
the grant gone, the history of it all, and the check that sees it."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor

pytestmark = pytest.mark.usefixtures("product")


def api(page: Page, path: str, **body: Any) -> dict[str, Any]:  # Any: JSON
    """Posts as the platform's service would, on the cookies of the page."""
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    token = next(value for name, value in cookies.items() if "csrf" in name)
    origin = "/".join(page.url.split("/")[:3])
    answer = page.context.request.post(
        f"{origin}/api/v1/{path}/",
        data=body,
        headers={"X-CSRFToken": token, "Referer": f"{origin}/"},
    )
    assert answer.ok, answer.text()
    found: dict[str, Any] = answer.json()
    return found


def found(page: Page, path: str, wanted: str) -> int:
    origin = "/".join(page.url.split("/")[:3])
    rows = page.context.request.get(f"{origin}/api/v1/{path}").json()["results"]
    return next(row["id"] for row in rows if row["name"] == wanted)


def confirm(page: Page, button: str) -> None:
    """The drawer's own button, once it is there."""
    page.locator("dialog[open]").get_by_role("button", name=button).click()


def test_from_a_task_to_a_narrowed_approval_to_nothing_left(visitor: Visitor) -> None:
    platform = visitor.open("/")
    agent = found(platform, "identities/?q=booking-intake", "booking-intake")
    update = found(platform, "entitlements/?q=routes.update", "routes.update")
    write = found(platform, "entitlements/?q=shipments.write", "shipments.write")

    task = api(
        platform, "tasks", identity=agent, purpose="Enter 12 bookings of Brightwater",
        deadline=(datetime.now(UTC) + timedelta(hours=4)).isoformat(),
    )  # fmt: skip
    request = api(
        platform, "requests", identity=agent, entitlements=[update, write], task=task["id"],
        lasts_seconds=3 * 3600, reason="Brightwater's lanes are new.",
    )  # fmt: skip
    assert request["state"] == "waiting"

    owner = visitor.open("/inbox/", "owner")
    expect(owner.get_by_role("row", name=re.compile("Brightwater's lanes are new"))).to_be_visible()
    owner.get_by_role("row", name=re.compile("Brightwater")).get_by_role(
        "link", name=re.compile("^Approve")
    ).click()
    drawer = owner.locator("dialog[open]")
    drawer.get_by_label(re.compile("shipments.write")).uncheck()
    drawer.get_by_label("For hours").fill("1")
    drawer.get_by_label(re.compile("Reason")).fill("The routes are enough.")
    confirm(owner, "Approve")
    expect(owner.locator("main")).to_contain_text("Left out")
    expect(owner.get_by_role("heading", level=1)).to_contain_text("Approved")
    owner.locator("main").get_by_role("link", name="routes.update").click()
    expect(owner.get_by_role("heading", level=1)).to_contain_text("In force")
    grant = owner.url

    ended = api(platform, f"tasks/{task['id']}/end", how="done", outcome="12 bookings entered.")
    assert ended["grants"] == 1

    owner.goto(grant)
    expect(owner.get_by_role("heading", level=1)).to_contain_text("Revoked")
    history = owner.locator("main")
    expect(history).to_contain_text("Grant ended with its task")
    expect(history).to_contain_text("Access given")
    owner.goto(f"/tasks/{task['id']}/")
    expect(owner.locator("main")).to_contain_text("Its task ended")

    auditor = visitor.open(f"/requests/{request['id']}/", "auditor")
    expect(auditor.locator("main")).to_contain_text("Request approved")
    expect(auditor.locator("main")).to_contain_text("The routes are enough.")
    expect(auditor.get_by_role("link", name="Approve", exact=True)).to_have_count(0)
    auditor.goto("/checks/approval-sod/")
    expect(auditor.locator("main")).to_contain_text("Requester, approver and beneficiary differ")
