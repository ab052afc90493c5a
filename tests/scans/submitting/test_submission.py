"""What of a report is sent, where more could not be read than can be named."""

from msgspec.structs import replace

from leadline.model.unread import AccessRule, Unread
from leadline.outputs.rows.no_places import NoPlaces
from leadline.scans.submitting import submission
from leadline.scans.submitting.submission import whole_report
from outputs.sample_report import REPORT

AT = "2027-01-31T10:00:00Z"


def unread(count: int, rule: AccessRule | None = None) -> tuple[Unread, ...]:
    return tuple(Unread(f"deploy/{number}.yaml", "why", "forbidden", rule=rule) for number in range(count))


def test_nothing_is_gone_where_more_was_passed_over_than_is_named(monkeypatch):
    monkeypatch.setattr(submission, "MOST_NAMES", 3)
    few = whole_report(replace(REPORT, unread=unread(3), left_out=unread(2)), NoPlaces(), AT)
    assert (len(few.unread), len(few.left_out)) == (3, 2)
    many = whole_report(replace(REPORT, unread=unread(4), left_out=unread(1_000)), NoPlaces(), AT)
    assert (many.unread, many.left_out) == ((".",), (".",))
    assert many.measured.coverage.unread == 4
    unlisted = whole_report(replace(REPORT, unread=unread(4, AccessRule("pods"))), NoPlaces(), AT)
    assert unlisted.unread == (".",)


def test_scopes_are_the_same_wherever_a_repository_is_checked_out():
    def scope(name: str, narrowed: str = "") -> str:
        one = REPORT
        shown = replace(one, target=replace(one.target, kind="directory", name=name))
        return whole_report(shown, NoPlaces(), AT, narrowed).measured.scope

    assert scope("/builds/17/deploy") == scope("/home/me/deploy/") == scope("deploy")
    assert scope("deploy", "namespaces shop") != scope("deploy")
    assert scope("a b") != scope("a")
    assert len(scope("x" * 400)) <= 300
    assert scope("x" * 400) != scope("x" * 401)
