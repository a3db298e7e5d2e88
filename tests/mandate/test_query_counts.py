"""No page of the demo makes more than 12 queries: every page that links lead to, for each role."""

import re
from collections import deque
from urllib.parse import urljoin, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import Resolver404, resolve
from django.utils import timezone

from frameworks import loading
from inventory.models import User
from mandate import demo

MOST = 12
# A walk asks once for every hop, each way, however many identities are there; the chains of the demo are short. A call
# and a chain of calls are shown with what their actors, callers and persons may do.
WALKS = {
    "inventory:identity-access": 16,
    "inventory:identity-access-path": 13,
    "inventory:delegation-explore": 14,
    "runtime:call-detail": 20,
    "runtime:task-chain": 20,
    "runtime:trace-chain": 14,
    "frameworks:control-detail": 15,
}
VIEWED = 1  # what an auditor looks at is kept
SAMPLES = 3  # rows of each kind that are opened
LINK = re.compile(r'href="(/[^"#]*)"')
# Files and what signs out; the API counts its own.
ELSEWHERE = ("/accounts/logout", "/static/", "/api/", "/imports/templates/")

pytestmark = pytest.mark.django_db


def test_no_page_makes_more_than_twelve_queries() -> None:
    loading.load()
    demo.build(timezone.now())

    too_many = [found for role in ("security", "auditor", "owner") for found in _crawl(role)]

    assert not too_many, "\n".join(too_many)


def _crawl(role: str) -> list[str]:
    client = Client()
    client.force_login(User.objects.get(username=role))
    waiting, opened, too_many = deque(["/"]), {"/": 1}, []
    pages = 0
    while waiting:
        path = waiting.popleft()
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(path)
        if answer.status_code != 200 or "text/html" not in answer.headers["Content-Type"]:
            continue
        pages += 1
        if len(queries) > WALKS.get(_kind(path), MOST) + VIEWED * (role == "auditor"):
            too_many.append(f"{role} {path}: {len(queries)} queries")
        for link in LINK.findall(answer.content.decode()):
            target = urljoin(path, link.replace("&amp;", "&"))
            kind = _kind(target)
            if kind and opened.get(kind, 0) < SAMPLES and not target.startswith(ELSEWHERE):
                opened[kind] = opened.get(kind, 0) + 1
                waiting.append(target)
    assert pages > (40 if role == "security" else 15), f"{role} opened {pages} pages only."
    return too_many


def _kind(target: str) -> str:
    if "export=" in target:
        return ""
    try:
        return resolve(urlsplit(target).path).view_name
    except Resolver404:
        return ""
