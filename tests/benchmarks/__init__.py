"""Benchmarks: the integration beside a floor, what a user would pick instead, and the wire."""
