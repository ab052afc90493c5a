import sys
from pathlib import Path

import pytest

from integrations.documented import ROOT


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """This checkout's program, as a file called ``leadline`` that can be started."""
    file = tmp_path / "bin" / "leadline"
    file.parent.mkdir()
    source = f"import sys; sys.path.insert(0, {str(ROOT / 'src')!r})\nfrom leadline.programs.cli.main import main\n"
    file.write_text(f"#!{sys.executable}\n{source}sys.exit(main())\n")
    file.chmod(0o755)
    return file
