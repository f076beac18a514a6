"""Started by MicroPython after boot.py."""

from firmware.app import main

main()
