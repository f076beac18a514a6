"""`python -m fieldkit`: the same as `ringtap`."""

import sys

from fieldkit.cli import main

sys.exit(main())
