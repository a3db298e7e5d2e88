"""The rows of a large, made-up estate: seeded, with power-law degrees and the gaps of a real one."""

import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate

NOW = datetime.now(UTC).replace(microsecond=0)
SYLLABLES = ("in", "vo", "ice", "pay", "roll", "led", "ger", "claim", "ship", "quote", "audit", "risk", "crm", "lead",
             "mail", "triage", "fore", "cast", "stock", "route", "claims", "kyc", "sla", "chat", "search", "index")  # fmt: skip
ROLES = (
    "matcher",
    "writer",
    "reader",
    "sync",
    "bot",
    "planner",
    "checker",
    "router",
    "agent",
    "job",
    "relay",
)
KINDS = ("service_account", "role", "batch_job", "assistant", "autonomous_agent", "oauth_app", "api_client",
         "retrieval_pipeline", "external_account", "orchestrator")  # fmt: skip
KIND_WEIGHTS = (30, 25, 12, 9, 7, 6, 5, 3, 2, 1)
ENVIRONMENTS, ENVIRONMENT_WEIGHTS = (
    ("production", "staging", "development", "sandbox", ""),
    (50, 15, 20, 5, 10),
)
RISKS, RISK_WEIGHTS = ("low", "medium", "high", "critical"), (50, 30, 15, 5)
CREDENTIAL_KINDS = (
    "access_key",
    "api_key",
    "client_secret",
    "x509",
    "oauth_token",
    "jwt_svid",
    "ssh_key",
    "password",
)
CREDENTIAL_WEIGHTS = (30, 20, 15, 12, 10, 6, 5, 2)
HOWS = ("assume_role", "on_behalf_of", "impersonate", "run_as", "orchestrate")
RING, RING_EVERY = 4, 500
Values = Iterable[Sequence[object]]


