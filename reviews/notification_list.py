"""The lists of what was told: one's own, and for security and auditors everything that was sent or tried."""

from django.conf import settings
from django.utils.safestring import SafeString

from inventory import access, markup
from inventory.columns import Column, labelled
from inventory.filter_bar import ManyFilter
from inventory.filters import YES_NO, Filters, KeyFilter, Rows, choice
from inventory.listing import Empty, Listing
from inventory.models import Person
from reviews.events import in_words
from reviews.models import Notification, Webhook

Status = Notification.Status
LANES = (("mail", "E-mail"), ("webhook", "Webhook"))


class NotificationFilter(Filters):
    unread = choice(YES_NO, "by_unread", label="Unread")
    status = ManyFilter(label="E-mail", choices=Status.choices)

    class Meta:
        model = Notification
        fields: list[str] = []

    def by_unread(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(read_at__isnull=value == "yes")


class DeliveryFilter(Filters):
    status = ManyFilter(choices=Status.choices)
    lane = choice(LANES, "by_lane", label="By")
    webhook = KeyFilter(label="Webhook")
    person = KeyFilter(label="Person")

    described = {"person": Person}

    class Meta:
        model = Notification
        fields: list[str] = []

    def describe(self, name: str, value: str) -> str | None:
        if name == "webhook" and value.isdecimal() and len(value) < 19:
            if not access.sees_all(self.request.user):
                return value
            found = Webhook.objects.filter(pk=value).values_list("name", flat=True).first()
            return str(found or value)
        return super().describe(name, value)

    def by_lane(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(person__isnull=value == "webhook")


class ToldFilter(DeliveryFilter):
    """What the API can be asked: both lists in one."""

    unread = choice(YES_NO, "by_unread", label="Unread")

    def by_unread(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(read_at__isnull=value == "yes")


def addressee(row: Notification) -> str:
    return str(row.webhook if row.webhook_id else row.person)


def _read(row: Notification) -> str:
    return "Read" if row.read_at else "New"


def _mailed(row: Notification) -> str:
    """How the e-mail fares; nothing where none is ever sent."""
    if row.status == Status.WAITING and not settings.EMAIL_IS_SET_UP:
        return ""
    return str(row.get_status_display())


def _again(row: Notification) -> SafeString | str:
    if row.status != Status.FAILED:
        return ""
    return markup.link(markup.address("reviews:delivery-again")(row.pk), "Try again")


NOTIFICATIONS = Listing(
    title="Notifications",
    singular="notification",
    plural="notifications",
    intro="What you were told. Each leads to the page where it is decided.",
    template="reviews/notification_list.html",
    columns=(
        Column("title", "What", "title", kind="link", url="reviews:notification-open"),
        Column("event", "Kind", lambda row: in_words(row.event)),
        Column("read", "State", _read, kind="badge"),
        Column("status", "E-mail", _mailed, kind="badge"),
        Column("told", "When", "created_at", kind="time", sort="pk"),
        Column("body", "Text", "body", wide=True, shown=False),
        Column("sent", "E-mail sent", "sent_at", kind="time", shown=False),
    ),
    order="-told",
    empty=Empty(
        "Nothing yet",
        "Questions to you, answers to your requests and reminders appear here.",
        icon="bell",
    ),
)

DELIVERIES = Listing(
    title="Deliveries",
    singular="delivery",
    plural="deliveries",
    intro="Every e-mail and webhook message: sent, waiting, given up with its reason.",
    columns=(
        Column("title", "What", "title"),
        Column("to", "To", addressee),
        Column("lane", "By", lambda row: "Webhook" if row.webhook_id else "E-mail", shown=False),
        Column("status", "Status", labelled("status", Status), kind="badge"),
        Column("attempts", "Attempts", "attempts", kind="number"),
        Column("error", "Last error", "error", wide=True),
        Column("told", "Happened", "created_at", kind="time", sort="pk"),
        Column("sent", "Sent", "sent_at", kind="time", shown=False),
        Column(
            "next",
            "Next try",
            lambda row: row.next_try_at if row.status == Status.WAITING else None,
            kind="time",
            shown=False,
        ),
        Column("event", "Event", "event", kind="code", shown=False),
        Column("about", "About", "about", kind="code", shown=False),
        Column("again", "Action", _again, csv=lambda row: ""),
    ),
    order="-told",
    empty=Empty("Nothing was told yet", "What people and platforms are told appears here.", "bell"),
)
