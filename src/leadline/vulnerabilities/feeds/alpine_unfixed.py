"""What Alpine's tracker of security fixes says is open, one file for each vulnerability.

https://aquasecurity.github.io/secfixes-tracker/all.tar.gz, an export of https://security.alpinelinux.org::

    {"type": "Vulnerability", "id": "CVE-2019-1003051", "state": [{"type": "VulnerabilityState", "fixed": false,
     "repo": "3.14-community", "packageName": "jenkins", "packageVersion": "2.297-r0"}]}

A state without a fix speaks of that version and those before it; what is fixed is said by ``alpine-secdb``. The ranges of ``cpeMatch`` name
no package, and are not used.
"""

from msgspec import Struct

from leadline.model.vulnerability import Advisory, Affected, Cvss, VersionRange
from leadline.packages.file import Unreadable
from leadline.vulnerabilities.ecosystems import orderings
from leadline.vulnerabilities.feed import Document, Facts, feed
from leadline.vulnerabilities.feed_formats.values import (
    LeftOut,
    decode,
    first_sentences,
    identifier,
    name,
    version,
)
from leadline.vulnerabilities.ordering import Unorderable

_LONGEST_VECTOR = 200


class _State(Struct, frozen=True, rename="camel"):
    fixed: bool
    repo: str
    package_name: str
    package_version: str


class _Score(Struct, frozen=True):
    vector: str | None = None


class _Record(Struct, frozen=True):
    id: str
    description: str | None = None
    cvss3: _Score | None = None
    state: list[_State] | None = None


def _is_record(document: Document) -> bool:
    is_one = document.head.lstrip()[:1] == b"{" and b'"Vulnerability"' in document.head
    return is_one and b'"VulnerabilityState"' in document.data


@feed("alpine-unfixed", "Alpine's open vulnerabilities", recognises=_is_record, licence="not stated")
def alpine_unfixed(document: Document) -> Facts:
    record = decode(document.data, _Record, "the record")
    own_id = identifier(record.id.rpartition("/")[2])
    left_out = LeftOut()
    newest: dict[tuple[str, str], tuple[bytes, str]] = {}
    for state in record.state or ():
        if state.fixed:
            continue
        try:
            release = state.repo.removeprefix("v").rpartition("-")[0]
            if not release:
                raise Unreadable("of no branch of Alpine")
            found = version(state.package_version)
            key = release, name(state.package_name)
            newest[key] = max(newest.get(key, (b"", "")), (orderings()["Alpine"].key(found), found))
        except (Unreadable, Unorderable) as error:
            left_out.add(f"{own_id}, {state.package_name[:60]}", Unreadable(str(error)))
    affected = tuple(
        Affected("Alpine", package, release, ranges=(VersionRange(last_affected=last),))
        for (release, package), (_, last) in newest.items()
    )
    if affected:
        vector = (record.cvss3.vector or "") if record.cvss3 else ""
        yield Advisory(
            own_id,
            affected,
            cvss=(Cvss(vector),) if vector.startswith("CVSS:3") and len(vector) <= _LONGEST_VECTOR else (),
            summary=first_sentences(record.description),
        )
    left_out.check()