class Estate:
    """Rows of every noun, for a size and a seed."""

    def __init__(self, size: int, seed: int = 7) -> None:
        self.size, self.random = size, random.Random(seed)
        self.people = max(size // 20, 20)
        self.entitlements = max(size // 5, 50)
        self.identity_weights = list(accumulate(1 / (n + 10) ** 0.7 for n in range(size)))
        self.person_weights = list(accumulate(1 / (n + 5) ** 0.8 for n in range(self.people)))
        self.entitlement_weights = list(
            accumulate(1 / (n + 20) ** 0.9 for n in range(self.entitlements))
        )

    def sources(self) -> Values:
        for n, kind in enumerate(
            ("csv", "aws-iam", "aws-credential-report", "spire", "json", "aws-bedrock"), 10
        ):
            complete = NOW - timedelta(hours=3) if n < 15 else NOW - timedelta(days=40)
            yield n, kind, kind, kind, f"Source {kind}", timedelta(days=7), complete, complete

    def teams(self) -> Values:
        for n in range(1, 201):
            yield n, f"team-{n}", f"Team {n}", 10

    def persons(self) -> Values:
        for n in range(1, self.people + 1):
            left, leaving = n % 25 == 0, n % 50 == 1
            status = "left" if left else "leaving" if leaving else "active"
            yield (
                n, f"p-{n}", f"{self._word().title()} {self._word().title()}son {n}", f"person{n}@example.org", status,
                self._ago(400) if left else None, NOW + timedelta(days=n % 60 + 1) if leaving else None,
                max(n // 8, 1) if n > 1 else None, n % 200 + 1, 10,
            )  # fmt: skip

    def systems(self) -> Values:
        for n in range(1, 301):
            yield n, f"s-{n}", f"System {self._word()} {n}", "database", 10

    def entitlement_rows(self) -> Values:
        for n in range(1, self.entitlements + 1):
            wildcard, admin = n % 33 == 0, n % 97 == 0
            risk = "critical" if admin else self._one(RISKS, RISK_WEIGHTS)
            action = "*" if wildcard else f"{self._word()}:{self._word().title()}"
            yield (
                n,
                f"e-{n}",
                f"{self._word()}.{self._word()} {n}",
                n % 300 + 1,
                risk,
                n % 3 == 0,
                wildcard,
                admin,
                [action],
                11,
            )

    def identities(self) -> Values:
        for n in range(1, self.size + 1):
            lifecycle = self._one(("active", "suspended", "retired", "proposed"), (90, 4, 5, 1))
            owner = None if n % 11 == 0 else self._power(self.person_weights) + 1
            known = n % 5 != 0
            yield (
                n, f"i-{n}", f"{self._word()}-{self._word()}-{self.random.choice(ROLES)}-{n}",
                self._one(KINDS, KIND_WEIGHTS), lifecycle, self._one(ENVIRONMENTS, ENVIRONMENT_WEIGHTS),
                "" if n % 3 == 0 else f"Handles {self._word()} {self._word()} for {self._word()}.",
                f"spiffe://example.org/ns/{n % 50}/sa/{n}" if n % 6 == 0 else None, owner,
                self.random.randrange(self.people) + 1 if n % 4 == 0 else None, n % 200 + 1,
                None if n % 3 == 0 else n % 5, "" if n % 2 else self._one(RISKS, RISK_WEIGHTS),
                None if n % 4 else self._ago(500), None if n % 7 else n % 14 == 0, known,
                self._ago(300) if known and n % 13 else None, self._ago(1500),
                NOW if lifecycle == "retired" else None, self.random.choice((10, 11, 13, 14, 15)),
            )  # fmt: skip

    def credentials(self) -> Values:
        for n in range(1, 3 * self.size + 1):
            issued = self._ago(900)
            shared = n % 60 == 0
            yield (
                n, f"c-{n}", self._power(self.identity_weights) + 1 if n > self.size else n,
                self._one(CREDENTIAL_KINDS, CREDENTIAL_WEIGHTS), f"KEY{n:08}",
                f"{(n % 500 if shared else n):064x}", self._one(ENVIRONMENTS, ENVIRONMENT_WEIGHTS), issued,
                issued + timedelta(days=self.random.randrange(30, 1500)) if n % 2 else None, n % 5 != 0,
                self._ago(300) if self._chance(67) else None, n % 4 != 0, self._chance(97),
                self._ago(200) if self._chance(3) else None, n % 6 == 0, 12,
            )  # fmt: skip

    def grants(self) -> Values:
        for n in range(1, 10 * self.size + 1):
            starts = self._ago(700)
            yield (
                n, f"g-{n}", self._power(self.identity_weights) + 1,
                self._power(self.entitlement_weights) + 1, f"group {n % 400}" if n % 2 else "",
                starts, starts + timedelta(days=self.random.randrange(1, 1500)) if self._chance(40) else None,
                self._ago(100) if self._chance(4) else None, self._ago(400) if self._chance(67) else None, n % 4 != 0, 11,
            )  # fmt: skip

    def tasks(self) -> Values:
        """Long ones, so that they are open for as long as the data are used."""
        for n in range(1, self.size // 100 + 1):
            yield (
                n,
                self.random.randrange(self.size) + 1,
                f"Handles {self._word()}.",
                "low",
                "open",
                self._ago(9),
                NOW + timedelta(days=900),
            )

    def delegations(self) -> Values:
        """At random, with planted circles: of every RING_EVERY rows the first RING are one, endless and not revoked."""
        for n in range(1, 2 * self.size + 1):
            circle, place = divmod(n - 1, RING_EVERY)
            ring = place < RING
            by_person = n % 4 == 0 and not ring
            task = (
                self.random.randrange(max(self.size // 100, 1)) + 1
                if n % 200 == 199 and not ring
                else None
            )
            delegate = self._power(self.identity_weights) + 1
            giver = self.random.randrange(self.size) + 1
            if ring:
                delegate, giver = (self._in_ring(circle, one) for one in (place, place + 1))
            elif giver == delegate:
                giver = giver % self.size + 1
            ends = NOW + timedelta(days=n % 400 + 1) if n % 3 == 0 else None
            ends = NOW + timedelta(days=800) if task else ends
            yield (
                n, f"d-{n}", delegate, None if by_person else giver,
                self._power(self.person_weights) + 1 if by_person else None,
                "on_behalf_of" if by_person else self.random.choice(HOWS),
                (True, False, None)[n % 3], self._ago(500) if n % 2 else None, None if ring else ends,
                self._ago(50) if self._chance(3) and not ring else None, n % 50 != 7, task,
                ["A condition that nobody here can judge."] if n % 20 == 11 else [], 11,
            )  # fmt: skip

    def scopes(self) -> Values:
        """What the limited delegations cover: five entitlements each."""
        number = 0
        for delegation in range(7, 2 * self.size + 1, 50):
            for entitlement in self.random.sample(range(1, self.entitlements + 1), 5):
                number += 1
                yield number, delegation, entitlement

    def _in_ring(self, circle: int, place: int) -> int:
        return (circle * 37 + place % RING) % self.size + 1

    def tools(self) -> Values:
        for n in range(1, 2_001):
            approved = f"{n:064x}" if n % 3 else ""
            yield (
                n,
                f"t-{n}",
                f"mcp-{n % 90}",
                f"{self._word()}_{self._word()}_{n}",
                f"{n if n % 10 else n + 1:064x}",
                approved,
                "approved" if approved else "unset",
                n % 2 == 0,
                14,
            )

    def bindings(self) -> Values:
        for n in range(1, self.size // 2 + 1):
            yield (
                n,
                f"b-{n}",
                self._power(self.identity_weights) + 1,
                n % 2_000 + 1,
                "declared" if n % 3 else "observed",
                14,
            )

    def _word(self) -> str:
        return self.random.choice(SYLLABLES)

    def _ago(self, days: int) -> datetime:
        return NOW - timedelta(minutes=self.random.randrange(1, days * 1440))

    def _one(self, choices: Sequence[str], weights: Sequence[int]) -> str:
        return self.random.choices(choices, weights)[0]

    def _chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def _power(self, cumulative: list[float]) -> int:
        return self.random.choices(range(len(cumulative)), cum_weights=cumulative)[0]


COLUMNS = {
    "source": ("id", "key", "kind", "namespace", "label", "expected_every", "last_complete_at", "last_run_at"),
    "team": ("id", "external_id", "name", "source_id"),
    "person": ("id", "external_id", "name", "email", "status", "left_at", "leaves_at", "manager_id", "team_id", "source_id"),
    "system": ("id", "external_id", "name", "kind", "source_id"),
    "entitlement": ("id", "external_id", "name", "system_id", "risk", "writes", "wildcard", "admin", "actions", "source_id"),
    "identity": ("id", "external_id", "name", "kind", "lifecycle", "environment", "purpose", "spiffe_id", "owner_id",
                 "sponsor_id", "team_id", "declared_tier", "risk", "risk_assessed_at", "third_party", "activity_known",
                 "last_active_at", "created_at", "retired_at", "source_id"),
    "credential": ("id", "external_id", "identity_id", "kind", "key_id", "fingerprint", "environment", "issued_at",
                   "expires_at", "expiry_known", "last_used_at", "use_known", "enabled", "revoked_at", "binding_known", "source_id"),
    "grant": ("id", "external_id", "identity_id", "entitlement_id", "via", "starts_at", "expires_at", "revoked_at",
              "last_used_at", "use_known", "source_id"),
    "task": ("id", "identity_id", "purpose", "risk", "status", "opened_at", "deadline"),
    "delegation": ("id", "external_id", "delegate_id", "delegator_identity_id", "delegator_person_id", "how",
                   "may_redelegate", "starts_at", "expires_at", "revoked_at", "scope_all", "task_id", "caveats", "source_id"),
    "delegationscope": ("id", "delegation_id", "entitlement_id"),
    "tool": ("id", "external_id", "provider", "name", "descriptor_digest", "approved_digest", "state",
             "writes", "source_id"),
    "toolbinding": ("id", "external_id", "identity_id", "tool_id", "origin", "source_id"),
}  # fmt: skip
