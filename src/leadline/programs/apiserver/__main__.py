"""``python -m leadline.programs.apiserver``."""

import sys

from leadline.programs.apiserver.main import main

sys.exit(main())
