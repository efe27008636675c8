"""A Databricks Asset Bundle for a project: made from its lakepact.yml, and checked without a workspace."""

from lakepact.bundle.checking import Checked, check_bundle
from lakepact.bundle.model import BundleFile
from lakepact.bundle.resources import bundle_files
from lakepact.bundle.writing import file_text

__all__ = ["BundleFile", "Checked", "bundle_files", "check_bundle", "file_text"]
