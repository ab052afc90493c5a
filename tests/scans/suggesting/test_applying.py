"""What a page shows to be written into a manifest is a pod that a server takes: each mount has its volume."""

import yaml

from leadline.api.kinds.suggestions import HeldTo, SuggestedSetting
from leadline.scans.suggesting.applying import settings_text

ROOT = "securityContext.readOnlyRootFilesystem"


def test_each_mounted_folder_has_a_volume_of_its_own():
    folders = ("/tmp", "/var/cache/web")
    spec = HeldTo(
        settings=(
            SuggestedSetting("web", ROOT, True, empty_volumes=folders),
            SuggestedSetting("side", ROOT, True, empty_volumes=("/tmp",)),
        )
    )
    found = {owner: yaml.safe_load(text) for owner, text in settings_text(spec)}
    assert list(found) == ["", "web", "side"]
    mounts = [one for owner in ("web", "side") for one in found[owner]["volumeMounts"]]
    assert [one["mountPath"] for one in mounts] == [*folders, "/tmp"]
    names = [one["name"] for one in mounts]
    assert found[""] == {"volumes": [{"name": name, "emptyDir": {}} for name in names]}
    assert len(set(names)) == 3
    assert found["web"]["securityContext"] == {"readOnlyRootFilesystem": True}
