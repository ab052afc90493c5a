"""Questions as a person writes them: ``get secrets``, ``create pods/exec``, ``get /metrics``, ``shop/ServiceAccount/api``."""

from collections.abc import Sequence

from leadline.errors import UsageError
from leadline.kube.access_question import AccessQuestion, user_or_group
from leadline.model.access import Subject
from leadline.outputs.text.plain import count, plain
from leadline.posture.subject import mapping, text
from leadline.scans.access.target import AccessTarget
from leadline.sources.cluster.discovery import resolve_kind

_ONLY_ASKED_ABOUT = {
    "users": "",
    "groups": "",
    "uids": "authentication.k8s.io",
    "userextras": "authentication.k8s.io",
    "signers": "certificates.k8s.io",
}
"""Resources of rules that are not objects, and their groups: they have no namespace.

Source: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#request-verb-special
"""
_OF_COLLECTIONS = ("list", "watch", "create", "deletecollection")
_KINDS = {"user": "User", "group": "Group", "serviceaccount": "ServiceAccount", "sa": "ServiceAccount"}
_NAMED = 5
_HOW = "write NAMESPACE/ServiceAccount/NAME, User/NAME or Group/NAME"


def question_of(target: AccessTarget, verb: str, word: str, name: str | None = None) -> AccessQuestion:
    """What ``who-can VERB KIND`` asks, wherever it may hold.

    Raises: ``UsageError`` for a kind that is not known.
    """
    verb = verb.strip().lower()
    if not verb or (word.endswith("/") and not word.startswith("/")):
        raise UsageError(
            "a verb and a kind are asked about", hint="for example: get secrets, create pods/exec"
        )
    if word.startswith("/"):
        return AccessQuestion(verb, path=word)
    base, slash, subresource = word.partition("/")
    plural, group, is_namespaced = _resource(target, base)
    namespace = None if is_namespaced or verb == "bind" else ""
    if (plural, group) == ("namespaces", "") and verb not in _OF_COLLECTIONS:
        namespace = name  # a request for one namespace is asked for within it
    return AccessQuestion(verb, f"{plural}{slash}{subresource}", group, namespace, name)


def _resource(target: AccessTarget, word: str) -> tuple[str, str, bool]:
    """Plural, group, and whether it has a namespace."""
    if word == "*":
        return "*", "*", True
    if word in _ONLY_ASKED_ABOUT:
        return word, _ONLY_ASKED_ABOUT[word], False
    if kind := resolve_kind(target.served, word):
        return kind.plural, kind.group, kind.is_namespaced
    for world in target.worlds:
        for definition in world.inventory.of("CustomResourceDefinition.apiextensions.k8s.io"):
            spec = mapping(definition.body.get("spec"))
            names = mapping(spec.get("names"))
            plural, called, group = (
                text(names.get("plural")),
                text(names.get("kind")).lower(),
                text(spec.get("group")),
            )
            if word.lower() in (plural, f"{plural}.{group}", called, f"{called}.{group}"):
                return plural, group, spec.get("scope") != "Cluster"
    plural, _, group = word.partition(".")
    if group:
        return plural, group, True
    raise UsageError(
        f"unknown kind {plain(word)}", hint="write a kind that Kubernetes has, or PLURAL.GROUP as in rules"
    )


def subject_of(target: AccessTarget, word: str) -> Subject:
    """Whom ``access of SUBJECT`` asks about: ``NAMESPACE/ServiceAccount/NAME``, ``NAMESPACE/NAME``, ``User/NAME``,
    ``Group/NAME``, ``system:serviceaccount:NAMESPACE:NAME``, or a name that a binding has once.

    Raises: ``UsageError`` for one that is not clear.
    """
    parts = word.split("/")
    kinds = [_KINDS.get(part.lower(), "") for part in parts]
    found = Subject("", "", word.strip("/"))
    if len(parts) == 3 and "ServiceAccount" in kinds[:2]:
        found = Subject("ServiceAccount", parts[1 - kinds.index("ServiceAccount")], parts[2])
    elif len(parts) > 1 and kinds[0] in ("User", "Group"):
        found = user_or_group(kinds[0], word.partition("/")[2])
    if not found.name or (found.kind == "ServiceAccount" and not found.namespace):
        raise UsageError(f"a name is missing in {plain(word) or 'the subject'}", hint=_HOW)
    if found.kind:
        return found
    known = {subject for world in target.worlds for subject in world.by_subject}
    if kinds[0] == "ServiceAccount" and len(parts) == 2:
        # Its namespace is left out, as kubectl names an account of the current one.
        return _the_one(
            word, sorted(one for one in known if (one.kind, one.name) == ("ServiceAccount", parts[1]))
        )
    if (exact := user_or_group("User", word)).kind == "ServiceAccount" or exact in known:
        return exact
    fits = sorted(one for one in known if one.name == word)
    if len(parts) == 2 and not fits:
        return Subject("ServiceAccount", parts[0], parts[1])
    return _the_one(word, fits)


def _the_one(word: str, fits: Sequence[Subject]) -> Subject:
    """Raises: ``UsageError`` for none and for several."""
    if len(fits) == 1:
        return fits[0]
    if fits:
        more = f" and {count(len(fits) - _NAMED, 'other')}" if len(fits) > _NAMED else ""
        named = ", ".join(plain(one.title) for one in fits[:_NAMED])
        raise UsageError(f"{plain(word)} may be {named}{more}", hint="write one of these")
    raise UsageError(f"no binding names {plain(word)}", hint=_HOW)
