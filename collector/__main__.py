"""`python -m collector`: the same as `ringtap-collector`."""

import sys

from collector.cli import main

sys.exit(main())
