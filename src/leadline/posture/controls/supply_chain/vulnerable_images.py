"""Vulnerabilities of images, and who reaches them."""

from collections.abc import Callable

from leadline.posture import control_examples as examples
from leadline.posture.checks.exposure import ROUTE_KINDS, is_exposed
from leadline.posture.checks.image_results import SUMMARY, ImageResult, image_results
from leadline.posture.control import Inventory, NotJudged, Review, Violations, Workload, control


@control(
    "C-0083",
    "Workloads with Critical vulnerabilities exposed to external traffic",
    problem="Critical vulnerability exposed",
    consequence="reachable from outside",
    score=9.0,
    reference_score=8.0,
    category="Workload",
    reads=("Service", "Ingress.networking.k8s.io", *ROUTE_KINDS, SUMMARY),
    example=examples.vulnerable(examples.service("type: LoadBalancer, selector: {app: web}")),
    see="https://kubernetes.io/docs/concepts/security/",
)
def exposed_critical_vulnerability(workload: Workload, inventory: Inventory) -> Violations:
    """A workload that can be reached from outside has a critical vulnerability.

    Attackers try known vulnerabilities within hours of their publication, wherever a port answers.

    Fix: update the image, or close the way in until you can.

    Cannot see: images that no scan has stored a result of; whether the vulnerable code can be reached through the open port.
    """
    if is_exposed(workload, inventory):
        yield from images_in_which(workload, inventory, lambda result: bool(result.critical))


@control(
    "C-0084",
    "Workloads with RCE vulnerabilities exposed to external traffic",
    problem="Remote code execution exposed",
    consequence="reachable from outside",
    score=9.0,
    reference_score=8.0,
    category="Workload",
    reads=("Service", "Ingress.networking.k8s.io", *ROUTE_KINDS, SUMMARY),
    example=examples.vulnerable(
        examples.service("type: LoadBalancer, selector: {app: web}"),
        annotations='{leadline.dev/vulnerabilities: \'{"remoteCodeIds": ["CVE-2021-44228"]}\'}',
    ),
    see="https://kubernetes.io/docs/concepts/security/",
)
def exposed_remote_execution(workload: Workload, inventory: Inventory) -> Violations:
    """A workload that can be reached from outside has a vulnerability by which others run code in it.

    Such a vulnerability needs no account and no second step: one request, and the attacker is in the container.

    Fix: update the image, or close the way in until you can.

    Cannot see: images that no scan has stored a result of; vulnerabilities whose publisher does not say that they run code.
    """
    if is_exposed(workload, inventory):
        yield from images_in_which(workload, inventory, lambda result: bool(result.remote_code))


@control(
    "C-0085",
    "Workloads with excessive amount of vulnerabilities",
    problem="Too many severe vulnerabilities",
    score=5.0,
    reference_score=6.0,
    category="Workload",
    reads=(SUMMARY,),
    example=examples.vulnerable(critical=6),
    see="https://kubernetes.io/docs/concepts/security/",
)
def too_many_vulnerabilities(
    workload: Workload,
    inventory: Inventory,
    *,
    max_critical_vulnerabilities: tuple[str, ...] = ("5",),
    max_high_vulnerabilities: tuple[str, ...] = ("10",),
) -> Violations:
    """An image has more critical or high vulnerabilities than your rules allow.

    Where there are many, patches are not followed, and what is known to be exploitable is among them sooner or later.

    Fix: build the image again on an updated base, and leave out packages that the program does not use.

    Cannot see: images that no scan has stored a result of.
    """
    most_critical = _number(max_critical_vulnerabilities, "max_critical_vulnerabilities")
    most_high = _number(max_high_vulnerabilities, "max_high_vulnerabilities")
    yield from images_in_which(
        workload, inventory, lambda result: result.critical > most_critical or result.high > most_high
    )


def images_in_which(
    workload: Workload, inventory: Inventory, is_too_much: Callable[[ImageResult], bool]
) -> Violations:
    results, missing = image_results(workload, inventory)
    for result in filter(is_too_much, results):
        inventory.rest_on(result.summary)
        yield Review(f"{result.container.place}image")
    if missing:
        raise NotJudged(missing)


def _number(setting: tuple[str, ...], name: str) -> int:
    written = setting[0].strip() if setting else ""
    if not (written.isascii() and written.isdigit() and len(written) < 10):
        raise NotJudged(f"the setting {name} must be one whole number")
    return int(written)
