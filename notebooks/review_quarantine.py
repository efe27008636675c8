# Databricks notebook source
# ruff: noqa: F821

# COMMAND ----------

# MAGIC %md
# MAGIC # Review a quarantine
# MAGIC Rows that broke a rule were set aside. Look at them, give one other values, approve another, and write both back
# MAGIC under the contract as it is now. Here: `python notebooks/review_quarantine.py`.

# COMMAND ----------

# MAGIC %md
# MAGIC | widget | meaning |
# MAGIC |---|---|
# MAGIC | `place` | `spark:main.sales.orders__quarantine`, or a path; without it a small table is made |
# MAGIC | `contract` | the file of the contract, `git:REV:PATH` or `store:ADDRESS#ID` |
# MAGIC | `target` | the table that rows go back to, by name or path |
# MAGIC | `approve`, `reject` | ids, with spaces between; the beginning of an id is enough |
# MAGIC | `correct` | an id and values: `c7dcf163 amount=5 email=nobody@example.com` |
# MAGIC | `reason`, `actor` | why, and who says it |
# MAGIC | `replay` | `yes` writes back what is approved and corrected |

# COMMAND ----------

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

from lakepact.contract import load_contract
from lakepact.history import read_reference
from lakepact.io import using, write_with_contract
from lakepact.quarantine import Status, Target, open_quarantine, replay
from lakepact.quarantine.content import given_value
from lakepact.quarantine.masking import shown_values
from lakepact.spark.session import open_local_session
from lakepact.store import Status as Published


def setting(name: str, default: str) -> str:
    """A widget on Databricks, a variable of the environment elsewhere."""
    if "dbutils" in globals():
        dbutils.widgets.text(name, default)
        return str(dbutils.widgets.get(name))
    return os.environ.get(f"LAKEPACT_{name.upper()}", default)


# What is opened here is closed in the last cell.
opened = ExitStack()
folder = Path(tempfile.mkdtemp(prefix="lakepact-"))
if "spark" in globals():
    session = spark
else:
    session = opened.enter_context(
        open_local_session(warehouse=folder / "lake", app_name="review", connect_functions=False)
    ).classic

# COMMAND ----------

# MAGIC %md
# MAGIC ## What was set aside
# MAGIC Values of columns whose classification is not public are hidden.

# COMMAND ----------

CONTRACT = b"""\
apiVersion: v3.1.0
kind: DataContract
id: notebook-orders
name: Orders
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - {name: order_id, logicalType: integer, required: true, primaryKey: true, primaryKeyPosition: 1}
      - name: amount
        logicalType: number
        logicalTypeOptions: {minimum: 0}
        customProperties: [{property: lakepact.action, value: quarantine}]
      - {name: email, logicalType: string, classification: confidential}
"""

place, target, reference = setting("place", ""), setting("target", ""), setting("contract", "")
example = not place
if example:
    target = str(folder / "orders")
    place = f"delta:{target}__quarantine"
    contract = load_contract(CONTRACT)
    rows = "(1, 9.5, 'ada@example.com'), (2, -5.0, 'bob@example.com'), (3, -1.0, 'eve@example.com')"
    orders = session.sql(f"SELECT * FROM VALUES {rows} AS t(order_id, amount, email)")
    with using(results=None):
        write_with_contract(orders, contract, path=target, on_mismatch="raise")
else:
    read = read_reference(reference)
    contract = load_contract(read.content, file=read.file)

quarantine = open_quarantine(place, contract=contract)
for record in quarantine.records():
    print(record.id[:12], record.status, *(rule.rule_id for rule in record.failed_rules))
    print("   ", shown_values(record, contract, reveal=False))

# COMMAND ----------

# MAGIC %md
# MAGIC ## Decide
# MAGIC Each decision is kept with who made it, when and why; nothing is decided that no widget names. In the example
# MAGIC the sign of one order is corrected, and another is approved as it is.

# COMMAND ----------

orders_of = {record.row["order_id"]: record.id for record in quarantine.records() if example and record.row}
actor = setting("actor", "notebook")
reason = setting("reason", "looked at with the finance team" if example else "")
types = {column.name.casefold(): column.type for column in quarantine.place.columns()}


def in_review(names: str) -> list[str]:
    """The ids of the records; those that nobody has looked at are taken into review."""
    found = [quarantine.record(name) for name in names.split()]
    fresh = [record.id for record in found if record.status is Status.QUARANTINED]
    if fresh:
        quarantine.review(fresh, actor=actor, reason=reason)
    return [record.id for record in found]


def value_of(text: str) -> tuple[str, object]:
    """A column and its value, from `column=value`."""
    name, _, value = text.partition("=")
    kind = types.get(name.casefold())
    return name, value if kind is None else given_value(value, kind)


named, *values = setting("correct", f"{orders_of[2]} amount=5" if example else "").split() or [""]
if named:
    quarantine.correct(*in_review(named), dict(map(value_of, values)), actor=actor, reason=reason)
if approved := in_review(setting("approve", orders_of[3] if example else "")):
    quarantine.approve(approved, actor=actor, reason=reason)
if rejected := in_review(setting("reject", "")):
    quarantine.reject(rejected, actor=actor, reason=reason)
for record in quarantine.records():
    for decision in quarantine.decisions(record.id):
        print(record.id[:12], decision.act, "by", decision.actor, "-", decision.reason)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Write back
# MAGIC Each record at most once. What breaks the contract again is not written: it returns to review with its reasons.

# COMMAND ----------

if setting("replay", "yes" if example else "no") == "yes":
    by_path = "/" in target
    into = Target(
        contract=contract,
        path=target if by_path else None,
        table=None if by_path else target,
        statuses=tuple(Published),
    )
    with using(results=None):
        done = replay(quarantine, into, spark=session, actor=actor, reason=reason)
    print(f"{len(done.written)} written, {len(done.returned)} back in review")
    for key, rules in done.returned.items():
        print("   ", key[:12], *rules)

# COMMAND ----------

for name, count in quarantine.stats()["status"].items():
    print(name, count)
opened.close()
