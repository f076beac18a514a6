"""Run, on MicroPython, the `test_*` functions of test files: the same files that pytest collects on CPython.

usage: micropython runner.py FILE...     prints one line per failure and the sum; exit 1 when anything failed
"""

import gc
import sys


def run_file(path: str) -> tuple[int, int]:
    """(passed, failed) of the file's test functions, in the order of their names."""
    namespace: dict[str, object] = {"__name__": path}
    with open(path) as source:
        exec(source.read(), namespace)
    passed = failed = 0
    for name in sorted(namespace):
        test = namespace[name]
        if not name.startswith("test_") or not callable(test):
            continue
        try:
            test()
            passed += 1
        except Exception as error:  # whatever a test raises is that test's failure
            print("FAILED", path, name)
            sys.print_exception(error)
            failed += 1
        gc.collect()
    return passed, failed


sums = [run_file(path) for path in sys.argv[1:]]
total_failed = sum(failed for _, failed in sums)
print(sum(passed for passed, _ in sums), "passed,", total_failed, "failed")
sys.exit(1 if total_failed or not sums else 0)
