"""Requests and single actions of the demo's agents, through the same rules as everybody's."""

from datetime import timedelta
from typing import Any

from inventory.models import Entitlement, Identity, Task, Tool, ToolBinding
from mandate.demo.content import document
from mandate.demo.events import Scene
from mandate.demo.users import PLATFORM, login
from reviews import action_approvals, requests
from reviews.action_approvals import Action
from reviews.models import AccessRequest
from reviews.requests import Answer, Wish

_REFUSAL = "Names of contacts are personal. Ask for the one company that the quote is for."


def ask_and_answer(scene: Scene) -> None:
    """Some were given at once, some were decided, some wait for the person who signs in."""
    for planned in document("requests")["requests"]:
        _play(scene, *planned)
    for planned in document("requests")["actions"]:
        _act(scene, *planned)


def _play(
    scene: Scene, agent: str, purpose: str, ago: float, names: list[str], hours: float, *words: str
) -> None:
    reason, answer = words
    at = scene.at - timedelta(hours=ago)
    identity = _agent(agent)
    wish = Wish(
        reason,
        lasts=timedelta(hours=hours) if hours else None,
        task=Task.objects.filter(identity=identity, purpose=purpose).first(),
        permanent=not hours,
    )
    wanted = [_entitlement(name) for name in names]
    if wish.task is not None and not wish.task.is_open(at):
        wish = Wish(reason, lasts=wish.lasts)  # it has ended since; the request was for a while
    by = scene.users[PLATFORM]
    request = requests.ask(identity, entitlements=wanted, wish=wish, by=by, at=at)
    later = min(at + timedelta(minutes=12), scene.at)
    if answer == "cancel":
        requests.cancel(request, by=by, reason="The contracts are in the lake already.", at=later)
    elif answer in _ANSWERS and request.state(later) == AccessRequest.Status.WAITING:
        _answer(request, _ANSWERS[answer](wanted), later)


def _answer(request: AccessRequest, given: Answer, at: Any) -> None:  # Any: a moment
    while request.status == AccessRequest.Status.WAITING:
        asked = request.approvals.filter(answer="", person__isnull=False).first()
        if asked is None or asked.person is None:
            return
        request = requests.answer(request, given=given, by=login(asked.person), at=at)


_ANSWERS: dict[str, Any] = {  # Any: from the entitlements asked for to an answer
    "approve": lambda wanted: Answer(True, "Fits the task."),
    "narrow": lambda wanted: Answer(
        True, "The routes are enough for this.", keep=[wanted[0].pk], lasts=timedelta(hours=3)
    ),
    "refuse": lambda wanted: Answer(False, _REFUSAL),
}


def _act(
    scene: Scene, agent: str, ago: float, target: str, risk: str, reason: str, *rest: Any
) -> None:
    arguments, answer = rest
    at, identity, by = scene.at - timedelta(hours=ago), _agent(agent), scene.users[PLATFORM]
    held = ToolBinding.objects.filter(identity=identity, tool__writes=True).select_related("tool")
    bound = held.order_by("pk").first()
    tool = bound.tool if bound else Tool.objects.order_by("pk").first()
    if tool is None:
        return
    wanted = Action(tool, arguments, target=target, risk=risk, reason=reason)
    asked = action_approvals.ask(identity, action=wanted, by=by, at=at)
    if answer == "used" and identity.owner is not None:
        action_approvals.answer(
            asked,
            approved=True,
            by=login(identity.owner),
            reason="The cheapest that is on time.",
            at=at,
        )
        action_approvals.use(identity, action=wanted, by=by, at=at + timedelta(minutes=9))


def _agent(name: str) -> Identity:
    return Identity.objects.select_related("owner").get(name=name)


def _entitlement(path: str) -> Entitlement:
    system, name = path.split("|")
    return Entitlement.objects.filter(system__name=system, name=name).order_by("pk")[0]
