# Databricks notebook source
# ruff: noqa: F821

# COMMAND ----------

# MAGIC %md
# MAGIC # Follow a rerun
# MAGIC A contract was validated: what came of it? The notebook shows the events of the inbox, what happened to the
# MAGIC newest, and which pipelines ran for it. It only reads.
# MAGIC Here: `LAKEPACT_INBOX=delta:inbox python notebooks/follow_rerun.py`.

# COMMAND ----------

import json
import os

from lakepact.rerun import open_inbox


def setting(name: str, default: str) -> str:
    """A widget on Databricks, a variable of the environment elsewhere."""
    if "dbutils" in globals():
        dbutils.widgets.text(name, default)
        return str(dbutils.widgets.get(name))
    return os.environ.get(f"LAKEPACT_{name.upper()}", default)


# COMMAND ----------

# MAGIC %md
# MAGIC ## The events
# MAGIC `received` waits for the job, `failed` is tried again, `dead` is not.

# COMMAND ----------

inbox = open_inbox(setting("inbox", "memory:"))
events = inbox.list(limit=20)
for event in events:
    print(event.received_at, event.delivery_id, event.state, event.arrival.contract_id, event.reason)
if not events:
    print("no event has arrived")

# COMMAND ----------

# MAGIC %md
# MAGIC ## One event
# MAGIC The widget `event` names a delivery; without it the newest is shown.

# COMMAND ----------

delivery_id = setting("event", events[-1].delivery_id if events else "")
for passage in inbox.history(delivery_id) if delivery_id else ():
    print(passage.at, passage.what, passage.worker, passage.reason)

# COMMAND ----------

# MAGIC %md
# MAGIC ## The pipelines that ran for it

# COMMAND ----------

effects = [each for each in inbox.effects() if each.delivery_id == delivery_id]
for effect in effects:
    said = json.loads(effect.note or "{}")
    print(effect.key.pipeline, effect.key.version, effect.state, said.get("update_id", ""), said.get("message", ""))
if not effects:
    print("no pipeline has run for it")
