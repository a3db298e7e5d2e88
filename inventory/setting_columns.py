"""The lists of Settings: users and API tokens."""

from django.utils import timezone

from inventory import markup
from inventory.columns import Column, labelled
from inventory.listing import Empty, Listing
from inventory.models import ApiToken, User


def token_state(token: ApiToken) -> str:
    if token.revoked_at:
        return "Revoked"
    return "Live" if token.is_live(timezone.now()) else "Expired"


USERS = Listing(
    title="Users",
    singular="user",
    plural="users",
    intro="Who may sign in, as what; and the services that hold tokens.",
    columns=(
        Column(
            "name", "User name", "username", kind="link", url="inventory:user-edit", sort="username"
        ),
        Column("full", "Name", lambda row: row.get_full_name()),
        Column("role", "Role", labelled("role", User.Role)),
        Column("scope", "Sees only", "scope", wide=True, empty="As the role says"),
        Column(
            "state",
            "State",
            lambda row: "Active" if row.is_active else "Switched off",
            kind="badge",
        ),
        Column(
            "kind", "Signs in", lambda row: "By token only" if row.is_service else "Yes", wide=True
        ),
        Column("person", "Person", "person", wide=True, empty="Not linked"),
        Column("email", "E-mail", "email", wide=True),
        Column("last", "Last sign-in", "last_login", kind="time", sort="last_login", empty="Never"),
    ),
    order="name",
    empty=Empty("No users", icon="users"),
)

TOKENS = Listing(
    title="API tokens",
    singular="token",
    plural="tokens",
    intro="Of everybody. A token is shown once, when it is made; here is what is known of it.",
    columns=(
        Column("name", "Token", "name"),
        Column("user", "User", "user.username"),
        Column("hint", "Begins with", "hint", kind="code"),
        Column("scopes", "For", lambda row: ", ".join(row.scopes)),
        Column("state", "State", token_state, kind="badge"),
        Column("created", "Made", "created_at", kind="time", sort="id"),
        Column("expires", "Ends", "expires_at", kind="time"),
        Column("used", "Last used", "last_used_at", kind="time", empty="Never"),
        Column(
            "revoke",
            "",
            lambda row: (
                markup.link(f"/tokens/{row.pk}/revoke/", "Revoke")
                if token_state(row) == "Live"
                else ""
            ),
            csv=lambda row: "",
        ),
    ),
    order="-created",
    empty=Empty("No tokens yet", "Everybody makes their own, under their name.", icon="ticket"),
)
