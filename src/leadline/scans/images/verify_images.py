"""Whether images are signed as a policy asks: names and a policy in, what became of each out."""

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from leadline.errors import UsageError
from leadline.model.signature import ImageTrust
from leadline.packages.reference import Reference, read_reference
from leadline.scans.images.open_image import registry_name, registry_options
from leadline.scans.options import ImageOptions
from leadline.signatures.policy import Allowed, Policy, PolicyError, Rule, read_policy
from leadline.signatures.trust import Blob, Keyless, KeylessSigned, Keys, trust_of
from leadline.sources.images.resolve import FileOfImages, file_of_images, refuse_missing_file
from leadline.sources.oci.attached import Attachments
from leadline.sources.regular_file import read_given
from leadline.sources.yaml.parser import Limits, parse_documents

LARGEST_POLICY = 1 << 20
LARGEST_KEY = 1 << 16
_LIMITS = Limits(size_bytes=LARGEST_POLICY, documents=2, nodes=100_000, alias_nodes=1_000, depth=20)


class TrustPolicy(Struct, frozen=True):
    """A policy whose keys are at hand."""

    policy: Policy
    keys: tuple[Keys, ...]
    """In step with its rules."""
    trusted_root: str = ""
    """The file with the CAs and logs that are behind identities; empty for sigstore's public ones."""


def read_trust_policy(path: str, trusted_root: str = "") -> TrustPolicy:
    """The policy in the file at ``path``; files of keys are named from its folder.

    Raises: ``UsageError`` where it cannot be used, ``SourceError`` where it cannot be read.
    """
    documents = parse_documents(read_given(path, LARGEST_POLICY), _LIMITS)
    for document in documents:
        if document.problem is not None:
            raise UsageError(f"{path}:{document.problem.line}: {document.problem.why}")
    if len(documents) != 1:
        raise UsageError(f"{path} holds {len(documents)} documents; a policy is one")
    try:
        policy = read_policy(documents[0].body)
    except PolicyError as error:
        raise UsageError(f"{path}: {error}") from error
    folder = Path(path).parent
    return TrustPolicy(policy, tuple(_keys(rule, folder, path) for rule in policy.policies), trusted_root)


def policy_of_key(path: str) -> TrustPolicy:
    """Every image has to be signed by the key in that file. Raises: as ``read_trust_policy``."""
    rule = Rule(images=["*"], signers=[Allowed(name=path, key=str(Path(path).absolute()))])
    return TrustPolicy(Policy([rule]), (_keys(rule, Path(), path),))


def verify_images(names: Sequence[str], trust: TrustPolicy, options: ImageOptions) -> tuple[ImageTrust, ...]:
    """In the order of ``names``.

    Raises: ``UsageError`` for what is not a name, ``SourceError`` where a registry cannot be asked or a file not be read.
    """
    return tuple(verify_image(name, trust, options) for name in names)


def verify_image(name: str, trust: TrustPolicy, options: ImageOptions) -> ImageTrust:
    """Raises: as ``verify_images``."""
    kept = _where(name)
    digest = kept.digest if isinstance(kept, Reference) else ""
    rule = rule_for(name, trust)
    if rule is None:
        why = "no rule of the policy speaks of it"
        if not digest and isinstance(kept, FileOfImages) and not kept.tag:
            why += "; say which image it is: LAYOUT:registry/repository:tag"
        return ImageTrust(name, digest, "no policy", why)
    if rule.unsigned:
        return ImageTrust(
            name, digest, "not required", "the policy asks for no signature", ", ".join(rule.images)
        )
    found = _attachments(name, kept, options)
    keys = trust.keys[trust.policy.policies.index(rule)]
    judged = trust_of(name, found.digest, rule, found.blobs, (keys, _keyless(trust)))
    is_short = found.gap and judged.outcome == "not trusted"
    return replace(judged, why=f"{judged.why}; {found.gap}") if is_short else judged


def _attachments(name: str, kept: Reference | FileOfImages, options: ImageOptions) -> Attachments:
    if isinstance(kept, FileOfImages):
        from leadline.sources.images.attached import attachments_of_file  # registries do without

        return attachments_of_file(kept)
    from leadline.sources.registry.attached import attachments_of

    options.say(f"asking {kept.registry} for the signatures of {name}")
    return attachments_of(kept, registry_options(options))


def rule_for(name: str, trust: TrustPolicy) -> Rule | None:
    """The rule that speaks of the image; ``None`` for none. Raises: as ``verify_images``.

    What a layout itself calls its image does not count: its author would choose the rule. What the user calls it, behind a
    colon, does.
    """
    kept = _where(name)
    reference = read_reference(kept.tag) if isinstance(kept, FileOfImages) else kept
    names = (reference.full, reference.familiar, reference.name) if reference else ()
    return trust.policy.rule_for(tuple(dict.fromkeys((name.removeprefix("registry:"), *names))))


def _where(name: str) -> Reference | FileOfImages:
    """As ``scan image`` takes names. Raises: ``UsageError``, ``SourceError`` for a file that is not there."""
    file = file_of_images(name)
    if file is not None:
        return file
    refuse_missing_file(name)
    reference = read_reference(registry_name(name))
    if reference is None:
        raise UsageError(
            f"not an image with signatures: {name[:200]}",
            hint="they are kept in registries and OCI layouts: write registry/repository:tag, or the path of a layout",
        )
    return reference


def _keyless(trust: TrustPolicy) -> Keyless:
    def check(blob: Blob) -> KeylessSigned:
        # Sigstore's library takes a while to import, and keys do without.
        from leadline.sources.keyless.check import check_keyless

        return check_keyless(blob, trust.trusted_root)

    return check


def _keys(rule: Rule, folder: Path, path: str) -> Keys:
    from leadline.signatures.keys import read_key

    found = []
    for signer in rule.signers:
        if not signer.key:
            continue
        pem = signer.key.encode()
        if "-----BEGIN" not in signer.key:
            pem = read_given(str(folder / signer.key), LARGEST_KEY)
        try:
            found.append((signer, read_key(pem)))
        except ValueError as error:
            name = signer.name or signer.key.partition("\n")[0][:200]
            where = path if name == path else f"{path}: the key {name}"
            raise UsageError(f"{where}: {error}") from error
    return Keys(tuple(found))
