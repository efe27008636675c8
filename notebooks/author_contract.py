# Databricks notebook source
# ruff: noqa: F821

# COMMAND ----------

# MAGIC %md
# MAGIC # Author a contract, and check it
# MAGIC A contract is written, made right, explained, put into a store, and changed in a way that its number must cover.
# MAGIC It runs on Databricks and here: `python notebooks/author_contract.py`.

# COMMAND ----------

import os
import tempfile
from pathlib import Path

from lakepact.contract import load_contract
from lakepact.contract.edits import SetValue, edited
from lakepact.diff import compare
from lakepact.lint import lint
from lakepact.rules import compile_rules
from lakepact.store import Status, create_store, open_store


def setting(name: str, default: str) -> str:
    """A widget on Databricks, a variable of the environment elsewhere."""
    if "dbutils" in globals():
        dbutils.widgets.text(name, default)
        return str(dbutils.widgets.get(name))
    return os.environ.get(f"LAKEPACT_{name.upper()}", default)


# COMMAND ----------

# MAGIC %md
# MAGIC ## Write it
# MAGIC `lakepact new` asks for the same things.

# COMMAND ----------

DRAFT = b"""\
apiVersion: v3.1.0
kind: DataContract
id: notebook-orders
name: Orders
version: 1.0.0
status: active
description:
  purpose: What was ordered, for the finance team.
schema:
  - name: orders
    physicalType: table
    properties:
      - {name: order_id, logicalType: string, required: true, primaryKey: true, primaryKeyPosition: 1}
      - {name: amount, logicalType: number, logicalTypeOptions: {minimum: 0}}
"""

linted = lint(DRAFT)
for problem in linted.problems:
    print(problem)
contract = load_contract(DRAFT)
print(f"{contract.id} {contract.version}: {len(contract.schema)} object")

# COMMAND ----------

# MAGIC %md
# MAGIC ## What it means
# MAGIC Each rule with its action and its SQL.

# COMMAND ----------

for rule in compile_rules(contract).object("orders").row_rules:
    print(rule.name, rule.action, rule.predicate)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Into a store
# MAGIC The widget `store` names one, such as `spark:main.lakepact`; without it a folder is used that nobody keeps.

# COMMAND ----------

address = setting("store", "") or f"file:{Path(tempfile.mkdtemp(prefix='lakepact-')) / 'store'}"
create_store(address)
store = open_store(address)
actor = setting("actor", "notebook")
store.put(contract, actor=actor, reason="first version", status=Status.IN_REVIEW)
store.set_status(contract.id, contract.version, Status.VALIDATED, actor=actor, reason="agreed")
print(f"in force: {store.latest(contract.id).version}")

# COMMAND ----------

# MAGIC %md
# MAGIC ## A change, and what it breaks
# MAGIC A tighter limit breaks those who write: the number must say so.

# COMMAND ----------

changed = load_contract(edited(DRAFT, [SetValue(path="schema[0].properties[1].logicalTypeOptions.minimum", value=1)]))
comparison = compare(contract, changed)
for change in comparison.changes:
    print(change.level, change.sentence)
