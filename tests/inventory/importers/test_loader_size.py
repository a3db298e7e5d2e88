"""A file of 100 MB is read in bounded memory, and time grows with the number of rows alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from inventory.models import Identity
from tests.inventory.importers.loading import Files, counts, is_unchanged, run
from tests.samples import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

MEGABYTE = 2**20
SIZE = 100 * MEGABYTE
MOST_MEMORY = 260 * MEGABYTE  # of the whole process; Django and its libraries alone take about 100


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


# Prints the outcome and, on the last line, the most memory that the process ever held, in bytes. The kernel's
# ru_maxrss is of no use for it on Linux: a child begins with the peak of the process that started it.
SCRIPT = """
import pathlib, resource, sys
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", "import", sys.argv[1], sys.argv[2], "--json"])
print()
try:
    status = pathlib.Path("/proc/self/status").read_text().splitlines()
    print(int(next(line.split()[1] for line in status if line.startswith("VmHWM:"))) * 1024)
except FileNotFoundError:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def imported(kind: str, path: Path) -> tuple[dict[str, object], int]:
    """The outcome and the peak of memory of the command in a process of its own, on the test's database."""
    database = settings.DATABASES["default"]
    url = (
        f"postgres://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}"
        f"/{database['NAME']}"
    )
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, kind, str(path)],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "mandate.settings"},
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    told, peak = done.stdout.rsplit("\n", 2)[0], done.stdout.splitlines()[-1]
    return json.loads(told), int(peak)


def test_a_spreadsheet_of_100_mb_is_read_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "identities.csv"
    words = "Matches incoming invoices to orders and posts what is due. " * 16
    written = 0
    with path.open("w", encoding="utf-8") as file:
        file.write("id,name,kind,purpose\n")
        while file.tell() < SIZE:
            file.write(f"id-{written},agent {written},autonomous_agent,{words}{written}\n")
            written += 1

    outcome, peak = imported("csv", path)

    assert outcome["status"] == "applied"
    assert Identity.objects.count() == written
    assert peak < MOST_MEMORY


def test_an_account_of_100_mb_is_read_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "account.json"
    statement = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::data/*"}
    written = 0
    with path.open("w", encoding="utf-8") as file:
        file.write(
            '{"UserDetailList": [], "GroupDetailList": [], "Policies": [], "RoleDetailList": ['
        )
        while file.tell() < SIZE:
            role = {
                "RoleName": f"role-{written}", "RoleId": f"AROA{written:017d}", "Path": "/",
                "Arn": f"arn:aws:iam::111122223333:role/role-{written}",
                "AssumeRolePolicyDocument": {"Statement": []}, "AttachedManagedPolicies": [],
                "InstanceProfileList": [],
                "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": {"Statement": [statement]}}],
                "Tags": [{"Key": f"filler-{number}", "Value": "x" * 250} for number in range(40)],
            }  # fmt: skip
            file.write(("," if written else "") + json.dumps(role))
            written += 1
        file.write("]}")

    outcome, peak = imported("aws-iam", path)

    assert outcome["status"] == "applied"
    assert Identity.objects.filter(kind="role").count() == written
    assert peak < MOST_MEMORY


def test_no_row_is_compared_with_all_the_others(files: Files) -> None:
    numbers = range(20_000)
    people = [{"email": f"p{each}@example.org", "name": f"P {each}"} for each in numbers]
    identities = [
        {"name": f"i{each}", "kind": "role", "spiffe_id": f"spiffe://example.org/{each}"}
        for each in numbers
    ]
    credentials = [
        {"identity": f"i{each}", "kind": "api_key", "key_id": f"k{each}"} for each in numbers
    ]
    paths = [
        files.csv("people", *people),
        files.csv("identities", *identities),
        files.csv("credentials", *credentials),
    ]
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '10s'")  # each against each takes minutes
    try:
        first, second = run("csv", *paths), run("csv", *paths)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET statement_timeout")

    assert [counts(first, noun)[0] for noun in ("person", "identity", "credential")] == [20_000] * 3
    assert is_unchanged(second)


def test_a_repeated_part_compares_no_row_with_all_the_others(files: Files) -> None:
    """Its rows are marked as seen, which the history looks at: after a small update in the same session, too."""
    rows = [{"id": f"i{each}", "name": f"i{each}", "kind": "role"} for each in range(20_000)]
    few, many = files.csv("identities", *rows[:3]), files.csv("all-identities", *rows)
    run("csv", few, partial=True)
    run("csv", files.csv("identities", {**rows[0], "name": "renamed"}), partial=True)
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '10s'")
    try:
        run("csv", many, partial=True)
        again = run("csv", many, partial=True)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET statement_timeout")

    assert again["status"] == "applied"
    assert is_unchanged(again)
