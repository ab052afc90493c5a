"""What was found before: the life of each finding of an object, and what each day ended with in a namespace."""

from typing import Annotated

from msgspec import UNSET

from leadline.api.kind import MIB, Body, Column, at, named_at, our_kind
from leadline.api.kinds.configuration import JudgedObject, SeverityCounts
from leadline.api.wire_type import UNDESCRIBED, List, Maybe, Wire, about


class FindingChange(Wire, frozen=True, omit_defaults=True, gc=False):
    """From this moment on the finding was in another state."""

    at: Annotated[str, about("When it was noticed.")] = ""
    state: Annotated[str, about("failed, accepted, passed, not judged, or gone with its object.")] = ""
    by: Annotated[Maybe[str], about("rules or database where these changed and not the cluster.")] = UNSET
    until: Annotated[Maybe[str], about("When what accepts it ends.")] = UNSET


class FindingLife(Wire, frozen=True, omit_defaults=True, gc=False):
    """What became of one finding, the oldest change first."""

    severity: str = ""
    changes: List[FindingChange] = None
    dropped: Annotated[Maybe[int], about("Changes between the first and the others that are not kept.")] = (
        UNSET
    )


class ObjectHistory(Wire, frozen=True):
    """What was ever found of one object, as long as it is kept."""

    object: Annotated[JudgedObject, UNDESCRIBED] = JudgedObject()
    findings: Annotated[
        dict[str, FindingLife],
        about("By the id of the control; of a container's image by that of the vulnerability."),
    ] = {}
    gone_at: Annotated[Maybe[str], about("When the object was found to be gone.")] = UNSET
    container: Annotated[Maybe[str], about("Whose image it is about.")] = UNSET
    digest: Annotated[Maybe[str], about("Of the image that was looked at last.")] = UNSET
    database: Annotated[Maybe[str], about("When the database was built that it was matched with last.")] = (
        UNSET
    )
    left_out: Annotated[Maybe[int], about("Vulnerabilities beyond the number that is kept.")] = UNSET


class FindingHistory(Wire, frozen=True):
    spec: ObjectHistory = ObjectHistory()


class DayCounts(Wire, frozen=True, omit_defaults=True):
    """How one day ended, as far as it was looked at."""

    day: str = ""
    at: Annotated[str, about("When it was counted.")] = ""
    objects: Annotated[int, about("Objects that at least one control judged.")] = 0
    failed: Annotated[SeverityCounts, about("Failed pairs of control and object, by severity.")] = (
        SeverityCounts()
    )
    accepted: int = 0
    score: Annotated[Maybe[float], about("Compliance over all controls, in per cent.")] = UNSET
    unread: Annotated[Maybe[int], about("What could not be read; of the cluster as a whole.")] = UNSET
    vulnerabilities: Annotated[
        Maybe[dict[str, int]], about("Of the images of all containers; left out where none was matched.")
    ] = UNSET
    exploited: Maybe[int] = UNSET
    rules: Annotated[str, about("Version of the rules, and a digest of their settings.")] = ""
    database: Annotated[Maybe[str], about("When the vulnerability database was built.")] = UNSET


class MonthOfDays(Wire, frozen=True):
    """What each day of one month ended with, in one namespace or in the cluster as a whole."""

    namespace: Annotated[str, about("Empty for the cluster as a whole.")] = ""
    days: Annotated[List[DayCounts], about("Days without a look are left out.")] = None


class NamespaceHistory(Wire, frozen=True):
    spec: MonthOfDays = MonthOfDays()


def _last_states(body: Body) -> list[Body]:
    lives = at(body, "spec", "findings")
    rows = [at(one, "changes") for one in lives.values()] if isinstance(lives, dict) else []
    return [row[-1] for row in rows if isinstance(row, list) and row and isinstance(row[-1], dict)]


def _failing(body: Body) -> int:
    return sum(one.get("state") == "failed" for one in _last_states(body))


def _changed(body: Body) -> str | None:
    return max((str(one.get("at") or "") for one in _last_states(body)), default=None)


def _last_day(body: Body) -> Body:
    days = at(body, "spec", "days")
    return days[-1] if isinstance(days, list) and days and isinstance(days[-1], dict) else {}


FINDING_HISTORIES = our_kind(
    FindingHistory,
    "findinghistories",
    (
        Column("Object", "string", named_at("spec", "object"), "the object"),
        Column("Failing", "integer", _failing, "controls that it fails now"),
        Column("Changed", "date", _changed, "how long ago a finding changed"),
        Column("Gone", "string", "spec.goneAt", "when the object was found to be gone"),
    ),
    max_bytes=2 * MIB,
    short_names=("fhist",),
)
NAMESPACE_HISTORIES = our_kind(
    NamespaceHistory,
    "namespacehistories",
    (
        Column("Days", "integer", "spec.days", "days that were looked at"),
        Column(
            "Critical", "integer", lambda body: at(_last_day(body), "failed", "critical") or 0, "on the last"
        ),
        Column("High", "integer", lambda body: at(_last_day(body), "failed", "high") or 0, "on the last"),
        Column("Score", "number", lambda body: _last_day(body).get("score"), "compliance on the last"),
        Column("Rules", "string", lambda body: _last_day(body).get("rules"), "by which rules", 1),
    ),
    short_names=("nhist",),
)
