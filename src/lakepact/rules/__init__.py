"""What a contract demands, as rules with two-valued SQL, actions by policy, and the coverage of the document."""

from lakepact.rules.derive import compile_rules
from lakepact.rules.policy import Policy, load_policy

__all__ = ["Policy", "compile_rules", "load_policy"]
