"""Measure `lab` beside other programs that run commands on several hosts: `python -m benchmarks.side_by_side`."""
