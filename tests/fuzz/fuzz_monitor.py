"""Fuzz the core, guided by coverage: fuzz_monitor.py [LIBFUZZER-OPTION...] [CORPUS-FOLDER...].

New inputs are written to the first folder. A failing input is written to crash-*; put it into tests/fuzz/corpus beside
its repair, where test_fuzz.py plays it for ever.
"""

import sys

import atheris

with atheris.instrument_imports(include=["collector.core"]):
    from target import hear


def main() -> None:
    """Fuzz until -max_total_time or -runs is used up."""
    atheris.Setup(sys.argv, lambda data: hear(data) and None)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
