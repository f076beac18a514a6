"""The MicroPython host of `collector.core`, for boards with wired Ethernet. Runs on MicroPython only."""

VERSION = "0.1.0"
