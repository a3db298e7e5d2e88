"""`manage.py token USER`: makes an API token and prints it, once."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from inventory import api_tokens
from inventory.models import ApiToken, User
from inventory.rules import RuleBroken


class Command(BaseCommand):
    """Standard output holds the token and nothing else, so that a script can take it."""

    help = "Make an API token for a user and print it; it cannot be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="user name")
        parser.add_argument("--name", default="command line", help="what it is for")
        parser.add_argument(
            "--days", type=int, default=api_tokens.USUAL.days, help="how long it lives"
        )
        parser.add_argument(
            "--scope",
            action="append",
            choices=ApiToken.Scope.values,
            help="what it is for; several times for several (default: all that the role allows)",
        )

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            known = ", ".join(
                User.objects.order_by("username").values_list("username", flat=True)[:20]
            )
            raise CommandError(
                f"There is no user “{options['user']}”. Users: {known or 'none yet'}."
            )
        now = timezone.now()
        try:
            token, secret = api_tokens.create(
                user,
                name=options["name"],
                scopes=options["scope"] or api_tokens.scopes_of(user),
                until=now + timedelta(days=options["days"]),
                by="command line",
                at=now,
            )
        except (RuleBroken, OverflowError) as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(secret)
        self.stderr.write(
            f"For {user.username}: {', '.join(token.scopes)}; until {token.expires_at:%Y-%m-%d}."
            " It cannot be shown again."
        )
