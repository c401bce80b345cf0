"""Benchmarks: ratios measured within one run, each printed as one JSON object. See README.md."""
