"""Finds Java 17 or later for Spark, or fetches it into the user's cache; one message when there is none."""

from __future__ import annotations

import sys

from lakepact.errors import JavaMissing
from lakepact.spark.java import fetch_java, find_java


def main() -> int:
    """0 when there is a Java; 3 (environment) when there is none."""
    try:
        find_java()
    except JavaMissing:
        print("no Java 17 or later here: fetching one into your cache", file=sys.stderr)
        try:
            fetch_java()
        except JavaMissing as error:
            print(f"error: {error}", file=sys.stderr)
            return int(error.exit_code)
    return 0


if __name__ == "__main__":
    sys.exit(main())
