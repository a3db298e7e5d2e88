"""What the API's lists of policy sets, versions, tests, policy entities and replays can be asked."""

import django_filters

from inventory.filter_bar import ManyFilter
from inventory.filters import Filters, KeyFilter
from runtime.models import PolicyEntity, PolicySet, PolicySetVersion, PolicyTest, Replay, ReplayRow
from runtime.replay_words import ReplayRowFilter


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


class ReplayFilter(Filters):
    version = KeyFilter(label="Version")
    grant = KeyFilter(label="Grant")
    identity = KeyFilter(label="Identity")
    status = ManyFilter(choices=Replay.Status.choices)

    class Meta:
        model = Replay
        fields = ("version", "grant", "identity", "status")


class ReplayRowsFilter(ReplayRowFilter):
    """As on the page of a replay, over all of them."""

    replay = KeyFilter(label="Replay")

    class Meta:
        model = ReplayRow
        fields = ("replay",)
