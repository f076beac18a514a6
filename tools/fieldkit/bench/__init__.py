"""The project's own benchmarks: figures beside goals, and beside peers where one exists, measured in one run."""
