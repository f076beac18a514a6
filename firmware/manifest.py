"""For MicroPython's own build: freezes the core and the firmware into the board's image.

make -C ports/esp32 BOARD=OLIMEX_ESP32_POE FROZEN_MANIFEST=.../firmware/manifest.py
"""

include("$(PORT_DIR)/boards/manifest.py")  # noqa: F821 - names that MicroPython's makemanifest.py gives
package("collector", base_path="..", files=("__init__.py",))  # noqa: F821
package("collector/core", base_path="..")  # noqa: F821
package("firmware", base_path="..")  # noqa: F821
module("main.py")  # noqa: F821 - what the board starts
