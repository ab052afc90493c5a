"""Files in which other scanners keep what they leave out or accept."""

import os
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

OF_OTHERS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys((".trivyignore", ".trivyignore.yaml", ".trivyignore.yml"), "Trivy"),
        **dict.fromkeys((".grype.yaml", ".grype.yml"), "Grype"),
        **dict.fromkeys((".checkov.yaml", ".checkov.yml"), "Checkov"),
        **dict.fromkeys((".kube-linter.yaml", ".kube-linter.yml"), "kube-linter"),
    }
)
"""Names of the files, with the scanner."""
_SCAN_IMAGES = ("Trivy", "Grype")


def left_out_by_others(folders: Iterable[str]) -> Iterator[str]:
    """What such files say of images in one of ``folders`` changes nothing here: a sentence for each, without a full stop."""
    for folder in folders:
        for name, scanner in OF_OTHERS.items():
            path = os.path.join(folder, name)  # noqa: PTH118 - every scan of an image passes here
            if scanner in _SCAN_IMAGES and os.path.isfile(path):  # noqa: PTH113
                yield f"{path}: what {scanner} leaves out counts here; leadline migrate takes it over"
