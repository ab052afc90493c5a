"""Who may sign what: a policy in YAML, decoded into values that check themselves.

::

    version: 1
    policies:
      - images: ["registry.example/shop/*"]
        signers:
          - {name: release, key: release.pub}
          - identity: https://github.com/shop/*
            issuer: https://token.actions.githubusercontent.com
        attestations: [slsa, spdx]
      - images: ["registry.example/mirror/*"]
        unsigned: true
"""

import fnmatch
import re
from typing import Any, Literal

import msgspec
from msgspec import Struct

from leadline.foreign_errors import in_words

VERSION = 1
MOST_RULES = 1_000
PREDICATES = {
    "slsa": (
        "https://slsa.dev/provenance/v1",
        "https://slsa.dev/provenance/v0.2",
        "https://slsa.dev/provenance/v0.1",
    ),
    "spdx": ("https://spdx.dev/Document", "https://spdx.dev/Document/v2.3"),
    "cyclonedx": (
        "https://cyclonedx.org/bom",
        "https://cyclonedx.org/bom/v1.4",
        "https://cyclonedx.org/bom/v1.6",
    ),
    "openvex": ("https://openvex.dev/ns", "https://openvex.dev/ns/v0.2.0"),
    "vuln": ("https://cosign.sigstore.dev/attestation/vuln/v1",),
}
"""Short names of what attestations say; anything else is taken for the URI itself."""


class PolicyError(ValueError):
    """The policy cannot be used; the text says where and why."""


class Allowed(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One who may sign: a key, or an identity with its issuer."""

    name: str = ""
    key: str = ""
    """A file with a public key in PEM, beside the policy; or the PEM itself."""
    identity: str = ""
    """A glob over the mail address or URI in the certificate."""
    issuer: str = ""
    """A glob over the OpenID issuer."""


class Rule(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is asked of some images. The first rule that speaks of an image decides."""

    images: list[str]
    """Globs over names as written, or in full: ``docker.io/library/nginx:1.27``."""
    signers: list[Allowed] = []
    """Any one of them is enough."""
    attestations: list[str] = []
    """What has to be attested beside the signature, each by one of the signers: ``slsa``, ``spdx``, ``cyclonedx``, ``openvex``,
    ``vuln``, or the URI of a predicate."""
    unsigned: bool = False
    """Whether nothing is asked of these."""
    sbom: Literal["scanned", "attested"] = "scanned"
    """Whose packages a scan reports: those that it finds, or those that the signers attest."""


class Policy(Struct, frozen=True, forbid_unknown_fields=True):
    policies: list[Rule]
    version: int = VERSION

    def rule_for(self, names: tuple[str, ...]) -> Rule | None:
        """``names``: every way in which the image is written."""
        for rule in self.policies:
            if any(matches(glob, name) for glob in rule.images for name in names):
                return rule
        return None


def read_policy(body: Any) -> Policy:
    """Raises: ``PolicyError``."""
    try:
        policy = msgspec.convert(body, Policy)
    except msgspec.ValidationError as error:
        raise PolicyError(in_words(error)) from error
    if policy.version != VERSION:
        raise PolicyError(f"version {policy.version} is not known, this program reads {VERSION}")
    if len(policy.policies) > MOST_RULES:
        raise PolicyError(f"it has more than {MOST_RULES:,} rules")
    for number, rule in enumerate(policy.policies, 1):
        _check(rule, f"rule {number}")
    return policy


def _check(rule: Rule, where: str) -> None:
    if not rule.images:
        raise PolicyError(f"{where} names no images")
    if rule.unsigned and (rule.signers or rule.attestations):
        raise PolicyError(f"{where} asks for signers and allows images without")
    if not rule.unsigned and not rule.signers:
        raise PolicyError(
            f"{where} names no signer",
        )
    for signer in rule.signers:
        if bool(signer.key) == bool(signer.identity):
            raise PolicyError(f"{where}: a signer has either a key or an identity")
        if signer.identity and not signer.issuer:
            # The same identity of another issuer is another person.
            raise PolicyError(f"{where}: the identity {signer.identity[:200]} needs its issuer")


def predicates_of(name: str) -> tuple[str, ...]:
    return PREDICATES.get(name.lower(), (name,))


def short_name(predicate: str) -> str:
    """``slsa`` for one of its URIs; the URI for what has no short name."""
    return next((name for name, uris in PREDICATES.items() if predicate in uris), predicate)


def matches(glob: str, text: str) -> bool:
    return re.match(fnmatch.translate(glob[:1_000]), text[:4_096]) is not None
