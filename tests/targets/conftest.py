"""Golden sources are text to compare with, not modules to collect."""

collect_ignore = ["golden"]
