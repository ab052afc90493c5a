"""Each alert, as a reader learns of it: from the route, on the pages, and gone once a person has looked into it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode

import msgspec
import pytest
from msgspec.structs import replace
from tests.programs.provider.provider_client_parts import Client
from tests.programs.provider.provider_parts import Chain, Provider, image, measured, report

from leadline.programs.provider.ingest import Refused
from leadline.programs.provider.main import main
from leadline.scans.provider_reading import read_known

USUAL = report(range(40), objects=100, judged=50, unread=2, program="leadline 1.2.0")


def silence(provider: Provider) -> None:
    provider.take(USUAL)
    provider.clock.pass_by(hours=49)


def fork(provider: Provider) -> None:
    chain, copy = Chain(), Chain()
    first = chain.next([1], [])
    provider.take(first)
    chain.sent(first)
    copy.sent(first)
    provider.take(chain.next([2], []))
    with pytest.raises(Refused):
        provider.take(copy.next([3], []))


def mass_gone(provider: Provider) -> None:
    provider.take(USUAL)
    provider.take(replace(USUAL, findings=()))


def older_program(provider: Provider) -> None:
    provider.take(USUAL)
    provider.take(replace(USUAL, measured=replace(USUAL.measured, program="leadline 1.1.9")))


def measuring(**other: int) -> Callable[[Provider], None]:
    def less(provider: Provider) -> None:
        provider.take(USUAL)
        provider.take(
            replace(USUAL, measured=measured(**{"objects": 100, "judged": 50, "unread": 2, **other}))
        )

    return less


def disagreement(provider: Provider) -> None:
    """One cluster's word for a digest is never another's."""
    client = Client(provider)
    for token, source, package in (
        (provider.other_token, "other", "maven log4j-core 2.14.1"),
        (provider.token, "shop", "deb zlib1g 1.3"),
    ):
        assert client.post(image(1, package), token, f"/v1/sources/{source}/images")[0] == 200
    found = client("GET", "/v1/packages?name=log4j-core", provider.reader)[1]["items"]
    assert [(one["source"], one["isDisputed"]) for one in found] == [("other", True)]


def key_reused(provider: Provider) -> None:
    key = "6a3f7f0e-2d0b-4a3d-9a43-0d1a4a2e9c11"
    provider.take(USUAL, key)
    with pytest.raises(Refused):
        provider.take(report([1]), key)


def other_scope(provider: Provider) -> None:
    provider.take(replace(USUAL, measured=replace(USUAL.measured, scope="deploy")))
    with pytest.raises(Refused):
        provider.take(replace(USUAL, measured=replace(USUAL.measured, scope="elsewhere")))


@pytest.mark.parametrize(
    ("kind", "happen"),
    [
        ("silence", silence),
        ("fork", fork),
        ("mass-gone", mass_gone),
        ("other-program", older_program),
        ("fewer-objects", measuring(objects=70)),
        ("fewer-controls", measuring(judged=30)),
        ("more-unread", measuring(unread=9)),
        ("disagreement", disagreement),
        ("key-reused", key_reused),
        ("other-scope", other_scope),
    ],
)
def test_an_alert_reaches_readers_until_a_person_has_looked_into_it(
    tmp_path: Path, kind: str, happen: Callable[[Provider], None]
):
    provider = Provider(tmp_path / "provider", every=86_400)
    happen(provider)
    client = Client(provider)
    told = client("GET", "/v1/alerts", provider.reader)[1]["items"]
    mine = [one for one in told if one["source"] == "shop"]
    assert [one["kind"] for one in mine] == [kind]
    assert len(mine[0]["text"]) > 20
    assert shown(provider) == {"cluster shop"}
    assert main(["settle", "shop", "--data", str(provider.folder)]) == 0
    left = client("GET", "/v1/alerts", provider.reader)[1]["items"]
    assert [one["kind"] for one in left if one["source"] == "shop"] == ([kind] if kind == "silence" else [])
    provider.close()


def shown(provider: Provider) -> set[str]:
    """Parts that the Health page calls not good, besides those that never reported."""
    client = Client(provider)

    def ask(path: str, query: Mapping[str, str]) -> bytes:

        return msgspec.json.encode(client("GET", f"{path}?{urlencode(query)}", provider.reader)[1])

    now = datetime.fromisoformat("2027-01-31T10:00:00+00:00")
    components = read_known(ask, "p.example", now, "x").components
    return {one.name for one in components if not one.is_good and "yet" not in one.state}


def test_what_goes_with_its_objects_is_no_mass_of_gone_findings(tmp_path: Path):
    provider = Provider(tmp_path / "provider")
    provider.take(USUAL)
    provider.take(
        replace(USUAL, findings=USUAL.findings[:15], measured=measured(objects=37, judged=50, unread=2))
    )
    # Fewer objects are said as such.
    assert provider.alerts() == {"fewer-objects"}
    provider.close()
