"""Started by MicroPython after boot.py.

What does not even start starts again, so that an update on trial is undone (`boot.py`); Ctrl-C on the serial line ends
that.
"""

import sys
import time

TIME_TO_READ_S = 5  # for whoever watches the serial line, and wants to stop it

try:
    from firmware.app import main

    main()
except Exception as error:
    sys.print_exception(error)
    time.sleep(TIME_TO_READ_S)
    import machine

    machine.reset()
