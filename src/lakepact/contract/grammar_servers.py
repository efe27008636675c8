"""The server types of ODCS v3.0.0 to v3.2.0 as tables; the notation is that of `grammar_tables`."""

from __future__ import annotations

__all__ = ["SERVERS", "SERVER_TYPES"]

# Each line: types that share their keys; then the keys, `!` required. `port` and `encoding` follow the version.
SERVER_TYPES = """
api: location!
azure: location! format! encoding delimiter
bigquery: project! dataset!
clickhouse: host! port! database!
cloudsql: host! port! database! schema!
custom: account catalog database dataset delimiter endpointUrl format encoding host location path port project
custom: region regionName schema serviceName stagingDir warehouse stream
databricks: host catalog! schema!
db2: host! port! database! schema
denodo: host! port! database
dremio: host! port! schema
exasol: host! port schema
glue: account! database! location format encoding
hana: host! port database schema
hive impala informix zen btrieve vectorwise ingres: host! port database!
iceberg: catalog! catalogUrl! namespace warehouse
kafka: host! format encoding
kinesis: region format encoding
local: path! format! encoding
mysql synapse: host! port! database!
oracle: host! port! serviceName!
poet fastobjects versant: database! host port
postgresql postgres vertica: host! port! database! schema!
presto: host! catalog schema
pubsub: project!
redshift: host database! schema! region account
s3: location! endpointUrl format encoding delimiter
sftp: format encoding delimiter
snowflake: host port account! database! schema! warehouse
sqlserver: host! port database! schema!
teradata: host! port database
trino: host! port! catalog! schema!
"""

_V3_0 = (
    "api|athena|azure|bigquery|clickhouse|databricks|denodo|dremio|duckdb|glue|cloudsql|db2|informix|kafka|kinesis|local"
    "|mysql|oracle|postgresql|postgres|presto|pubsub|redshift|s3|sftp|snowflake|sqlserver|synapse|trino|vertica|custom"
)
_V3_1 = _V3_0 + "|hive|impala|zen"
_V3_2 = _V3_1 + "|btrieve|exasol|fastobjects|hana|iceberg|ingres|poet|teradata|vectorwise|versant"

SERVERS = f"""
[server] a server; closed 3.1
id id +3.1
server! text
type! in:{_V3_0} -3.1
type! in:{_V3_1} +3.1 -3.2
type! in:{_V3_2} +3.2
description text
environment text
roles role[]
customProperties custom[]

[server.athena] an athena server; closed 3.1
staging_dir! any -3.0.2
stagingDir text -3.0.2
stagingDir! text +3.0.2 -3.2
stagingDir text +3.2
schema! text
catalog text
regionName text
workgroup text +3.2

[server.duckdb] a duckdb server; closed 3.1
database! text
schema integer -3.1
schema text +3.1

[server.keys] rows that follow the version; closed
port integer -3.2
port integer or text +3.2
encoding text +3.2
stream text +3.1
format.files in:parquet|delta|json|csv -3.1
format.files text +3.1
delimiter.files in:new_line|array -3.1
delimiter.files text +3.1
location.sftp! url_sftp
"""
