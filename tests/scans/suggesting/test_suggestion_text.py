"""What people and assistants read of a suggestion."""

from msgspec.structs import replace

from leadline.api.kinds.suggestions import Approval, LastRehearsal, Suggestion, SuggestionStatus
from leadline.model.container import Container
from leadline.model.profile import Profile
from leadline.runtime.suggest.network import LearnedPolicy
from leadline.runtime.suggest.settings import Left, Setting
from leadline.scans.rehearsing.hardening import Hardening, HeldContainer
from leadline.scans.suggesting.making import suggestion_of
from leadline.scans.suggesting.written import suggestion_text

ROOT = Setting(
    ("securityContext", "readOnlyRootFilesystem"),
    True,
    "written were only /tmp and what is mounted",
    "what is written elsewhere fails with EROFS",
    ("/tmp",),
)
POLICY = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "web"}}


def hardening(*settings: Setting, completion: str = "complete", policy: bool = True) -> Hardening:
    profile = Profile(Container("one"), completion, (), since_s=1_700_000_000.0, until_s=1_700_003_600.0)
    held = HeldContainer("web", (profile,), settings, (Left("runAsNonRoot", "it ran as user 0"),))
    learned = LearnedPolicy(
        POLICY if policy else {},
        ("ingress: 3 recorded connections",),
        ("egress stays open: no connection was recorded",),
    )
    return Hardening("shop/Deployment/web", (held,), learned, (), (), ())


def test_a_draft_says_what_why_by_how_much_and_how_to_approve_it():
    made = suggestion_of(hardening(ROOT), "apps/v1")
    assert (
        suggestion_text(Suggestion(made), 100)
        == f"""\
shop/Deployment/web: suggestion {made.digest}, draft
  by 1 complete profile, 2023-11-14T22:13:20Z to 2023-11-14T23:13:20Z
  suggested: container web: securityContext.readOnlyRootFilesystem: true
    empty volumes: /tmp
    written were only /tmp and what is mounted
    if the record is not all: what is written elsewhere fails with EROFS
  suggested: NetworkPolicy
    ingress: 3 recorded connections
    if the record is not all: other connections of those directions are refused
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata:
      name: web
  not suggested (container web): runAsNonRoot: it ran as user 0
  not suggested: NetworkPolicy: egress stays open: no connection was recorded
  to approve it, set spec.approve of the suggestion shop/deployment-web to
  {made.digest} by your own account
"""
    )


def test_the_digest_names_what_is_suggested_and_not_its_evidence():
    first = suggestion_of(hardening(ROOT))
    assert suggestion_of(hardening(replace(ROOT, because="another reason"))).digest == first.digest
    assert suggestion_of(hardening(replace(ROOT, folders=()))).digest != first.digest
    assert suggestion_of(hardening(ROOT, policy=False)).digest != first.digest


def test_an_approval_of_another_digest_is_said_to_be_of_another_suggestion():
    made = suggestion_of(hardening(ROOT))
    status = SuggestionStatus(
        "rehearsed",
        rehearsal=LastRehearsal(
            "2026-01-01T00:00:00Z", made.digest, 12, 0, 1, ("connects to 192.0.2.1:443/TCP",)
        ),
        approval=Approval("ann@example.com", "2026-01-01T00:00:00Z", "0" * 12),
    )
    text = suggestion_text(Suggestion(made, status), 100)
    assert "0 would be blocked, 1 not known, 12 pass\n    connects to 192.0.2.1:443/TCP" in text
    assert "approved by ann@example.com 2026-01-01T00:00:00Z; it was 000000000000, another suggestion" in text
    assert "to approve it" not in text


def test_partial_profiles_are_said_to_give_nothing():
    made = suggestion_of(hardening(completion="partial", policy=False))
    assert (made.settings, made.objects) == (None, None)
    text = suggestion_text(Suggestion(made), 60)
    assert "everything: none of its profiles is complete" in " ".join(text.split())
    assert "to approve it" not in text
    assert made.settings is None
    assert made.observed.since == ""
