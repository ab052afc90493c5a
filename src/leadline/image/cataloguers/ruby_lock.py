"""Ruby gems that a project pins: ``Gemfile.lock`` (https://bundler.io/guides/gemfile.html)."""

import re

from leadline.image.cataloguer import File, Package, Packages, Unreadable, cataloguer

FILE_BYTES = 16 << 20

_GEM = re.compile(r"^    (?P<name>[\w.-]+) \((?P<version>[^()\s-]+)(?:-(?P<platform>[^()\s]+))?\)", re.M)


@cataloguer("ruby-lock", names=("Gemfile.lock", "gems.locked"), lock=True)
def ruby_lock(lock: File) -> Packages:
    """A gem built for one platform, ``nokogiri (1.16.2-x86_64-linux)``, has it as a qualifier."""
    if len(lock.data) > FILE_BYTES:
        raise Unreadable(f"larger than {FILE_BYTES >> 20} MiB")
    for gem in _GEM.finditer(lock.text.replace("\r\n", "\n")):
        platform = gem["platform"]
        qualifiers = (("platform", platform),) if platform else ()
        yield Package("gem", gem["name"], gem["version"], qualifiers=qualifiers)
