"""Find out, with evidence, why a Docker build hits its cache on one machine and misses on another."""

__version__ = "0.1.0"
