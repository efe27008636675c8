"""A job, its data contract and its asset definition, and a contract of model features, as one team writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["ASSET", "CONTRACT", "FEATURES", "JOB", "check_credit", "write_job"]

CONTRACT = r"""
# contracts/shop_buyers_contract.yaml
data_contract:
  name: shop_buyers
  version: "1.0"
  owner: shop-data@example.com
  status: active  # active | deprecated | sunset
  asset_ref: /srv/app/assets/shop/v1.0/buyers.yaml
  sla:
    freshness:
      max_age_hours: 3
    completeness:
      min_records_per_day: 20
    availability:
      uptime_percentage: 99.0
  schema_contract:
    strict_mode: true
    allow_nullable_expansion: false
    allow_type_changes: false
  quality_checks:
    soda:
      engine: soda_core
      checks:
        - name: mail_form
          type: regex
          column: mail
          pattern: "^[a-z0-9._%+-]+@[a-z0-9.-]+\\.[a-z]{2,}$"
          severity: error
        - name: one_row_a_mail
          type: uniqueness
          columns: [mail]
          severity: error
        - name: credit_range
          type: range
          column: credit
          min: -500
          max: 50000
          severity: warning
        - name: seen_lately
          type: freshness
          column: seen
          max_age_hours: 48
          severity: error
    great_expectations:
      expectation_suite: shop_buyers_suite
      checks:
        - name: expect_column_values_to_not_be_null
          column: buyer
        - name: expect_column_values_to_be_in_set
          column: coin
          value_set: [EUR, SEK, NOK, DKK]
        - name: expect_column_values_to_match_regex
          column: mail
          regex: "^[\\w\\.-]+@[\\w\\.-]+\\.\\w+$"
        - name: expect_table_row_count_to_be_between
          min_value: 10
          max_value: 100000
    custom:
      - name: credit_makes_sense
        function: check_credit
        description: "Credit is within what the model has seen"
        severity: error
  violation_handling:
    on_schema_violation: block  # block | warn | quarantine
    on_quality_violation: quarantine
    on_sla_violation: warn
    notification:
      channels: [slack, email, pagerduty]
      recipients:
        - shop-data@example.com
        - models@example.com
    quarantine:
      enabled: true
      s3_bucket: "${QUARANTINE_BUCKET}"
      s3_prefix: "quarantine/${TENANT_ID}/${ASSET_NAME}/"
      retention_days: 14
  tags: [pii, shop, production]
  classification: RESTRICTED
  documentation_url: https://docs.example.com/data/shop_buyers
"""

ASSET = """
# assets/shop/v1.0/buyers.yaml
asset:
  name: shop_buyers
  source_type: shop
  object: buyers
  version: "1.0"
  schema:
    - name: buyer
      type: string
      required: true
    - name: mail
      type: string
      required: false
      classification: PII
    - name: credit
      type: double
    - name: coin
      type: string
    - name: seen
      type: timestamp
  data_contract:
    enabled: true
    contract_path: /srv/app/contracts/shop_buyers_contract.yaml
    enforcement_mode: strict  # strict | warn | disabled
    inline_checks:
      - type: null_check
        columns: [buyer, seen]
      - type: unique_check
        columns: [buyer]
      - type: range_check
        column: credit
        min: -500
        max: 50000
  governance:
    owner: buyers@example.com
    tags: [shop, customer-data]
    classification: [PII]
    retention_days: 120
  target:
    file_format: parquet
    partitioning: [ingest_day]
    mode: strict
"""

JOB = """
tenant_id: nordic
environment: prod
source_connector: shop
source_connector_path: /srv/app/connectors/shop.yaml
target_connector: iceberg
target_connector_path: /srv/app/connectors/iceberg.yaml
asset: shop_buyers
asset_path: /srv/app/assets/shop/v1.0/buyers.yaml
data_contract:
  enabled: true
  contract_path: /srv/app/contracts/shop_buyers_contract.yaml
  enforcement_mode: strict  # Block on violations
source:
  objects: [buyers]
  incremental:
    lookback_days: 2
target:
  branch: nordic
  warehouse: s3://lake/nordic/
"""

FEATURES = """
data_contract:
  name: features_of_buyers
  version: "1.0"
  owner: models@example.com
  quality_checks:
    great_expectations:
      expectation_suite: features_suite
      checks:
        - name: expect_column_values_to_be_between
          column: interest
          min_value: 0.0
          max_value: 1.0
        - name: expect_column_max_to_be_between
          column: made
          min_value: "2 hours ago"
          max_value: "now"
        - name: expect_column_values_to_not_be_null
          column: interest
        - name: expect_column_mean_to_be_between
          column: interest
          min_value: 0.3
          max_value: 0.7
        - name: expect_column_stdev_to_be_between
          column: interest
          min_value: 0.1
          max_value: 0.4
  violation_handling:
    on_quality_violation: block
    notification:
      channels: [slack, pagerduty]
      recipients:
        - models@example.com
"""


def check_credit(data: Any) -> int:
    """A check of the team, of data in pandas: how many buyers have more credit than the model has seen."""
    return int((data["credit"] > 40_000).sum())


def write_job(folder: Path) -> Path:
    """The files of the job, as they stand in its container under another root; the file of the job."""
    texts = {
        "contracts/shop_buyers_contract.yaml": CONTRACT,
        "assets/shop/v1.0/buyers.yaml": ASSET,
        "jobs/buyers.yaml": JOB,
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "jobs" / "buyers.yaml"
