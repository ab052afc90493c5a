"""Both lock files speak of the same versions, and the smaller one is enough for what is installed for use."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_PIN = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)
_NAME = re.compile(r"^[\w.-]+")


def pins(name: str) -> dict[str, str]:
    return dict(_PIN.findall((ROOT / name).read_text("utf-8")))


def test_what_an_installation_takes_has_the_version_that_is_tested():
    run, every = pins("requirements-run.lock"), pins("requirements.lock")
    assert {name: version for name, version in run.items() if every.get(name) != version} == {}


def test_every_dependency_is_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras = project["project"]["optional-dependencies"]
    wanted = [*project["project"]["dependencies"], *extras["render"], *project["build-system"]["requires"]]
    run, every = pins("requirements-run.lock"), pins("requirements.lock")
    assert [one for one in wanted if _NAME.findall(one)[0] not in run] == []
    wanted += [one for extra in extras.values() for one in extra]
    assert [one for one in wanted if _NAME.findall(one)[0].lower() not in every] == []
