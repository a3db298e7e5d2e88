"""What can be told: every event by its name, in words; what cannot wait; and under which heading it is read."""

TEST = "webhook.test"
MAIL_TEST = "mail.test"

# What webhooks can listen to.
EVENTS: tuple[tuple[str, str], ...] = (
    ("request.asked", "A request for access waits for an answer"),
    ("request.approved", "A request was approved"),
    ("request.refused", "A request was refused"),
    ("request.cancelled", "A request was cancelled"),
    ("request.lapsed", "A request was not answered in time"),
    ("action.asked", "An agent asks before a high-impact action"),
    ("cut.asked", "A cut of delegations and grants waits for an answer"),
    ("tier.drifted", "An AI system acts above its declared tier"),
)
# What only people are told.
TO_PEOPLE: tuple[tuple[str, str], ...] = (
    ("request.waits", "A request still waits for an answer"),
    ("grant.ends", "Access ends soon"),
    ("campaign.launched", "An access review begins"),
    ("campaign.due", "An access review is due"),
    ("review.asked", "A reviewer asks about access"),
    (MAIL_TEST, "A test of e-mail"),
)
WORDS = {**dict(EVENTS), **dict(TO_PEOPLE), TEST: "A test of the webhook"}

# Told at once, without waiting for others: somebody, or some agent, stands still until it is read.
URGENT = frozenset({"action.asked", MAIL_TEST})

DECIDE, ENDS, KNOW = "Waits for your decision", "Ends soon", "For your information"
HEADINGS = (DECIDE, ENDS, KNOW)


def heading(event: str) -> str:
    """Under what a person reads it: what was asked first, then what ends, then the rest."""
    verb = event.rpartition(".")[2]
    if verb in ("asked", "waits", "launched", "due", "drifted"):
        return DECIDE
    return ENDS if verb == "ends" else KNOW


def in_words(event: str) -> str:
    return WORDS.get(event, event)
