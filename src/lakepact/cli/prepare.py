"""`lakepact prepare`: fetches what the first run on this machine needs, and lets each later one start fast."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from lakepact.cli.output import say

__all__ = ["prepare"]


def prepare() -> None:
    """Get this machine ready for local runs: fetch Java and the Delta jars, and keep Java's classes at hand.

    With its classes at hand Spark starts in about half the time. That takes a minute or two once for each version of
    Java, pyspark and Delta, and 250 MB in your cache; what is there already is left as it is.
    """
    from lakepact.cli.files import write_atomically
    from lakepact.project.scaffold import template_files
    from lakepact.spark.class_archive import class_archive, make_class_archive
    from lakepact.spark.connect import require_local_pyspark
    from lakepact.spark.engine import ensure_jars
    from lakepact.spark.java import ensure_java

    require_local_pyspark()
    java = ensure_java()
    say(f"Java {java.version} in {java.home} ({java.origin})")
    jars = ensure_jars(java)
    say(f"{len(jars)} Delta Lake jars in {jars[0].parent}")
    archive = class_archive(java, jars)
    if not archive.is_file():
        say("Java writes down the classes that a run loads: this takes a minute or two, once")
        with tempfile.TemporaryDirectory(prefix="lakepact-prepare-") as name:
            for path, text in template_files("prepare").items():
                write_atomically(Path(name) / path, text)
            # The new project that `lakepact init` writes: whatever a run loads, it loads.
            make_class_archive(java, jars, [sys.executable, "-m", "lakepact", "run", name])
    say(f"classes at hand in {archive} ({archive.stat().st_size / 1e6:.0f} MB)")
