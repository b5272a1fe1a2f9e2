"""Measurements with the command that makes each figure: `python -m benchmarks NAME [--json FILE]`."""
