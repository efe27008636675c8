"""Drafts: proposals to change a contract, made from what was seen in the data."""

from lakepact.drafts.files import draft_from_files, file_facts
from lakepact.drafts.model import Draft, Evidence, Proposal, ProposalKind, Provenance
from lakepact.drafts.observed import observed_schema
from lakepact.drafts.registry import SchemaKind, Subject, draft_from_registry, read_subject
from lakepact.drafts.result_rows import evidence_from_json, results_from_json
from lakepact.drafts.results import draft_from_results
from lakepact.drafts.schema import draft_from_dataframe, draft_from_schema
from lakepact.drafts.submit import DraftSink, Failure, Receipt, StoreSink, Submitted, resubmit, submit

__all__ = [
    "Draft",
    "DraftSink",
    "Evidence",
    "Failure",
    "Proposal",
    "ProposalKind",
    "Provenance",
    "Receipt",
    "SchemaKind",
    "StoreSink",
    "Subject",
    "Submitted",
    "draft_from_dataframe",
    "draft_from_files",
    "draft_from_registry",
    "draft_from_results",
    "draft_from_schema",
    "evidence_from_json",
    "file_facts",
    "observed_schema",
    "read_subject",
    "resubmit",
    "results_from_json",
    "submit",
]
