"""What tests of the workspace double share: the client, a wheel, and jobs that run it."""

from __future__ import annotations

import io
import os
import zipfile
from typing import Any

import pytest

from lakepact.testing.workspace import Workspace

sdk = pytest.importorskip("databricks.sdk")
WHEEL = "/Workspace/Shared/hello-1.0-py3-none-any.whl"
_CODE = """\
import json, os, sys, time, urllib.request
def say():
    print("hello", *sys.argv[1:])
def read():
    print(open(sys.argv[1]).read())
def write():
    open(sys.argv[1], "w").write(sys.argv[2])
def who():
    address = os.environ["DATABRICKS_HOST"] + "/api/2.0/preview/scim/v2/Me"
    headers = {"Authorization": "Bearer " + os.environ["DATABRICKS_TOKEN"]}
    print(json.load(urllib.request.urlopen(urllib.request.Request(address, headers=headers)))["userName"])
def fail():
    raise ValueError("no flights today")
def leave():
    sys.exit(0)
def wait():
    time.sleep(60)
"""


def client_of(workspace: Workspace, **others: str) -> Any:
    """The real client, which reads no configuration of this machine."""
    access = others or {"token": workspace.token, "auth_type": "pat"}
    return sdk.WorkspaceClient(host=workspace.url, config_file=os.devnull, **access)


def put_wheel(workspace: Workspace) -> None:
    """Put a wheel into the workspace whose entry points say, read, write, who, fail, leave and wait."""
    names = ("say", "read", "write", "who", "fail", "leave", "wait")
    points = "".join(f"{name} = hello:{name}\n" for name in names)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as wheel:
        wheel.writestr("hello.py", _CODE)
        wheel.writestr("hello-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: hello\nVersion: 1.0\n")
        wheel.writestr("hello-1.0.dist-info/entry_points.txt", f"[console_scripts]\n{points}")
    workspace.files.put(WHEEL, content.getvalue())


def task(entry: str, *parameters: str, key: str = "", after: tuple[str, ...] = (), **others: Any) -> dict[str, Any]:
    """A task that calls an entry point of the wheel."""
    work = {"package_name": "hello", "entry_point": entry, "parameters": list(parameters)}
    return {
        "task_key": key or entry,
        "environment_key": "default",
        "python_wheel_task": work,
        "depends_on": [{"task_key": each} for each in after],
        **others,
    }


def job(*tasks: dict[str, Any], dependencies: tuple[str, ...] = (WHEEL,), **others: Any) -> dict[str, Any]:
    """The settings of a job with these tasks."""
    spec = {"environment_version": "4", "dependencies": list(dependencies)}
    environments = [{"environment_key": "default", "spec": spec}]
    return {"name": "greet", "tasks": list(tasks), "environments": environments, **others}
