"""``python -m leadline.programs.operator``."""

import sys

from leadline.programs.operator.main import main

sys.exit(main())
