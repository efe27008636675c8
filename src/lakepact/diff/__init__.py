"""Compares two contracts by what they mean, and says which version the difference asks for."""

from lakepact.diff.compare import compare
from lakepact.diff.model import Breaks, Change, ChangeKind, Comparison, Level
from lakepact.diff.waivers import Waiver, load_waivers

__all__ = [
    "Breaks",
    "Change",
    "ChangeKind",
    "Comparison",
    "Level",
    "Waiver",
    "compare",
    "load_waivers",
]
