"""The orders pipeline under the version of its contract that is in force when an update starts."""

# The pipeline supplies `spark`; its configuration says which store, and where files arrive.
# ruff: noqa: F821

from pyspark import pipelines as dp

from lakepact.pipeline import register
from lakepact.store import open_store

landing = spark.conf.get("lakepact.landing")
store = open_store(spark.conf.get("lakepact.store"))

register(
    store.get("orders", store.latest("orders").version),
    {
        "customers": {"path": f"{landing}/customers", "format": "json"},
        "orders": {"path": f"{landing}/orders", "format": "csv", "options": {"header": "true"}, "mode": "stream"},
    },
    pipeline="orders",
    dp=dp,
    spark=spark,
)


@dp.materialized_view
def revenue():
    return spark.sql(
        "SELECT c.country, count(*) AS orders, sum(o.amount) AS amount "
        "FROM orders AS o JOIN customers AS c ON o.customer_id = c.customer_id GROUP BY c.country"
    )
