"""The application of the AuthZEN interoperability scenario: its policies, its schema and its people."""

from runtime.models import PolicyEntity
from tests.factories import NOW
from tests.runtime.factories import a_policy_set, a_version

SCHEMA = """namespace App {
  entity role;
  entity user in [role] = { email?: String };
  entity todo = { ownerID?: String };
  action "can_read_user" appliesTo { principal: [user], resource: [user], context: {} };
  action "can_read_todos", "can_create_todo", "can_update_todo", "can_delete_todo"
    appliesTo { principal: [user], resource: [todo], context: {} };
}"""
POLICIES = """
@id("everybody-reads")
permit(principal is App::user, action in [App::Action::"can_read_user", App::Action::"can_read_todos"], resource);

@id("editors-create")
permit(principal in App::role::"editor", action == App::Action::"can_create_todo", resource is App::todo);

@id("editors-change-their-own")
permit(
  principal in App::role::"editor",
  action in [App::Action::"can_update_todo", App::Action::"can_delete_todo"],
  resource is App::todo
) when { principal has email && resource has ownerID && resource.ownerID == principal.email };

@id("admins-change-all")
permit(
  principal in App::role::"admin",
  action in [App::Action::"can_create_todo", App::Action::"can_update_todo", App::Action::"can_delete_todo"],
  resource is App::todo
);
"""
_KEY = "CiRmZD{}2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs"
PEOPLE = {
    _KEY.format("A"): ("rick@the-citadel.com", "admin"),
    _KEY.format("E"): ("morty@the-citadel.com", "editor"),
    _KEY.format("I"): ("summer@the-smiths.com", "editor"),
    _KEY.format("M"): ("beth@the-smiths.com", "viewer"),
    _KEY.format("Q"): ("jerry@the-smiths.com", "viewer"),
}


def the_application() -> None:
    """Its policies live, its people loaded."""
    policy_set = a_policy_set(name="todo", domain="application")
    a_version(POLICIES, policy_set=policy_set, schema=SCHEMA)
    PolicyEntity.objects.bulk_create(
        PolicyEntity(
            type="user", key=key, attributes={"email": email},
            parents=[{"type": "role", "id": role}], changed_at=NOW,
        )
        for key, (email, role) in PEOPLE.items()
    )  # fmt: skip
