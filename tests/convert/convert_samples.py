"""One rich source for each format that these converters read."""

from __future__ import annotations

__all__ = ["DATA_CONTRACT", "FLAT_ASSET", "NESTED_ASSET", "SODACL", "SUITE", "VERSION_2"]

DATA_CONTRACT = r"""
data_contract:
  name: crm_users
  version: 1.0
  owner: crm@example.com
  status: deprecated
  asset_ref: assets/crm/v1.0/users.yaml
  description: Users of the CRM
  retention_days: 400
  sla:
    freshness: {max_age_hours: 2}
    completeness: {min_records_per_day: 100}
    availability: {uptime_percentage: 99.5, window: {days: 30}}
    latency: 5
    hours: [office, night]
  schema_contract: {strict_mode: true, allow_nullable_expansion: false, allow_type_changes: false, drift: log}
  schema:
    - {name: id, type: bigint, required: true, unit: none}
    - {name: email, type: string, nullable: true, classification: PII, tags: [contact]}
    - {name: balance, type: double}
    - {name: since, type: timestamp}
    - {name: colour, type: string}
    - {name: place, type: geo}
  inline_checks:
    - {type: null_check, columns: [id, since]}
    - {type: unique_check, columns: [id, email]}
  quality_checks:
    parallel: 4
    soda:
      engine: soda_core
      checks:
        - {name: email_format, type: regex, column: email, pattern: '^[^@]+@[^@]+$', severity: error}
        - {name: no_doubles, type: uniqueness, columns: [email], severity: error, dimension: uq}
        - {name: range, type: range, column: balance, min: -100, max: 100.5, severity: warning}
        - {name: fresh, type: freshness, column: since, max_age_hours: 24, severity: error}
        - {name: drift, type: anomaly, column: balance, sensitivity: 3}
        - {name: few, type: range, column: balance, min: 0, filter: "colour = 'red'"}
    great_expectations:
      expectation_suite: crm_users_suite
      checks:
        - {name: expect_column_values_to_not_be_null, column: id}
        - {name: expect_column_values_to_not_be_null, column: email, mostly: 0.95}
        - {name: expect_column_values_to_be_in_set, column: colour, value_set: [red, blue]}
        - {name: expect_column_values_to_be_in_set, column: colour, value_set: [red], mostly: 0.9}
        - {name: expect_table_row_count_to_be_between, min_value: 10, max_value: 20}
        - {name: expect_column_mean_to_be_between, column: balance, min_value: 0}
    custom:
      - {name: ml, function: validate_ml, description: In range, severity: error}
      - {name: odd, function: odd_one, arguments: {a: 1}}
  violation_handling:
    on_schema_violation: block
    on_quality_violation: quarantine
    on_sla_violation: warn
    escalation: 3
    notification: {channels: [slack], recipients: [crm@example.com]}
    quarantine: {enabled: true, s3_bucket: "${BUCKET}", retention_days: 30}
  tags: [pii, crm]
  classification: RESTRICTED
  documentation_url: https://example.com/crm_users
  team_size: 4
written_by: somebody
"""

NESTED_ASSET = """
asset:
  name: shop_orders
  source_type: postgres
  object: orders
  version: "2.1"
  schema:
    - {name: id, type: integer, required: true}
    - {name: amount, type: 'decimal(10,2)'}
    - {name: day, type: date}
    - name: address
      type: struct
      fields: [{name: city, type: string, note: capital letters}]
    - {name: lines, type: array, items: {type: object, properties: [{name: sku, type: string}]}}
  data_contract:
    enabled: true
    contract_path: contracts/orders.yaml
    enforcement_mode: strict
    inline_checks:
      - {type: null_check, columns: [id]}
      - {type: range_check, column: amount, min: 0, max: 10}
      - {type: distribution_check, column: amount, shape: normal}
  governance:
    owner: shop@example.com
    tags: [shop, orders]
    classification: [PII]
    retention_days: 90
    steward: jane
  target: {file_format: parquet, partitioning: [day], mode: strict}
  finops: {cost_center: A1, project: shop}
job: nightly
"""

