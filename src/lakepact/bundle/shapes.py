"""What may stand in the parts of a bundle that lakepact knows: keys, which of them are needed, and kinds of values.

Facts of the public reference of bundles, for the kinds of resources that lakepact writes. A kind that is not described
here is accepted as it is; its references are checked all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

__all__ = ["RESOURCE_KINDS", "ROOT", "Choice", "Keys", "ListOf", "MapOf", "Spec", "Value"]


class Value(StrEnum):
    """A value without parts; `ANY` is whatever."""

    TEXT = "a text"
    NUMBER = "a whole number"
    FLAG = "true or false"
    ANY = "anything"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some texts."""

    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list; each element is as `items` says."""

    items: Spec


@dataclass(frozen=True, slots=True)
class MapOf:
    """A mapping from names that the author chooses."""

    values: Spec


@dataclass(frozen=True, slots=True)
class Keys:
    """A mapping with known keys."""

    known: Mapping[str, Spec]
    required: tuple[str, ...] = field(default=())


Spec = Value | Choice | ListOf | MapOf | Keys

_TEXT: Final = Value.TEXT
_ANY: Final = Value.ANY
_FLAG: Final = Value.FLAG
_NUMBER: Final = Value.NUMBER
_TEXTS: Final = ListOf(_TEXT)


def _keys(required: tuple[str, ...] = (), /, *, anything: str = "", text: str = "", **known: Spec) -> Keys:
    """Keys with their kinds; those that are listed in `anything` and `text` need no line each."""
    more: dict[str, Spec] = {**dict.fromkeys(text.split(), _TEXT), **dict.fromkeys(anything.split(), _ANY)}
    return Keys(known | more, required)


def _permissions(*levels: str) -> ListOf:
    return ListOf(_keys(("level",), text="user_name group_name service_principal_name", level=Choice(levels)))


_PRINCIPAL: Final = _keys(text="user_name service_principal_name group_name")
_GRANTS: Final = ListOf(_keys(text="principal", privileges=_TEXTS))
_LIFECYCLE: Final = _keys(prevent_destroy=_FLAG, started=_FLAG)

_PIPELINE: Final = _keys(
    text="id name catalog schema target storage root_path budget_policy_id usage_policy_id serverless_compute_id",
    anything="clusters filters gateway_definition ingestion_definition notifications parameters restart_window trigger",
    serverless=_FLAG,
    continuous=_FLAG,
    development=_FLAG,
    photon=_FLAG,
    allow_duplicate_names=_FLAG,
    channel=Choice(("CURRENT", "PREVIEW")),
    edition=Choice(("CORE", "PRO", "ADVANCED")),
    configuration=MapOf(_TEXT),
    tags=MapOf(_TEXT),
    environment=_keys(text="environment_version", dependencies=_TEXTS),
    event_log=_keys(text="catalog schema name"),
    libraries=ListOf(
        _keys(
            anything="jar maven whl",
            glob=_keys(("include",), include=_TEXT),
            file=_keys(("path",), path=_TEXT),
            notebook=_keys(("path",), path=_TEXT),
        )
    ),
    run_as=_PRINCIPAL,
    permissions=_permissions("CAN_MANAGE", "CAN_RUN", "CAN_VIEW", "IS_OWNER"),
    lifecycle=_LIFECYCLE,
)

_SCHEDULE: Final = _keys(
    ("quartz_cron_expression", "timezone_id"),
    text="quartz_cron_expression timezone_id",
    anything="sql_condition",
    pause_status=Choice(("PAUSED", "UNPAUSED")),
)

_TASK: Final = _keys(
    ("task_key",),
    text="task_key environment_key job_cluster_key existing_cluster_id description",
    anything=(
        "ai_runtime_task alert_task clean_rooms_notebook_task compute condition_task dashboard_task dbt_cloud_task"
        " dbt_platform_task dbt_task email_notifications for_each_task gen_ai_compute_task health new_cluster"
        " notification_settings power_bi_task python_operator_task spark_jar_task spark_submit_task sql_task"
        " webhook_notifications"
    ),
    run_if=Choice(
        ("ALL_SUCCESS", "ALL_DONE", "NONE_FAILED", "AT_LEAST_ONE_SUCCESS", "ALL_FAILED", "AT_LEAST_ONE_FAILED")
    ),
    disabled=_FLAG,
    disable_auto_optimization=_FLAG,
    retry_on_timeout=_FLAG,
    max_retries=_NUMBER,
    min_retry_interval_millis=_NUMBER,
    timeout_seconds=_NUMBER,
    depends_on=ListOf(_keys(("task_key",), text="task_key outcome")),
    libraries=ListOf(_keys(text="whl jar egg requirements", anything="pypi maven cran")),
    notebook_task=_keys(("notebook_path",), text="notebook_path warehouse_id source", base_parameters=MapOf(_TEXT)),
    spark_python_task=_keys(("python_file",), text="python_file source", parameters=_TEXTS),
    python_wheel_task=_keys(
        ("package_name", "entry_point"),
        text="package_name entry_point",
        parameters=_TEXTS,
        named_parameters=MapOf(_TEXT),
    ),
    pipeline_task=_keys(
        ("pipeline_id",),
        text="pipeline_id",
        anything="parameters",
        full_refresh=_FLAG,
        full_refresh_selection=_TEXTS,
        refresh_selection=_TEXTS,
        refresh_flow_selection=_TEXTS,
        reset_checkpoint_selection=_TEXTS,
    ),
    run_job_task=_keys(
        ("job_id",),
        text="job_id",
        anything=(
            "dbt_commands jar_params notebook_params pipeline_params python_named_params python_params"
            " spark_submit_params sql_params"
        ),
        job_parameters=MapOf(_TEXT),
    ),
)

_JOB: Final = _keys(
    text="name description budget_policy_id usage_policy_id parent_path",
    anything=(
        "continuous email_notifications git_source health job_clusters notification_settings trigger"
        " webhook_notifications"
    ),
    max_concurrent_runs=_NUMBER,
    timeout_seconds=_NUMBER,
    performance_target=Choice(("PERFORMANCE_OPTIMIZED", "STANDARD")),
    queue=_keys(("enabled",), enabled=_FLAG),
    schedule=_SCHEDULE,
    parameters=ListOf(_keys(("name", "default"), text="name default")),
    tags=MapOf(_TEXT),
    tasks=ListOf(_TASK),
    environments=ListOf(
        _keys(
            ("environment_key",),
            text="environment_key",
            spec=_keys(
                text="client environment_version base_environment", dependencies=_TEXTS, java_dependencies=_TEXTS
            ),
        )
    ),
    run_as=_PRINCIPAL,
    permissions=_permissions("CAN_MANAGE", "CAN_MANAGE_RUN", "CAN_VIEW", "IS_OWNER"),
    lifecycle=_LIFECYCLE,
)

_APP: Final = _keys(
    ("name",),
    text="name description source_code_path budget_policy_id usage_policy_id compute_size space",
    anything="git_repository git_source telemetry_export_destinations compute_max_instances compute_min_instances",
    user_api_scopes=_TEXTS,
    config=_keys(command=_TEXTS, env=ListOf(_keys(("name",), text="name value value_from"))),
    resources=ListOf(
        _keys(
            ("name",),
            text="name description",
            anything="app database experiment genie_space postgres serving_endpoint uc_securable",
            job=_keys(
                ("id", "permission"),
                text="id",
                permission=Choice(("CAN_MANAGE", "CAN_MANAGE_RUN", "CAN_VIEW", "IS_OWNER")),
            ),
            sql_warehouse=_keys(
                ("id", "permission"), text="id", permission=Choice(("CAN_MANAGE", "CAN_USE", "IS_OWNER"))
            ),
            secret=_keys(
                ("scope", "key", "permission"), text="scope key", permission=Choice(("READ", "WRITE", "MANAGE"))
            ),
        )
    ),
    permissions=_permissions("CAN_MANAGE", "CAN_USE"),
    lifecycle=_LIFECYCLE,
)

_SCHEMA: Final = _keys(
    ("catalog_name", "name"),
    text="catalog_name name comment storage_root",
    custom_max_retention_hours=_NUMBER,
    properties=MapOf(_TEXT),
    grants=_GRANTS,
    lifecycle=_LIFECYCLE,
)

_VOLUME: Final = _keys(
    ("catalog_name", "schema_name", "name"),
    text="catalog_name schema_name name comment storage_location",
    volume_type=Choice(("MANAGED", "EXTERNAL")),
    grants=_GRANTS,
    lifecycle=_LIFECYCLE,
)

_SECRET_SCOPE: Final = _keys(
    ("name",),
    text="name",
    anything="keyvault_metadata",
    backend_type=Choice(("DATABRICKS", "AZURE_KEYVAULT")),
    permissions=_permissions("READ", "WRITE", "MANAGE"),
    lifecycle=_LIFECYCLE,
)

_DESCRIBED: Final[Mapping[str, Spec]] = {
    "apps": MapOf(_APP),
    "jobs": MapOf(_JOB),
    "pipelines": MapOf(_PIPELINE),
    "schemas": MapOf(_SCHEMA),
    "secret_scopes": MapOf(_SECRET_SCOPE),
    "volumes": MapOf(_VOLUME),
}

_UNDESCRIBED: Final = (
    "alerts catalogs clusters dashboards database_catalogs database_instances experiments external_locations"
    " genie_spaces instance_pools job_runs model_serving_endpoints models postgres_branches postgres_catalogs"
    " postgres_databases postgres_endpoints postgres_projects postgres_roles postgres_synced_tables"
    " quality_monitors registered_models secrets sql_warehouses synced_database_tables vector_search_endpoints"
    " vector_search_indexes"
)

RESOURCE_KINDS: Final[Mapping[str, Spec]] = {
    **dict.fromkeys(_UNDESCRIBED.split(), MapOf(_ANY)),
    **_DESCRIBED,
}
"""The kinds of resources; those that are not described hold anything."""

_RESOURCES: Final = Keys(RESOURCE_KINDS)
_WORKSPACE: Final = _keys(
    text=(
        "account_id artifact_path auth_type azure_client_id azure_environment azure_login_app_id azure_tenant_id"
        " azure_use_msi azure_workspace_resource_id client_id file_path google_service_account host profile"
        " resource_path root_path state_path workspace_id"
    ),
)
_BUNDLE: Final = _keys(
    text="name uuid databricks_cli_version cluster_id compute_id",
    anything="deployment git",
    engine=Choice(("direct", "terraform")),
)
_ARTIFACTS: Final = MapOf(
    _keys(
        text="build path",
        type=Choice(("whl", "jar")),
        executable=Choice(("bash", "sh", "cmd")),
        dynamic_version=_FLAG,
        files=ListOf(_keys(("source",), text="source")),
    )
)
_PRESETS: Final = _keys(
    text="name_prefix",
    trigger_pause_status=Choice(("PAUSED", "UNPAUSED")),
    jobs_max_concurrent_runs=_NUMBER,
    pipelines_development=_FLAG,
    source_linked_deployment=_FLAG,
    artifacts_dynamic_version=_FLAG,
    tags=MapOf(_TEXT),
)
_SHARED: Final[Mapping[str, Spec]] = {
    "artifacts": _ARTIFACTS,
    "permissions": _permissions("CAN_MANAGE", "CAN_VIEW", "CAN_RUN"),
    "presets": _PRESETS,
    "resources": _RESOURCES,
    "run_as": _PRINCIPAL,
    "sync": _keys(include=_TEXTS, exclude=_TEXTS, paths=_TEXTS),
    "workspace": _WORKSPACE,
}
_TARGET: Final = Keys(
    {
        **_SHARED,
        "bundle": _BUNDLE,
        "cluster_id": _TEXT,
        "compute_id": _TEXT,
        "default": _FLAG,
        "git": _ANY,
        "mode": Choice(("development", "production")),
        "variables": MapOf(_ANY),
    }
)

ROOT: Final = Keys(
    {
        **_SHARED,
        "bundle": _BUNDLE,
        "environments": _ANY,
        "experimental": _ANY,
        "include": _TEXTS,
        "python": _keys(text="venv_path", resources=_TEXTS, mutators=_TEXTS),
        "scripts": _ANY,
        "targets": MapOf(_TARGET),
        "variables": MapOf(_keys(text="description", anything="default lookup", type=Choice(("complex",)))),
    }
)
"""A whole configuration file: databricks.yml and what it includes have the same keys."""
