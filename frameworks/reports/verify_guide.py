"""How to verify an evidence bundle offline, as text and as a page that goes into it."""

from html import escape

from frameworks.reports.text import moment, one_line
from frameworks.snapshot import Snapshot

COMMANDS = (
    "sha256sum --check --strict SHA256SUMS",
    "openssl pkeyutl -verify -pubin -inkey public-key.pem -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig",
)
FINGERPRINT = "openssl pkey -pubin -in public-key.pem -outform DER | sha256sum"
ADDED = (
    "cut -c67- SHA256SUMS | LC_ALL=C sort > ../named.txt",
    "find . -type f ! -name SHA256SUMS ! -name SHA256SUMS.sig | cut -c3- | LC_ALL=C sort | diff ../named.txt - || true",
)


def markdown(snapshot: Snapshot, key_id: str) -> str:
    parts = [f"# How to verify this bundle\n\n{_what(snapshot)}\n"]
    for title, text, commands in _steps(key_id):
        code = "".join(f"\n    {command}" for command in commands)
        parts.append(f"## {title}\n\n{text}\n{code}\n" if code else f"## {title}\n\n{text}\n")
    return "\n".join(parts)


def page(snapshot: Snapshot, key_id: str) -> str:
    steps = "".join(
        f"<h2>{escape(title)}</h2><p>{escape(text)}</p>"
        + "".join(f"<pre><code>{escape(command)}</code></pre>" for command in commands)
        for title, text, commands in _steps(key_id)
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        "<title>How to verify this bundle</title></head><body>"
        f"<h1>How to verify this bundle</h1><p>{escape(_what(snapshot))}</p>{steps}</body></html>\n"
    )


def _what(snapshot: Snapshot) -> str:
    return (
        f"Evidence of assessment {snapshot.number} of {one_line(snapshot.organisation)}, facts as of"
        f" {moment(snapshot.facts_at)}. Nothing below needs a network, or Mandate."
    )


def _steps(key_id: str) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    return (
        (
            "1. Is every file as it was?",
            "Unpack the ZIP, go into the folder, and compare every file with its hash. Each line must end in OK.",
            COMMANDS[:1],
        ),
        (
            "2. Are the hashes those that were signed?",
            "OpenSSL 3 or newer says “Signature Verified Successfully”.",
            COMMANDS[1:],
        ),
        (
            "3. Is the key the right one?",
            "Anybody could sign with a key of their own. Compare the key with one that you got another way: the product"
            f" publishes it at /.well-known/jwks.json under the id {key_id}, and shows its fingerprint beside the"
            " report. This prints the fingerprint of the key in this bundle.",
            (FINGERPRINT,),
        ),
        (
            "4. Is nothing added?",
            "A file that SHA256SUMS does not name was not signed. This prints such files, and nothing otherwise.",
            ADDED,
        ),
        (
            "5. Are the numbers right?",
            "The folder rows holds what the numbers were counted from. Count it again: of each check, evidence.csv has"
            " one line for each subject that fails or that nobody can tell; checks.csv has the counts, controls.csv the"
            " answers made of them, mappings.csv which check counts for which control.",
            (),
        ),
        (
            "What a signature does not say",
            "It says that the installation that holds the key wrote these files, and that nobody changed them since. It"
            " does not say that the sources told the truth: sources.csv says when each was read whole, and summary.csv"
            " what limits the assessment.",
            (),
        ),
    )
