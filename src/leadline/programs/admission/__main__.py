"""``python -m leadline.programs.admission``."""

import sys

from leadline.programs.admission.main import main

sys.exit(main())
