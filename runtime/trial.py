"""Trying a request: the whole answer, from the facts of now, and nothing is recorded or allowed by it."""

from dataclasses import dataclass
from datetime import datetime

from inventory.rules import RuleBroken
from runtime import policy_bundles
from runtime.decisions import weigh
from runtime.models import PolicySetVersion
from runtime.policy_bundles import PoliciesUnreadable
from runtime.policy_list import named
from runtime.policy_text import Policy, parse
from runtime.questions import Answer, Question


@dataclass(frozen=True)
class Trial:
    """The answer, by which policies it was judged (`tried`), and those that decided."""

    answer: Answer
    tried: str
    decided: tuple[Policy, ...] = ()
    text: str = ""

    @property
    def facts(self) -> list[tuple[str, object]]:
        """What the policies were told; nothing where the facts alone denied."""
        return sorted(self.answer.facts.items())

    @property
    def watched(self) -> str:
        if self.answer.monitored is None:
            return ""
        said = "permit" if self.answer.monitored else "deny"
        return f"The policies only watch where this identity works; they say {said}."


def ask(question: Question, *, version: PolicySetVersion | None, at: datetime) -> Trial:
    """With a version, its policies judge in place of the live ones. Raises RuleBroken when they cannot be read."""
    if version is None:
        return _shown(weigh([question], at=at)[0], "By what is live now.")
    if version.policy_set.domain != question.domain:
        raise RuleBroken(
            f"{named(version)} is not about this: it decides about {version.policy_set.get_domain_display().lower()}."
        )
    try:
        slices = policy_bundles.of_text(version.text)
    except PoliciesUnreadable as error:
        raise RuleBroken(f"The policies cannot be read. {error}") from error
    answer = weigh([question], at=at, instead=slices)[0]
    return _shown(answer, f"By {named(version)}, in place of what is live.", version)


def _shown(answer: Answer, tried: str, version: PolicySetVersion | None = None) -> Trial:
    """With the text of each policy that decided."""
    judged = version or (
        PolicySetVersion.objects.filter(pk=answer.policy_version).first()
        if answer.policy_version
        else None
    )
    if judged is None or not answer.policies:
        return Trial(answer, tried)
    found = {policy.name: policy for policy in parse(judged.text).policies}
    decided = tuple(found[name] for name in answer.policies if name in found)
    return Trial(answer, tried, decided, judged.text)
