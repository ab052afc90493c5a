"""The smallest roles for those who look at a cluster."""

from typing import Any

from leadline.errors import UsageError
from leadline.posture.required_kinds import kinds_needed
from leadline.posture.risk.fronts import FRONT_KINDS
from leadline.scans.options import PostureOptions
from leadline.scans.posture.policies import choose_policies
from leadline.sources.cluster.rbac import job_roles, least_role, operator_roles
from leadline.sources.waivers.security_exceptions import KINDS as EXCEPTIONS


def roles_for(
    options: PostureOptions, *, with_secrets: bool, operator_in: str = "", jobs_in: str = ""
) -> tuple[dict[str, Any], ...]:
    """What the chosen controls need to see, as ClusterRoles; what the operator and its jobs need in these namespaces.

    Raises: ``UsageError`` for an unknown name, and for own controls that do not load, since the role would be too small.
    """
    # A scan reads what a cluster keeps of accepted findings as well.
    policies = choose_policies(options)
    for one in policies.unread:
        raise UsageError(f"{one.where} {one.why}")
    kinds = {*kinds_needed(policies.controls), *EXCEPTIONS}
    if operator_in:
        # The operator ranks workloads by what is in front of them.
        kinds |= {*FRONT_KINDS}
    if not with_secrets:
        kinds.discard("Secret")
    roles: tuple[dict[str, Any], ...] = (
        operator_roles(kinds, operator_in) if operator_in else (least_role(kinds),)
    )
    return (*roles, *job_roles(jobs_in)) if jobs_in else roles
