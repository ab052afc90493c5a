"""What became of the signatures of images, for a person and as JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

from leadline.model.signature import Attached, ImageTrust
from leadline.outputs.text.plain import count, plain, wrapped
from leadline.signatures.policy import short_name

_MOST = 20


def trust_lines(images: Sequence[ImageTrust], width: int, *, verbose: bool) -> Iterator[str]:
    """What is not trusted first."""
    for one in sorted(images, key=lambda image: (is_fine(image), image.name)):
        digest = one.digest.partition(":")[2]
        short = f"@sha256:{digest[:12]}…" if digest and "@" not in one.name else ""
        yield f"{plain(one.name, 4096)}{short}"
        yield from (f"  {line}" for line in wrapped(f"{one.outcome}: {plain(one.why, 1000)}", width - 2))
        for attached in one.attached[:_MOST] if verbose or one.outcome == "not trusted" else ():
            yield from (f"    {line}" for line in wrapped(_attached(attached), width - 4))
        if len(one.attached) > _MOST and (verbose or one.outcome == "not trusted"):
            yield f"    and {len(one.attached) - _MOST:,} more"
        yield ""
    trusted = sum(map(is_fine, images))
    yield f"{count(len(images), 'image')}: {trusted:,} as the policy asks, {len(images) - trusted:,} not"


def is_fine(image: ImageTrust) -> bool:
    return image.outcome in ("trusted", "not required")


def _attached(one: Attached) -> str:
    what = f"attestation {short_name(plain(one.predicate))}" if one.predicate else one.kind
    by = f"by {plain(one.signer.name, 1000)}" if one.signer else f"does not count: {plain(one.why, 1000)}"
    at = f", logged {one.signed_at}" if one.signed_at else ""
    return f"{what} ({plain(one.where)}) {by}{at}"


def trust_json(images: Sequence[ImageTrust]) -> dict[str, Any]:
    return {"version": 1, "images": [_image(one) for one in images]}


def _image(one: ImageTrust) -> dict[str, Any]:
    return {
        "name": one.name,
        "digest": one.digest,
        "outcome": one.outcome,
        "why": one.why,
        "rule": one.rule,
        "attached": [
            {
                "kind": part.kind,
                "where": part.where,
                "predicateType": part.predicate,
                "signer": part.signer
                and {"kind": part.signer.kind, "name": part.signer.name, "issuer": part.signer.issuer},
                "why": part.why,
                "signedAt": part.signed_at,
            }
            for part in one.attached
        ],
    }
