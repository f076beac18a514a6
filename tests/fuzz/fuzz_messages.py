"""Fuzz the sink's decoder, guided by coverage: fuzz_messages.py [LIBFUZZER-OPTION...] [CORPUS-FOLDER...]."""

import sys

import atheris

with atheris.instrument_imports(include=["collector.core.wire_reader", "cloud_sink.ingest", "cloud_sink.live_channel"]):
    from message_target import receive


def main() -> None:
    """Fuzz until -max_total_time or -runs is used up."""
    atheris.Setup(sys.argv, receive)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
