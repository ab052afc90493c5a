"""The upgrades that remove most: each one step for a person, the one that helps most first.

Packages that a distribution builds of one source are upgraded together, so they are one step; a language package is
one for each version of it. To the highest of the versions that its vulnerabilities ask for, so that one step is enough.
"""

from collections.abc import Collection, Sequence

from msgspec import Struct

from leadline.model.image_report import ImageReport
from leadline.model.package import DISTRIBUTION_TYPES, Package, Sbom
from leadline.model.vulnerability import RATINGS, Match
from leadline.vulnerabilities.ecosystems import CPE, ecosystem_of, normal_name, orderings
from leadline.vulnerabilities.ordering import Unorderable

_DISTRIBUTION_ORDER = {"apk": "Alpine", "deb": "Debian", "rpm": "Red Hat"}
_COMMANDS = {
    "apk": "apk add --upgrade {}",
    "deb": "apt-get install --only-upgrade {}",
    "rpm": "dnf upgrade {}",
}


class Upgrade(Struct, frozen=True):
    """One step and what it removes."""

    type: str
    """The package type: who upgrades it."""
    name: str
    """Of the source package in a distribution."""
    version: str
    """The installed one."""
    to: str
    packages: tuple[str, ...]
    """Names of the installed packages that change."""
    removes: tuple[Match, ...]
    """The most urgent first."""
    is_in_base: bool = False
    """All of it is in the lowest layer: a newer base image may bring it."""

    @property
    def command(self) -> str:
        """What does it in the image; empty where a file of the project has to change."""
        form = _COMMANDS.get(self.type, "")
        return form.format(" ".join(self.packages)) if form else ""


def upgrades(matches: Sequence[Match], sbom: Sbom) -> tuple[Upgrade, ...]:
    """Every step that removes anything. ``matches`` the most urgent first, as ``match`` gives them."""
    steps: dict[tuple[str, str, str], list[Match]] = {}
    for match in matches:
        if match.fixed_in:
            steps.setdefault(_step(match.package), []).append(match)
    made = [_upgrade(key, members, sbom) for key, members in steps.items()]
    return tuple(sorted(made, key=_weight))


class ManagerPlan(Struct, frozen=True):
    """All upgrades that one package manager, or a newer base image, makes."""

    manager: str
    """The package type; ``base image`` for what is all in the lowest layer."""
    packages: tuple[str, ...]
    """Names of the packages that change."""
    removes: int
    """Vulnerabilities, each once for every package that has it."""
    command: str = ""


def upgrade_plan(matches: Sequence[Match], sbom: Sbom) -> tuple[ManagerPlan, ...]:
    """The smallest set of steps that removes all that has a fix: one for each package manager, most first.

    What a newer base image may remove is beside it, as the last: it is in the others as well.
    """
    steps = upgrades(matches, sbom)
    plans = []
    for type in dict.fromkeys(step.type for step in steps):
        own = [step for step in steps if step.type == type]
        names = _names(own)
        form = _COMMANDS.get(type, "")
        removes = sum(len(step.removes) for step in own)
        plans.append(ManagerPlan(type, names, removes, form.format(" ".join(names)) if form else ""))
    plans.sort(key=lambda plan: (-plan.removes, plan.manager))
    base = [step for step in steps if step.is_in_base]
    if base:
        plans.append(ManagerPlan("base image", _names(base), sum(len(step.removes) for step in base)))
    return tuple(plans)


def _names(steps: Sequence[Upgrade]) -> tuple[str, ...]:
    return tuple(sorted({name for step in steps for name in step.packages}))


class SharedUpgrade(Struct, frozen=True):
    """One step that several images need."""

    type: str
    name: str
    to: str
    removes: tuple[Match, ...]
    """Of all images together, so that one problem counts for each."""
    images: int


def shared_upgrades(reports: Sequence[ImageReport]) -> tuple[SharedUpgrade, ...]:
    """The steps of all images, those of one package to one version together; the one that removes most first."""
    steps: dict[tuple[str, str, str], dict[int, list[Upgrade]]] = {}
    for number, report in enumerate(reports):
        for step in upgrades(report.vulnerabilities, report.sbom):
            name = normal_name(ecosystem_of(step.removes[0].package), step.name)
            steps.setdefault((step.type, name, step.to), {}).setdefault(number, []).append(step)
    made = [
        SharedUpgrade(
            type, members[0].name, to, tuple(match for step in members for match in step.removes), len(images)
        )
        for (type, _, to), images in steps.items()
        for members in [[step for steps in images.values() for step in steps]]
    ]
    return tuple(sorted(made, key=lambda step: (*_gain(step.removes), step.type, step.name, step.to)))


def _step(package: Package) -> tuple[str, str, str]:
    if package.type in DISTRIBUTION_TYPES:
        return package.type, package.source or package.name, package.source_version or package.version
    joint = ":" if package.type == "maven" else "/"
    name = f"{package.namespace}{joint}{package.name}" if package.namespace else package.name
    return package.type, name, package.version


def _upgrade(key: tuple[str, str, str], members: Sequence[Match], sbom: Sbom) -> Upgrade:
    type, name, version = key
    base = sbom.image.layers[0] if len(sbom.image.layers) > 1 else ""
    return Upgrade(
        type,
        name,
        version,
        highest_fix(members),
        tuple(sorted({match.package.name for match in members})),
        tuple(members),
        bool(base) and all(match.package.layer == base for match in members),
    )


def highest_fix(members: Sequence[Match]) -> str:
    """The lowest version that fixes all of them, which are of one package and have each a fix."""
    package = members[0].package
    ecosystem = _DISTRIBUTION_ORDER.get(package.type) or ecosystem_of(package) or CPE
    ordering = orderings().get(ecosystem) or orderings()[CPE]

    def place(version: str) -> bytes:
        try:
            return ordering.key(version)
        except Unorderable:
            return b""

    return max(sorted({match.fixed_in[0] for match in members}), key=place)


def _weight(step: Upgrade) -> tuple[object, ...]:
    problems = {match.id: match for match in step.removes}.values()
    # One step for more packages comes first of those that are about as many problems.
    return (*_gain(problems), -len(step.removes), step.type, step.name, step.version)


def _gain(problems: Collection[Match]) -> tuple[int, ...]:
    """Sorts what removes most first: exploited ones weigh most, then severity, then number."""
    exploited = sum(1 for match in problems if match.exploited)
    return (-exploited, *(-sum(1 for match in problems if match.severity == rating) for rating in RATINGS))
