"""Commands that tell people what they found, and from which file they know whom."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lakepact.cli import main
from lakepact.cli.arguments import notifier_for
from lakepact.errors import ConfigurationError
from lakepact.notify import open_notifier
from lakepact.project import load_project
from lakepact.project.scaffold import template_files
from lakepact.results import Verdict
from lakepact.testing.notify_servers import SlackServer

Captured = pytest.CaptureFixture[str]

SETTINGS = 'channels: {chat: {type: slack, webhook: "${env:HOOK}"}}\nroutes: [{channels: [chat]}]\n'
SECTION = f"notifications:\n  {SETTINGS.strip()}\n".replace("\nroutes", "\n  routes")
WORDS = "  template: {subject: '{contract_name}!', body: '{violation_count}'}\n"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for path, text in template_files("shop").items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LAKEPACT_NOTIFY", raising=False)
    return tmp_path


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlackServer]:
    with SlackServer() as server:
        monkeypatch.setenv("HOOK", server.webhook)
        yield server


def with_section(shop: Path, section: str = SECTION) -> None:
    with (shop / "lakepact.yml").open("a") as file:
        file.write(section)


def test_without_settings_nobody_is_told(shop: Path) -> None:
    assert notifier_for(load_project(shop / "lakepact.yml"), None) is None


def test_a_file_that_is_named_goes_before_that_of_the_project(shop: Path) -> None:
    with_section(shop)
    (shop / "other.yml").write_text(SETTINGS.replace("chat", "team"))
    project = load_project(shop / "lakepact.yml")
    own, other = notifier_for(project, None), notifier_for(project, Path("other.yml"))
    assert own is not None
    assert other is not None
    assert (list(own.channels), list(other.channels)) == (["chat"], ["team"])
    with pytest.raises(ConfigurationError, match=r"LP950: 'none\.yml' cannot be read: No such file"):
        notifier_for(project, Path("none.yml"))


def test_what_waits_for_a_project_is_sent_from_its_folder(shop: Path, slack: SlackServer, capsys: Captured) -> None:
    with_section(shop, SECTION + WORDS)
    assert main(["notify", "test"]) == 0
    assert capsys.readouterr().out == "chat: sent\n"
    assert [each["text"] for each in slack.messages] == [
        "Test of lakepact notifications!",
        "Resolved: contract Test of lakepact notifications 0.0.0 in lakepact.test holds again",
    ]
    (shop / "notify.yml").write_text(SETTINGS.replace("chat", "team"))
    assert main(["notify", "test"]) == 0
    assert capsys.readouterr().out == "team: sent\n"


def test_a_project_that_tells_nobody_has_nothing_to_send(shop: Path, capsys: Captured) -> None:
    assert main(["notify", "status"]) == 3
    assert capsys.readouterr().err.startswith("error LP950: 'lakepact.yml' says nothing of notifications\n  hint: add")


@pytest.mark.parametrize("command", [["run"], ["check", "contracts/orders.odcs.yaml", "data/customers"]])
def test_settings_that_cannot_be_used_end_a_command_before_it_starts(
    shop: Path, capsys: Captured, command: list[str]
) -> None:
    assert main([*command, "--notify", "none.yml"]) == 3
    said = capsys.readouterr()
    assert (said.out, said.err.split("\n")[0]) == (
        "",
        "error LP950: 'none.yml' cannot be read: No such file or directory",
    )


@pytest.mark.spark
def test_a_check_of_files_is_told(shop: Path, capsys: Captured, local_session: Any) -> None:
    (shop / "notify.yml").write_text(SETTINGS)
    command = ["check", "contracts/orders.odcs.yaml", "customers=data/customers", "--notify", "notify.yml"]
    assert main(command) == 1
    ((_, facts),) = open_notifier(shop / "notify.yml").outbox.news()
    assert (facts.dataset, facts.verdict) == ("data/customers", Verdict.QUARANTINE)
    assert [each.rule_id for each in facts.violations] == [
        "customers.email.format",
        "customers.country.pattern",
        "customers.primaryKey",
    ]
