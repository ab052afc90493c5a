"""What is wrong with Dockerfiles. Which instruction has what is found by the rules for images, and is part of the object."""

from typing import Unpack

from leadline.model.control import BuiltControl
from leadline.posture.control import (
    NotJudged,
    Resource,
    Review,
    Said,
    Violations,
    control,
    mapping,
    mappings,
    row,
    text,
)
from leadline.posture.fact_kinds import DOCKERFILE

_PAGE = "https://docs.docker.com/build/building/best-practices/"
_CONTENTS = "what the base image and copied files hold; ``leadline scan image`` reads the image itself."


def _dockerfile_control(
    id: str,
    title: str,
    rule: str,
    doc: str,
    *,
    example: str,
    cannot_see: str = _CONTENTS,
    see: str = _PAGE,
    **said: Unpack[Said],
) -> BuiltControl:
    """A control that finds what the rules for images call ``rule``. ``example`` is a Dockerfile that fails."""

    def check(file: Resource) -> Violations:
        for instruction, places in file.body.items():
            if instruction.isupper():
                for number, one in mappings(places):
                    if rule in one:
                        yield Review(f"{instruction}[{number}]", advice=text(one[rule]), about=rule)
        if why := text(mapping(file.body.get("unknown")).get(rule)):
            raise NotJudged(why)

    made = control(id, title, category="Image build", kinds=(DOCKERFILE,), **said)(check)
    return row(made, doc, example, see, cannot_see)


root_image = _dockerfile_control(
    "L-0106",
    "Image built to run as root",
    "rootUser",
    """The image that a Dockerfile builds runs as root.

A process that is broken into owns everything in its container, and is root towards the kernel as well. Only the last stage
counts, with the stages that it builds on.

Fix: end the last stage with ``USER`` and a number other than 0, which Kubernetes can verify by ``runAsNonRoot``.""",
    problem="Image runs as root",
    consequence="node escape",
    score=5.0,
    example='FROM alpine:3.22\nCOPY app /app\nCMD ["/app"]',
    cannot_see="which user a base image sets, unless its name says that it is not root; who a name is in ``/etc/passwd``.",
    see="https://docs.docker.com/reference/dockerfile/#user",
)

credential_in_dockerfile = _dockerfile_control(
    "L-0107",
    "Credential in a Dockerfile",
    "toRevoke",
    """A Dockerfile holds a credential, or takes one as a build argument.

It is in the repository, in the history of the image, which ``docker history`` prints, and in every copy of both. That a later
instruction deletes a file or an earlier stage is left out changes nothing about the file in the repository.

Fix: revoke the credential, and hand the next one to the build as a secret: ``RUN --mount=type=secret,id=token``.""",
    problem="Credential in a Dockerfile",
    consequence="secrets",
    score=8.0,
    example="FROM alpine:3.22\nENV API_TOKEN=5f2c9e1b7a",
    see="https://docs.docker.com/build/building/secrets/",
)
base_image_without_version = _dockerfile_control(
    "L-0108",
    "Base image without a version",
    "floatingBase",
    """A stage builds on ``latest``, or on an image without a tag.

Two builds of one commit make two images: the base becomes another on a day that its owner chooses.

Fix: name a version, best with its digest: ``FROM alpine:3.22@sha256:…``.""",
    problem="Base image without a version",
    score=4.0,
    example="FROM alpine\nUSER 1000",
    cannot_see="that a tag such as ``stable`` moves as well.",
)
base_image_without_digest = _dockerfile_control(
    "L-0109",
    "Base image not pinned to a digest",
    "baseWithoutDigest",
    """A stage builds on an image by a tag, which its owner can move.

What was tested is not sure to be what is built on: a tag can be pushed again by its owner, or by anyone who broke into the
registry. Only the digest names the bytes.

Fix: append the digest, ``FROM alpine:3.22@sha256:…``, and let a bot propose the next one.""",
    problem="Base image not pinned to a digest",
    score=2.0,
    example="FROM alpine:3.22\nUSER 1000",
    cannot_see="proxies that hold tags in place.",
)
remote_file_added = _dockerfile_control(
    "L-0110",
    "Remote file added without a checksum",
    "remoteAdd",
    """``ADD`` fetches from an address, and nothing checks what comes.

Who holds the server, the name or the way there on the day of the build decides what is in the image.

Fix: give ``ADD --checksum=sha256:…``; of a repository, name the commit behind ``#``.""",
    problem="Remote file added without a checksum",
    score=5.0,
    example="FROM alpine:3.22\nADD https://example.com/tool.tar.gz /opt/",
    cannot_see="what ``RUN`` fetches with ``curl`` or ``wget``, and whether it is checked there.",
    see="https://docs.docker.com/reference/dockerfile/#add---checksum",
)
package_cache_left = _dockerfile_control(
    "L-0111",
    "Package cache left in the image",
    "packageCache",
    """What a package manager fetched stays in the image.

The lists and archives make every copy of the image larger, and let who breaks in install programs at once. To delete them in a
later instruction does not help: they stay in the layer below. Stages that are not part of the image are not judged.

Fix: delete them in the same ``RUN``, or mount the cache: ``RUN --mount=type=cache,target=/var/lib/apt``.""",
    problem="Package cache left in the image",
    score=1.0,
    example="FROM debian:13\nRUN apt-get update && apt-get install -y curl",
    cannot_see="scripts that ``RUN`` starts, and package managers other than apt, apk, dnf, zypper and pip.",
)
remote_control_exposed = _dockerfile_control(
    "L-0112",
    "Image exposes a port for remote control",
    "remoteControlPort",
    """``EXPOSE`` names a port by which a program or a machine is steered: SSH, a debugger, Docker.

An attacker who reaches it needs one weak password, or none. ``kubectl exec`` and ``kubectl port-forward`` reach a container with the
rights of who asks, and leave a trace.

Fix: take the server out of the image, and the ``EXPOSE`` with it.""",
    problem="Port for remote control exposed",
    consequence="reachable from outside",
    score=2.0,
    example="FROM debian:13\nEXPOSE 22",
    cannot_see="ports on which a program listens without ``EXPOSE``.",
    see="https://docs.docker.com/reference/dockerfile/#expose",
)
