"""What the API's lists of policy sets, versions, tests and policy entities can be asked."""

import django_filters

from inventory.filter_bar import ManyFilter
from inventory.filters import Filters, KeyFilter
from runtime.models import PolicyEntity, PolicySet, PolicySetVersion, PolicyTest


class PolicySetFilter(Filters):
    name = django_filters.CharFilter(help_text="Its whole name.")
    domain = ManyFilter(choices=PolicySet.Domain.choices)

    class Meta:
        model = PolicySet
        fields = ("name", "domain")


class PolicyVersionFilter(Filters):
    policy_set = KeyFilter(label="Policy set")
    state = ManyFilter(choices=PolicySetVersion.State.choices)

    class Meta:
        model = PolicySetVersion
        fields = ("policy_set", "state")


class PolicyTestFilter(Filters):
    version = KeyFilter(label="Version")

    class Meta:
        model = PolicyTest
        fields = ("version",)


class PolicyEntityFilter(Filters):
    type = django_filters.CharFilter(help_text="Its whole type, such as user.")
    key = django_filters.CharFilter(help_text="Its whole id within its type.")

    class Meta:
        model = PolicyEntity
        fields = ("type", "key")
