"""The token under which each call was made: named by its reporter, or live for its task and identity at that moment."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from inventory.models import User
from runtime import token_list
from runtime.chain_marks import Mark, Marks, provide
from runtime.models import Token, ToolCall

NAMED = "token_jti"  # among the attributes of a call
_PAGE = "runtime:issued-detail"


def of_calls(calls: Sequence[ToolCall], seen_by: User, at: datetime) -> Marks:
    """By the call's id. Tokens that the user may not see are not shown to them; one query for all calls."""
    named = {call.attributes[NAMED] for call in calls if call.attributes.get(NAMED)}
    tied = [call for call in calls if call.task_id is not None and call.identity_id is not None]
    if not named and not tied:
        return {}
    wanted = Q(jti__in=[UUID(jti) for jti in named])
    if tied:
        wanted |= Q(
            task__in={call.task_id for call in tied}, identity__in={call.identity_id for call in tied},
            issued_at__lte=max(call.started_at for call in tied),
            expires_at__gt=min(call.started_at for call in tied),
        )  # fmt: skip
    rows = token_list.visible_to(seen_by, Token.objects.filter(wanted).order_by("issued_at", "pk"))
    by_jti: dict[str, Token] = {}
    of_task: dict[tuple[int, int], list[Token]] = {}
    for row in rows:
        by_jti[str(row.jti)] = row
        of_task.setdefault((row.task_id, row.identity_id), []).append(row)
    found = ((call, _mark(call, by_jti, of_task)) for call in calls)
    return {str(call.pk): [mark] for call, mark in found if mark is not None}


def _mark(
    call: ToolCall, by_jti: dict[str, Token], of_task: dict[tuple[int, int], list[Token]]
) -> Mark | None:
    jti = call.attributes.get(NAMED)
    if jti:
        row = by_jti.get(jti)
        return _named(call, row) if row else _unseen(jti)
    held = of_task.get((call.task_id or 0, call.identity_id or 0), [])
    live = [row for row in held if _was_live(row, call.started_at)]
    if not live:
        return None
    several = f" The newest of {len(live)} that were." if len(live) > 1 else ""
    text = f"It was live for this task then, {_words(live[-1])}.{several}"
    return Mark("Token of the task", "plain", text, _PAGE, live[-1].pk)


def _named(call: ToolCall, row: Token) -> Mark:
    if call.identity_id is not None and row.identity_id != call.identity_id:
        text = f"The reporter named a token of another identity, {_words(row)}."
        return Mark("Token of another", "bad", text, _PAGE, row.pk)
    if not _was_live(row, call.started_at):
        text = f"The reporter named a token that was not live then, {_words(row)}."
        return Mark("Token not live", "bad", text, _PAGE, row.pk)
    return Mark("Token", "good", f"Made with a token {_words(row)}.", _PAGE, row.pk)


def _unseen(jti: str) -> Mark:
    text = (
        f"The reporter named the token {jti}: none that was issued here, or none that you may see."
    )
    return Mark("Token unknown", "warn", text)


def _words(row: Token) -> str:
    return f"for {row.audience}: {token_list.scope_of(row)}"


def _was_live(row: Token, moment: datetime) -> bool:
    return row.issued_at <= moment < row.expires_at and (
        row.revoked_at is None or row.revoked_at > moment
    )


provide(of_calls)
