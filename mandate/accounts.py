"""Sign-in rules beyond allauth's own: no sign-up, service users do not sign in."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.signals import password_changed, password_set
from django.dispatch import receiver
from django.http import HttpRequest

from inventory import audit
from inventory.models import User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Users are made by security, in Settings."""
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """A service user holds API tokens and never signs in, even with a password."""
        user = super().authenticate(request, **credentials)
        return None if user is not None and user.is_service else user


@receiver([password_changed, password_set], dispatch_uid="mandate.own_password")
def own_password(sender: object, user: User, **rest: Any) -> None:
    """From now on the password is known to its user only."""
    with audit.acting(user, "user.password_changed"):
        User.objects.filter(pk=user.pk).update(must_change_password=False)
