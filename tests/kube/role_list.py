"""The roles of a list of objects, looked up without indexes."""

from leadline.kube.rbac import MAX_STEPS, BuiltInRoles, bound, gathered, role_bound_by
from leadline.kube.role_rules import OwnRules, labels_of


class RoleList:
    steps = MAX_STEPS

    def __init__(self, resources):
        roles = [one for one in resources if one.kind in ("Role", "ClusterRole")]
        self._read = {_key(role.kind, role.namespace, role.name): OwnRules(role) for role in roles}
        self._built_in = BuiltInRoles()

    def role(self, key):
        return self._read.get(_key(*key)) or self._built_in.get(key)

    def cluster_roles(self, label):
        read = [rules for (kind, _, _), rules in self._read.items() if kind == "ClusterRole"]
        names = {rules.role.name for rules in read}
        known = [*read, *(r for r in self._built_in.cluster_roles if r.role.name not in names)]
        return [r for r in known if label is None or (label[0], label[1]) in labels_of(r.role).items()]


def _key(kind, namespace, name):
    return kind, "" if kind == "ClusterRole" else namespace or "default", name


def all_bound(resources):
    """Each binding with what it gives."""
    roles = RoleList(resources)
    for binding in (one for one in resources if one.kind.endswith("Binding")):
        key = role_bound_by(binding)
        role = roles.role(key) if key else None
        name = (
            binding.body.get("roleRef", {}).get("name", "")
            if isinstance(binding.body.get("roleRef"), dict)
            else ""
        )
        elsewhere = [one.namespace for one in resources if one.kind == "Role" and one.name == name]
        given = None if role is None else gathered(role, roles)
        yield binding, bound(binding, given, elsewhere[0] if elsewhere else "")


def join_grants(resources):
    return [grant for _, given in all_bound(resources) for grant in given.grants]


def unknown_roles(resources):
    return [(binding, given.unknown) for binding, given in all_bound(resources) if given.unknown]
