"""`notifications` in a lakepact.yml: as a path, inline, and every way in which it can be wrong."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from lakepact.errors import ConfigurationError, ProjectInvalid
from lakepact.notify import open_notifier
from lakepact.project import Project, load_project, project_schema

PROJECT = """\
version: 1
environments:
  local: {catalog: spark_catalog, schema: flights, storage: .lakepact}
pipelines:
  flights: {sources: []}
"""

INLINE = """\
notifications:
  link: https://lake.example.com/{run}
  channels:
    chat: {type: slack, webhook: "${env:HOOK}"}
  routes:
    - channels: [chat]
"""

FORM = """\
notifications:
  quality_violations:
    channels:
      slack: {webhook_url: "${HOOK}"}
"""

FILE = textwrap.dedent(INLINE.removeprefix("notifications:\n"))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder; messages show paths relative to it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def loaded(root: Path, text: str) -> Project:
    (root / "lakepact.yml").write_text(PROJECT + text)
    return load_project(root / "lakepact.yml")


def problems(root: Path, text: str) -> list[str]:
    with pytest.raises(ProjectInvalid, match=r"LP410: lakepact\.yml has \d+ problems?") as raised:
        loaded(root, text)
    return [str(each) for each in raised.value.problems]


def test_a_project_may_tell_nobody(root: Path) -> None:
    assert loaded(root, "").notifications is None


@pytest.mark.parametrize("form", ["inline", "file", "form"])
def test_settings_stand_in_the_project_or_in_a_file(root: Path, form: str) -> None:
    (root / "conf").mkdir()
    (root / "conf" / "notify.yml").write_text(FILE)
    found = loaded(
        root, {"inline": INLINE, "file": "notifications: conf/notify.yml\n", "form": FORM}[form]
    ).notifications
    assert found is not None
    assert [each.name for each in found.channels] == ["slack" if form == "form" else "chat"]
    assert found.outbox == root / ("conf/.lakepact/notify" if form == "file" else ".lakepact/notify")
    # Whoever sends what waits reads the same file.
    told = open_notifier(root / "lakepact.yml")
    assert list(told.channels) == [each.name for each in found.channels]


def test_the_file_may_have_the_other_form(root: Path) -> None:
    (root / "notifications.yaml").write_text(FORM)
    found = loaded(root, "notifications: notifications.yaml\n").notifications
    assert found is not None
    assert [each.name for each in found.channels] == ["slack"]


def test_faults_have_their_place_in_the_project_file(root: Path) -> None:
    text = INLINE.replace("routes", "rutes").replace("${env:HOOK}", "https://example.com/hunter2") + "other: 1\n"
    found = problems(root, text)
    assert [each.split("\n")[0] for each in found] == [
        "lakepact.yml:6:1: error LP952: key 'routes' is missing in 'notifications'",
        "lakepact.yml:9:34: error LP953: 'notifications.channels.chat.webhook' must be a reference to a secret",
        "lakepact.yml:10:3: error LP951: unknown key 'rutes' in 'notifications'",
        "lakepact.yml:12:1: error LP402: unknown key 'other'",
    ]
    assert not any("hunter2" in each for each in found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "notifications:\n",
            "lakepact.yml:6:15: error LP952: 'notifications' must be a mapping of keys to values, not",
        ),
        ("notifications: [a]\n", "lakepact.yml:6:16: error LP952: 'notifications' must be a mapping of keys"),
        ("notifications: none.yml\n", "lakepact.yml:6:16: error LP405: there is no file 'none.yml'\n  hint: looked in"),
        (
            INLINE.replace("[chat]", "[chatt]"),
            "lakepact.yml:11:18: error LP954: there is no channel 'chatt'\n  hint: known: chat",
        ),
        (
            INLINE.replace("channels:\n    chat:", "template: {subject: a, body: '{x}'}\n  channels:\n    chat:"),
            "lakepact.yml:8:32: error LP952: there is nothing to put in for '{x}'\n  hint: known: asset_name, contr",
        ),
        (
            FORM.replace("${HOOK}", "hunter2"),
            "lakepact.yml:9:28: error LP953: 'notifications.quality_violations.channels.slack.webhook_url' must be",
        ),
    ],
)
def test_each_fault_is_told(root: Path, text: str, found: str) -> None:
    (told,) = problems(root, text)
    assert told.startswith(found)


def test_faults_of_the_file_are_those_of_the_project(root: Path) -> None:
    (root / "notify.yml").write_text(FILE.replace("slack", "slak").replace("[chat]", "[]"))
    assert [each.split("\n")[0] for each in problems(root, "notifications: notify.yml\nother: 1\n")] == [
        "lakepact.yml:7:1: error LP402: unknown key 'other'",
        "notify.yml:3:16: error LP952: 'channels.chat.type' must be slack or slack-bot or email or pagerduty or teams "
        "or webhook or apprise, not 'slak'",
        "notify.yml:5:15: error LP952: 'routes[0].channels' must not be empty",
    ]


@pytest.mark.parametrize("text", [INLINE, FORM, "notifications: notify.yml\n"])
def test_the_schema_for_editors_accepts_what_is_read(text: str) -> None:
    jsonschema.Draft202012Validator.check_schema(project_schema())
    jsonschema.validate(yaml.safe_load(PROJECT + text), project_schema())


@pytest.mark.parametrize("value", [7, [], {"channels": {}}, {"quality_violations": {}}])
def test_the_schema_for_editors_refuses_what_is_not_read(value: Any) -> None:
    data = yaml.safe_load(PROJECT) | {"notifications": value}
    assert not jsonschema.Draft202012Validator(project_schema()).is_valid(data)


def test_who_sends_is_told_what_is_wrong_with_a_project_file(root: Path) -> None:
    (root / "lakepact.yml").write_text(PROJECT)
    with pytest.raises(
        ConfigurationError, match=r"^LP950: '.*lakepact\.yml' says nothing of notifications\n  hint: add"
    ):
        open_notifier(root / "lakepact.yml")
    (root / "lakepact.yml").write_text(PROJECT + "notifications: notify.yml\n")
    with pytest.raises(ConfigurationError, match=r"lakepact\.yml:6:16: error LP950: there is no file '.*notify\.yml'"):
        open_notifier(root / "lakepact.yml")
    (root / "notify.yml").write_text("notifications: lakepact.yml\n")
    with pytest.raises(
        ConfigurationError, match=r"notify\.yml:1:16: error LP950: a file of settings names another one"
    ):
        open_notifier(root / "lakepact.yml")


def test_a_file_of_settings_names_no_other_file(root: Path) -> None:
    (root / "notify.yml").write_text("notifications: other.yml\n")
    (root / "other.yml").write_text(FILE)
    (found,) = problems(root, "notifications: notify.yml\n")
    assert found == "notify.yml:1:16: error LP950: a file of settings names another one\n  hint: name that one"
