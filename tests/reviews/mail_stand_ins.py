"""Mail servers of tests: one that refuses, one that is slow, one before whose answer the worker can be killed."""

import os
import smtplib
import time
from collections.abc import Sequence
from pathlib import Path

from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import EmailMessage


class Down(BaseEmailBackend):
    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        raise ConnectionRefusedError(111, "Connection refused")


class Refusing(BaseEmailBackend):
    """Does not know some people; takes mail for all others."""

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        for message in messages:
            if "unknown" in message.to[0]:
                raise smtplib.SMTPRecipientsRefused({message.to[0]: (550, b"No such user")})
            mail.outbox.append(message)
        return len(messages)


class Slow(BaseEmailBackend):
    """Long enough that two workers meet."""

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        time.sleep(0.02)
        mail.outbox.extend(messages)
        return len(messages)


class Hanging(BaseEmailBackend):
    """Writes the Message-ID to a file, takes the e-mail or not, and never answers: the worker is killed meanwhile."""

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        mark = Path(os.environ["HANGING_MARK"])
        mark.write_text(messages[0].message()["Message-ID"], encoding="utf-8")
        time.sleep(120)
        return 0
