"""What a long watch remembers of secrets stays within what there is."""

from leadline.model.resource import Resource, resource_of
from leadline.outputs.redaction.report import Redaction
from leadline.outputs.redaction.values import SecretValues


def holder(number: int) -> Resource:
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}}
    spec = {"containers": [{"name": "c", "args": [f"--password=Rotated-{number}-Secret"]}]}
    return resource_of({**body, "spec": spec})


def test_secrets_of_what_is_gone_are_forgotten_and_the_users_own_are_not() -> None:
    hidden = Redaction(SecretValues())
    hidden.add_settings(("password=Given-1-ByUser",))
    largest = 0
    for number in range(25_000):
        now = holder(number)
        hidden.learn_from((now,))
        hidden.renew((now,))
        largest = max(largest, len(hidden.found))
    assert largest <= 10_100
    assert hidden.text("it said Rotated-24999-Secret") == "it said XXXXXX"
    assert hidden.text("it said Given-1-ByUser") == "it said XXXXXX"
