"""What a contract demands, as rules with two-valued SQL, actions by policy, and the coverage of the document."""

from lakepact.rules.derive import compile_rules
from lakepact.rules.handling import EnforcementMode, Handling, Response, SchemaContract, handling_of
from lakepact.rules.policy import Policy, load_policy

__all__ = [
    "EnforcementMode",
    "Handling",
    "Policy",
    "Response",
    "SchemaContract",
    "compile_rules",
    "handling_of",
    "load_policy",
]
