"""Asks the registries of a target's images who signed them, for the controls that judge by it."""

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from leadline.errors import SourceError, UsageError
from leadline.kube.workload import images_in
from leadline.model.finding import Skip
from leadline.model.signature import ImageTrust
from leadline.model.unread import Unread
from leadline.scans.options import ImageOptions, PostureOptions
from leadline.scans.posture.reading import Reading

CONTROLS = ("C-0236", "C-0237")
"""Those that judge by signatures alone."""
THREADS = 4
_NOT_ASKED = "no registry was asked who signed the images; that takes a policy of who may"


def with_signatures(reading: Reading, options: PostureOptions) -> Reading:
    """``reading`` with what registries say about its images, where a policy was given.

    Raises: ``UsageError`` or ``SourceError`` where the policy cannot be used.
    """
    if not options.trust_policy:
        return reading
    # Keys, registries and threads are for this alone.
    from concurrent.futures import ThreadPoolExecutor

    from leadline.scans.images.verify_images import read_trust_policy, verify_image

    trust = read_trust_policy(options.trust_policy, options.trusted_root)
    image_options = ImageOptions(environ=options.environ, say=options.say)

    def ask(name: str) -> ImageTrust | Unread:
        try:
            # What an object calls an image is never a file of this machine.
            return verify_image(f"registry:{name}", trust, image_options)
        except (SourceError, UsageError) as error:
            return Unread(
                name, f"its signature is not known: {error.args[0]}", "unreachable", hint=error.hint
            )

    names = tuple(
        dict.fromkeys(
            image for one in reading.resources for _, image in images_in(one.api_version, one.kind, one.body)
        )
    )
    with ThreadPoolExecutor(min(THREADS, len(names) or 1)) as pool:
        answers = list(pool.map(ask, names))
    unread = tuple(one for one in answers if isinstance(one, Unread))
    signatures: Mapping[str, str] = {
        name: _state(one) for name, one in zip(names, answers, strict=True) if isinstance(one, ImageTrust)
    }
    return replace(reading, signatures=signatures, unread=(*reading.unread, *unread))


def _state(one: ImageTrust) -> str:
    if one.outcome in ("trusted", "not required"):
        return "trusted"
    return "not trusted" if one.outcome == "no policy" or one.attached else "unsigned"


def signature_skips(reading: Reading, asked: Iterator[str]) -> tuple[Skip, ...]:
    """The controls among ``asked`` that have nothing to judge by."""
    if reading.signatures is not None:
        return ()
    return tuple(Skip(id, _NOT_ASKED, "not read") for id in asked if id in CONTROLS)
