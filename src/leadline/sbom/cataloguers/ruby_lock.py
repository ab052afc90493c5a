"""Ruby gems that a project pins: ``Gemfile.lock`` (https://bundler.io/guides/gemfile.html)."""

import re

from leadline.model.package import Package
from leadline.packages.file import File, Unreadable
from leadline.packages.late_pattern import late_pattern
from leadline.sbom.cataloguer import Packages, cataloguer

FILE_BYTES = 16 << 20

_GEM = late_pattern(r"^    (?P<name>[\w.-]+) \((?P<version>[^()\s-]+)(?:-(?P<platform>[^()\s]+))?\)", re.M)

_SECTION = late_pattern(r"^(?:GEM|GIT|PATH|PLUGIN SOURCE|PLATFORMS|DEPENDENCIES)$", re.M)


@cataloguer("ruby-lock", names=("Gemfile.lock", "gems.locked"), lock=True)
def ruby_lock(lock: File) -> Packages:
    """A gem built for one platform, ``nokogiri (1.16.2-x86_64-linux)``, has it as a qualifier."""
    if len(lock.data) > FILE_BYTES:
        raise Unreadable(f"larger than {FILE_BYTES >> 20} MiB")
    text = lock.text.replace("\r\n", "\n")
    if text.strip() and not _SECTION.search(text):
        raise Unreadable("has no section of a lock file of Bundler")
    for gem in _GEM.finditer(text):
        platform = gem["platform"]
        qualifiers = (("platform", platform),) if platform else ()
        yield Package("gem", gem["name"], gem["version"], qualifiers=qualifiers)
