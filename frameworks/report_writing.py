"""From a report that was asked for to its file: reads the assessment, counts rows as they go by, signs a bundle."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import IO, Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from frameworks import snapshots
from frameworks.bundle_verification import fingerprint
from frameworks.models import Report
from frameworks.reports import bundle
from frameworks.reports.formats import FORMATS
from frameworks.snapshot import EvidenceRow, GrantRow, IdentityRow, Rows
from inventory.rules import RuleBroken
from runtime import signing_keys
from runtime.models import SigningKey

Tell = Callable[[str], None]
Row = TypeVar("Row")
_OFTEN = 5_000  # rows between two looks at the clock
_PAUSE = 1.0  # seconds between two notes of progress


def write(report: Report, out: IO[bytes], *, at: datetime, tell: Tell) -> str:
    """Writes the file. Returns the id of the key that signed it; empty for what is not signed."""
    snapshot, rows = snapshots.read(report.assessment)
    kind = FORMATS[report.format]
    if kind.write is not None:
        kind.write(snapshot, Told(rows, tell, f"Writing {kind.label}"), out)
        return ""
    signer = signer_at(at)
    told = Told(rows, tell, "")
    bundle.write(snapshot, told, out, signer=signer, tell=told.begin)
    return signer.key_id


def signer_at(at: datetime) -> bundle.Signer:
    """The key for evidence. Its public part is published for ever, so that what it signed can be verified for ever."""
    pair = signing_keys.current(SigningKey.Purpose.EVIDENCE, at)
    private: Any = pair.private_key  # Any: joserfc's key of any kind
    if not isinstance(private, Ed25519PrivateKey):
        raise RuleBroken("The key for evidence is of a kind that cannot sign bundles.")
    return bundle.Signer(private, str(pair.kid))


def fingerprint_of(key_id: str, at: datetime) -> str:
    """The fingerprint of a key that signs evidence, as the guide in the bundle prints it; empty for an unknown one."""
    pair = signing_keys.public_key(key_id, SigningKey.Purpose.EVIDENCE, at)
    public: Any = pair.public_key if pair else None  # Any: joserfc's key of any kind
    return fingerprint(public) if isinstance(public, Ed25519PublicKey) else ""


def own_fingerprints(at: datetime) -> set[str]:
    """Of every key that ever signed evidence here."""
    keys = SigningKey.objects.filter(purpose=SigningKey.Purpose.EVIDENCE)
    return {fingerprint_of(kid, at) for kid in keys.values_list("kid", flat=True)}


@dataclass
class Told:
    """Rows that tell how many of them have gone by, once a second."""

    rows: Rows
    tell: Tell
    what: str
    number: int = 0
    told_at: float = 0.0

    def begin(self, what: str) -> None:
        self.what, self.number = what, 0
        self.tell(what)

    def evidence(self, check_id: str | None = None) -> Iterator[EvidenceRow]:
        return self._counted(self.rows.evidence(check_id))

    def identities(self) -> Iterator[IdentityRow]:
        return self._counted(self.rows.identities())

    def grants(self) -> Iterator[GrantRow]:
        return self._counted(self.rows.grants())

    def _counted(self, rows: Iterator[Row]) -> Iterator[Row]:
        for row in rows:
            self.number += 1
            if self.number % _OFTEN == 0 and monotonic() - self.told_at > _PAUSE:
                self.told_at = monotonic()
                self.tell(f"{self.what}: {self.number:,} rows")
            yield row