FLAT_ASSET = """
$schema: schemas/extended.json
apiVersion: v3.0.2
kind: DataContract
id: shop-items-1
name: shop_items
version: "1.2.0"
status: active
domain: shop
dataProduct: catalogue
tenant: acme
source_type: mysql
object: items
description: {purpose: Items that are sold, limitations: none, audience: all}
tags: [items]
schema:
  - name: sku
    type: string
    required: true
    unique: true
    primaryKey: true
    primaryKeyPosition: 1
    physicalType: VARCHAR(36)
    physicalName: SKU
    businessName: Item number
    description: The key
    examples: [S-1]
    criticalDataElement: true
    encryptedName: sku_enc
    transformSourceObjects: [raw.items]
    transformLogic: upper(sku)
    quality:
      - {name: there, type: library, rule: nullCheck, dimension: completeness, severity: error, businessImpact: high}
      - {name: known, type: library, rule: validValues, dimension: conformity}
      - {name: list, type: library, rule: validValues, validValues: [a, b]}
      - {name: pay, type: sql, query: "SELECT COUNT(*) FROM ${table} WHERE ${column} = ''", mustBe: 0}
      - {name: loose, type: sql, query: "SELECT COUNT(*) FROM ${table}"}
      - {name: words, type: text, description: Looks right}
      - {name: tool, type: custom, engine: dqx, implementation: {check: x}, owner: jane}
  - {name: price, type: float, physicalType: 'DECIMAL(10,2)', classification: SENSITIVE}
  - {name: stock, type: geography, authoritativeDefinitions: [{type: definition, url: 'https://example.com/s'}]}
team:
  owner: items@example.com
  channel: "#items"
  roles:
    - {name: Steward, email: steward@example.com, responsibility: Quality, since: 2020}
compliance:
  classification: [INTERNAL]
  regulations: [SOX]
  retention_days: 2555
  security: {access_control: role_based, encryption_required: true}
  user_consent_required: false
data_quality:
  monitoring: {enabled: true, oncall_rotation: ops@example.com}
  expectations:
    - {type: not_null, column: sku, dimension: completeness, severity: error}
    - {type: accepted_values, column: sku, values: [a, b], severity: warning}
    - {type: relationships, column: sku, to: ref('catalogue'), field: sku}
  alerts: {channels: [slack], thresholds: {error_rate: 0.01}}
change_management: {policy: breaking, approval_required: true}
slaProperties:
  - {property: freshness, value: 30, unit: s, element: items.sku, driver: operational, tier: gold}
customProperties:
  - {property: source, value: {a: 1}}
finops: {cost_center: B2}
target: {file_format: parquet, partitioning: [ingest_date], mode: strict}
contractCreatedTs: "2024-01-15T10:30:00Z"
retired_on: 2030-01-01
"""

SUITE = r"""
{
  "expectation_suite_name": "users_suite",
  "data_asset_type": "Dataset",
  "expectations": [
    {"expectation_type": "expect_column_values_to_be_unique", "kwargs": {"column": "id"},
     "meta": {"severity": "error"}},
    {"expectation_type": "expect_column_values_to_match_regex",
     "kwargs": {"column": "email", "regex": "^[\\w.-]+@[\\w.-]+$"},
     "meta": {"notes": "by legal", "severity": "critical"}},
    {"type": "expect_column_values_to_be_between", "kwargs": {"column": "age", "min_value": 0, "strict_min": true},
     "severity": "warning", "id": "0815"},
    {"expectation_type": "expect_column_value_lengths_to_be_between", "kwargs": {"column": "email", "max_value": 60}},
    {"expectation_type": "expect_column_values_to_be_unique", "kwargs": {"column": "id", "row_condition": "age > 3"}},
    {"expectation_type": "expect_compound_columns_to_be_unique",
     "kwargs": {"column_list": ["a", "b"], "ignore_row_if": "any_value_is_missing"}},
    {"expectation_type": "expect_compound_columns_to_be_unique", "kwargs": {"column_list": ["a", "b"]}}
  ],
  "meta": {"great_expectations_version": "0.18.0"}
}
"""

SODACL = r"""
checks for users:
  - missing_count(id) = 0
  - missing_percent(email) < 5 %
  - duplicate_count(id, email) = 0
  - invalid_count(email) = 0:
      valid regex: ^[^@]+@[^@]+$
      name: email looks right
  - invalid_count(age) = 0:
      valid min: 0
      valid max: 120
  - missing_count(phone) <= 3:
      missing values: [n/a]
  - row_count between 10 and 20
  - avg(age) between 20 and 40
  - freshness(created) < 24h
  - schema:
      fail:
        when required column missing: [id]
checks for orders:
  - row_count > 0
filter users [daily]:
  where: day = today
"""

VERSION_2 = """
version: 1.1.0
kind: DataContract
apiVersion: v2.2.2
uuid: u-1
type: tables
status: production
datasetName: d
quantumName: q
tenant: t
description: {purpose: p, usage: u, owner: o}
server: h:5432
driver: jdbc:postgresql
database: d.s
username: me
dataset:
  - table: t1
    physicalName: t_1
    priorTableName: t_0
    dataGranularity: one row a day
    columns:
      - {column: a, isPrimaryKey: true, primaryKeyPosition: 1, logicalType: string, physicalType: text,
         isNullable: false, isUnique: true, clusterStatus: true, clusterKeyPosition: 1, sampleValues: [x, y],
         quality: [{code: nullCheck, templateName: NullCheck, toolName: E, scheduleCronExpression: '0 1 * * *'}]}
      - {column: b, logicalType: money, physicalType: money, isNullable: true, colour: red}
    quality:
      - {code: countCheck, templateName: C, toolName: E, type: reconciliation,
         customProperties: [{property: min, value: 1}, {property: other, value: 2}]}
stakeholders: [{username: u, role: r, comment: c, dateIn: 2020-01-01, phone: 1}]
roles: [{role: r, access: read, firstLevelApprovers: x, colour: red}]
price: {priceAmount: 1.5, priceCurrency: EUR, priceUnit: row}
slaDefaultColumn: t1.a
slaProperties: [{property: latency, value: 4, unit: d, column: t1.a, driver: regulatory}]
customProperties: [{property: x, value: [1, {a: 2}]}]
tags: [a, b]
productDl: a@example.com
productSlackChannel: '#a'
productFeedbackUrl: https://example.com
systemInstance: i
"""
