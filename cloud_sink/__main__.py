"""`python -m cloud_sink` is `ringtap-sink`."""

import sys

from cloud_sink.cli import main

sys.exit(main())
