"""The flights pipeline under the version of its contract that is in force when an update starts."""

# The pipeline supplies `spark`; its configuration, in bundles/pipelines.yml, says which store, contract and versions.
# `lakepact.versions` pins a version where it is `==1.2.0`.
# ruff: noqa: F821

from pyspark import pipelines as dp

from lakepact.pipeline import register
from lakepact.store import open_store

landing = spark.conf.get("lakepact.landing")
store = open_store(spark.conf.get("lakepact.store"))
in_force = store.latest(spark.conf.get("lakepact.contract"), specifier=spark.conf.get("lakepact.versions"))

register(
    store.get(in_force.contract_id, in_force.version),
    {
        "flights": {"path": f"{landing}/flights", "format": "parquet", "mode": "stream"},
        "weather": {"path": f"{landing}/weather", "format": "csv", "options": {"header": "true"}},
        "planes": {"path": f"{landing}/planes", "format": "parquet"},
        "airports": {"path": f"{landing}/airports", "format": "parquet"},
        "airlines": {"path": f"{landing}/airlines", "format": "json"},
    },
    pipeline="flights",
    dp=dp,
    spark=spark,
)


@dp.materialized_view
def delays():
    return spark.sql("SELECT carrier, count(*) AS flights, avg(dep_delay) AS mean_delay FROM flights GROUP BY carrier")
