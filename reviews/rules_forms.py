"""The form of the access rules: one block of fields for each kind and risk."""

from typing import Any

from django import forms

from inventory.forms import ReasonForm
from inventory.models import Risk, Tier
from reviews.access_rules import APPROVALS, KINDS, LONGEST_HOURS, RISKS, TIERS, Rule, Rules

TIER_NAMES = [str(label) for label in Tier.labels]


class RulesForm(forms.Form):
    """Fields are named kind-risk-what; `blocks` gives them to the page in order."""

    def __init__(self, rules: Rules, data: Any = None) -> None:  # Any: request.POST
        super().__init__(data)
        for kind in KINDS:
            for risk in RISKS:
                self._add(f"{kind}-{risk}", rules.of(kind, risk), with_life=kind == "temporary")
        self.fields["note"] = forms.CharField(
            label="Why it changes", max_length=500, widget=ReasonForm.base_fields["reason"].widget
        )

    def blocks(self) -> list[dict[str, object]]:
        """For each kind: its title, and for each risk its label and bound fields."""
        titles = {"temporary": "Access for a while", "permanent": "Access for good"}
        return [
            {
                "title": titles[kind],
                "risks": [
                    {
                        "label": Risk(risk).label,
                        "fields": [
                            self[name] for name in self.fields if name.startswith(f"{kind}-{risk}-")
                        ],
                    }
                    for risk in RISKS
                ],
            }
            for kind in KINDS
        ]

    def rules(self) -> Rules:
        return Rules(
            {kind: {risk: self._rule(f"{kind}-{risk}") for risk in RISKS} for kind in KINDS}
        )

    def _add(self, name: str, rule: Rule, *, with_life: bool) -> None:
        self.fields[f"{name}-approval"] = forms.ChoiceField(
            label="Who approves", choices=APPROVALS, initial=rule.approval
        )
        self.fields[f"{name}-quorum"] = _number("Approvals on the owner's side", rule.quorum, 1, 3)
        if with_life:
            for tier in TIERS:
                label = f"Longest hours, tier {TIER_NAMES[tier]}"
                self.fields[f"{name}-life-{tier}"] = _number(
                    label, rule.longest_hours[tier], 1, LONGEST_HOURS
                )
        self.fields[f"{name}-answer"] = _number("Answer within hours", rule.answer_hours, 1, 720)
        self.fields[f"{name}-escalate"] = _number(
            "Escalate after hours", rule.escalate_hours, 0, 720
        )

    def _rule(self, name: str) -> Rule:
        given = self.cleaned_data
        return Rule(
            approval=given[f"{name}-approval"],
            quorum=given[f"{name}-quorum"],
            longest_hours=tuple(given.get(f"{name}-life-{tier}", 0) for tier in TIERS),
            answer_hours=given[f"{name}-answer"],
            escalate_hours=given[f"{name}-escalate"],
        )


def _number(label: str, initial: int, least: int, most: int) -> forms.IntegerField:
    return forms.IntegerField(label=label, initial=initial, min_value=least, max_value=most)
