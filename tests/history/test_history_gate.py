"""The gate: which changes of a contracts repository pass, and what is said about the others."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from git_samples import GitFolder, contract
from lakepact.diff import Waiver
from lakepact.history import Judged, Layout, Verdict, gate


@pytest.fixture
def folder(tmp_path: Path) -> GitFolder:
    """One commit with version 1.0.0 of `orders`, which has the properties `order_id` and `amount`."""
    made = GitFolder.create(tmp_path / "repository")
    made.save("orders.yaml", contract("1.0.0", properties=("order_id", "amount")))
    return made


def judged(folder: GitFolder, span: str = "HEAD", *waivers: Waiver, layout: str | None = None) -> list[Judged]:
    chosen = Layout.parse(layout) if layout else None
    return list(gate(span, directory=folder.root, waivers=waivers, layout=chosen).judged)


def only(folder: GitFolder, span: str = "HEAD", *waivers: Waiver) -> tuple[str, list[str]]:
    """Verdict and problems of the one contract that changed."""
    (found,) = judged(folder, span, *waivers)
    return found.verdict.value, [str(problem) for problem in found.problems]


def waiver(path: str = "*", contract_id: str = "orders") -> Waiver:
    return Waiver(contract=contract_id, path=path, reason="agreed", author="Ada", expires=dt.date(2030, 1, 1))


LESS = ("order_id",)
MORE = ("order_id", "amount", "note")
SAME = ("order_id", "amount")


@pytest.mark.parametrize(
    ("version", "properties", "verdict"),
    [
        ("1.0.1", SAME, "ok"),
        ("1.1.0", MORE, "ok"),
        ("2.0.0", LESS, "ok"),
        ("2.0.0-rc.1", LESS, "ok"),
        ("2.0.0", SAME, "ok"),
        ("1.0.1", MORE, "failed"),
        ("1.1.0", LESS, "failed"),
        ("1.9.9", LESS, "failed"),
        ("1.0.0", LESS, "failed"),
        ("1.0.0", MORE, "failed"),
        ("0.9.0", SAME, "failed"),
        ('"soon"', SAME, "failed"),
    ],
)
def test_the_version_must_cover_the_change(
    folder: GitFolder, version: str, properties: tuple[str, ...], verdict: str
) -> None:
    folder.write("orders.yaml", contract(version, properties=properties, comment="changed"))
    assert only(folder)[0] == verdict
    folder.commit()
    assert only(folder, "HEAD~1..HEAD")[0] == verdict
    assert only(folder, "HEAD~1...HEAD")[0] == verdict


def test_a_version_that_is_too_low_is_said_with_the_one_that_is_needed(folder: GitFolder) -> None:
    folder.write("orders.yaml", contract("1.1.0", properties=LESS))
    verdict, problems = only(folder)
    assert verdict == "failed"
    assert problems == [
        "orders.yaml:4:10: error LP789: version 1.1.0 does not cover a major change since 1.0.0\n"
        "  hint: set `version` to 2.0.0 or higher, undo the change, or waive it"
    ]
    (found,) = judged(folder)
    assert (found.id, found.old_version, found.new_version, found.happening.value) == (
        "orders",
        "1.0.0",
        "1.1.0",
        "modified",
    )
    assert [change.sentence for change in found.pairs[0].comparison.changes if change.level.value == "major"] == [
        "`orders.amount` was removed."
    ]


def test_a_version_that_goes_back(folder: GitFolder) -> None:
    folder.write("orders.yaml", contract("0.9.0", properties=SAME))
    assert only(folder)[1] == [
        "orders.yaml:4:10: error LP789: version 0.9.0 is lower than the version 1.0.0 before it\n"
        "  hint: set `version` to 1.0.0 or higher, undo the change, or waive it"
    ]


@pytest.mark.parametrize(("properties", "needed"), [(SAME, "1.0.1"), (MORE, "1.1.0"), (LESS, "2.0.0")])
def test_a_published_version_keeps_its_bytes(folder: GitFolder, properties: tuple[str, ...], needed: str) -> None:
    folder.write("orders.yaml", contract("1.0.0", comment="just a comment", properties=properties))
    assert only(folder) == (
        "failed",
        [
            "orders.yaml:5:10: error LP788: version 1.0.0 of 'orders' is published and must not change\n"
            f"  hint: raise `version`: this change asks for {needed}"
        ],
    )
    assert only(folder, "HEAD", waiver())[0] == "failed"


def test_other_spellings_of_a_version_are_the_same_version(folder: GitFolder) -> None:
    folder.write("orders.yaml", contract('"v1.0"', properties=SAME))
    assert "LP788" in only(folder)[1][0]


def test_drafts_change_freely(folder: GitFolder) -> None:
    folder.save("draft.yaml", contract("1.0.0", id="draft", status="draft", properties=MORE))
    folder.write("draft.yaml", contract("1.0.0", id="draft", status="draft", properties=LESS))
    assert only(folder) == ("draft", [])
    (found,) = judged(folder)
    assert [(pair.binding, pair.comparison.level.value) for pair in found.pairs] == [(False, "major")]
    folder.write("draft.yaml", contract("1.0.0", id="draft", properties=LESS))
    assert only(folder) == ("ok", [])
    folder.write("draft.yaml", contract('"soon"', id="draft", status="Proposed", properties=LESS))
    assert only(folder) == ("draft", [])
    (folder.root / "draft.yaml").unlink()
    assert only(folder) == ("draft", [])


def test_what_was_published_does_not_become_a_draft(folder: GitFolder) -> None:
    folder.write("orders.yaml", contract("1.0.0", status="draft", properties=SAME))
    assert "LP788" in only(folder)[1][0]
    folder.write("orders.yaml", contract("1.0.1", status="draft", properties=LESS))
    assert "LP789" in only(folder)[1][0]
    folder.write("orders.yaml", contract('"soon"', status="draft", properties=LESS))
    assert only(folder)[1] == [
        "orders.yaml:4:10: error LP789: version `soon` is not a semantic version, so that nobody can tell what it "
        "covers\n  hint: write MAJOR.MINOR.PATCH, for example 1.4.0"
    ]


def test_from_a_version_without_numbers_one_can_only_go_on(folder: GitFolder) -> None:
    folder.save("old.yaml", contract('"2024-01"', id="old", properties=SAME))
    folder.write("old.yaml", contract("1.0.0", id="old", properties=LESS))
    assert only(folder) == ("ok", [])
    folder.write("old.yaml", contract('"2024-01"', id="old", properties=LESS))
    _, problems = only(folder)
    assert [problem.split(" ")[2] for problem in problems] == ["LP788:", "LP789:"]
    assert problems[0].endswith("asks for another one")


def test_invalid_contracts_fail_with_all_their_problems(folder: GitFolder) -> None:
    folder.write("orders.yaml", contract("1.0.0").replace("kind: DataContract", "kind: Nonsense") + "colour: red\n")
    verdict, problems = only(folder)
    assert verdict == "failed"
    assert [problem.split(":")[0] + problem.split(" ")[2] for problem in problems] == [
        "orders.yamlLP120:",
        "orders.yamlLP131:",
    ]
    (found,) = judged(folder)
    assert (found.id, found.new_version) == ("orders", None)


def test_what_follows_an_invalid_contract_is_not_compared(folder: GitFolder) -> None:
    folder.save("orders.yaml", "kind: DataContract\n")
    folder.write("orders.yaml", contract("1.0.0"))
    verdict, problems = only(folder)
    assert verdict == "ok"
    assert len(problems) == 1
    assert problems[0].startswith("orders.yaml: warning LP100: not compared with what was there before, which is inv")


def test_a_removed_contract_must_have_been_retired(folder: GitFolder) -> None:
    (folder.root / "orders.yaml").unlink()
    assert only(folder) == (
        "failed",
        [
            "orders.yaml: error LP788: version 1.0.0 of 'orders' was published and is removed without having been "
            "retired\n  hint: publish a version with `status: retired` first and remove it in a later change, or "
            "waive it"
        ],
    )
    assert only(folder, "HEAD", waiver("contract"))[0] == "waived"
    assert only(folder, "HEAD", waiver("contract", "other"))[0] == "failed"
    folder.save("orders.yaml", contract("2.0.0", status="retired"))
    (folder.root / "orders.yaml").unlink()
    assert only(folder) == ("ok", [])


def test_an_invalid_contract_may_not_vanish_either(folder: GitFolder) -> None:
    folder.save("orders.yaml", "kind: DataContract\n")
    (folder.root / "orders.yaml").unlink()
    verdict, problems = only(folder)
    assert verdict == "failed"
    assert problems[0].startswith("orders.yaml: error LP788: 'orders.yaml' was published and is removed without")


def test_a_moved_contract_is_compared_with_what_it_was(folder: GitFolder) -> None:
    (folder.root / "orders.yaml").unlink()
    folder.write("sales/orders.yaml", contract("1.0.0", properties=SAME))
    assert only(folder) == ("ok", [])
    folder.write("sales/orders.yaml", contract("1.1.0", properties=LESS))
    assert "does not cover a major change since 1.0.0" in only(folder)[1][0]
    folder.write("sales/orders.yaml", contract("1.0.0", properties=LESS))
    assert "LP788" in only(folder)[1][0]


def test_another_id_is_another_contract(folder: GitFolder) -> None:
    folder.write("orders.yaml", contract("1.1.0", id="bestellungen", properties=SAME))
    assert "does not cover a major change since 1.0.0" in only(folder)[1][0]
    folder.write("orders.yaml", contract("1.0.0", id="bestellungen", properties=SAME))
    assert [problem.split(" ")[2] for problem in only(folder)[1]] == ["LP789:"]


def versions(folder: GitFolder) -> None:
    """Versions 1.0.0 to 1.2.0 and 2.0.0 of `x`, each with one more property, in a folder of versions."""
    names = ("a", "b", "c", "d")
    for index, version in enumerate(("1.0.0", "1.1.0", "1.2.0")):
        properties = names[: index + 1]
        folder.write(f"sales/v{version[:3]}/orders.yaml", contract(version, id="x", properties=properties))
    folder.write("sales/v2.0/orders.yaml", contract("2.0.0", id="x", properties=("z",)))
    folder.commit()


@pytest.mark.parametrize(
    ("version", "properties", "compared", "failed"),
    [
        ("1.3.0", ("a", "b", "c", "d"), ["1.2.0", "1.1.0", "1.0.0"], []),
        ("1.3.0", ("a", "b", "c"), ["1.2.0", "1.1.0", "1.0.0"], []),
        ("1.3.0", ("b", "c"), ["1.2.0", "1.1.0", "1.0.0"], ["1.2.0", "1.1.0", "1.0.0"]),
        ("1.3.0", ("a", "b"), ["1.2.0", "1.1.0", "1.0.0"], ["1.2.0"]),
        ("1.0.1", ("a",), ["1.0.0"], []),
        ("1.0.1", ("a", "b"), ["1.0.0"], ["1.0.0"]),
        ("2.1.0", ("z", "y"), ["2.0.0"], []),
        ("3.0.0", ("q",), ["2.0.0"], []),
        ("0.9.0", ("q",), [], []),
        ("1.2.0", ("a", "b", "c"), ["1.1.0", "1.0.0"], ["twice"]),
    ],
)
def test_a_new_version_is_compared_with_all_of_its_major(
    folder: GitFolder, version: str, properties: tuple[str, ...], compared: list[str], failed: list[str]
) -> None:
    versions(folder)
    folder.write("new.yaml", contract(version, id="x", properties=properties))
    (found,) = judged(folder)
    assert [pair.comparison.old_version for pair in found.pairs] == compared
    assert [pair.comparison.old_version for pair in found.pairs if pair.fails] == [
        each for each in failed if each != "twice"
    ]
    assert (found.verdict is Verdict.FAILED) == bool(failed)
    twice = [problem.message for problem in found.problems if problem.code == "LP787"]
    assert twice == ([f"version {version} of 'x' is in 'sales/v1.2/orders.yaml' too"] if "twice" in failed else [])


def test_drafts_and_pre_releases_of_a_folder_bind_nobody(folder: GitFolder) -> None:
    versions(folder)
    folder.write("rc.yaml", contract("2.1.0-rc.1", id="x", properties=("z", "rc")))
    folder.write("draft.yaml", contract("2.0.5", id="x", status="draft", properties=("z", "draft")))
    folder.commit()
    folder.write("new.yaml", contract("2.1.0", id="x", properties=("z", "new")))
    (found,) = judged(folder)
    assert [pair.comparison.old_version for pair in found.pairs] == ["2.0.0"]
    folder.write("new.yaml", contract("2.1.0", id="x", status="draft", properties=("new",)))
    (found,) = judged(folder)
    assert [(pair.binding, pair.fails, pair.comparison.version_ok) for pair in found.pairs] == [(False, False, False)]
    assert found.verdict is Verdict.DRAFT


def test_a_patch_in_the_folder_of_its_minor(folder: GitFolder) -> None:
    versions(folder)
    folder.write("sales/v1.1/orders.yaml", contract("1.1.1", id="x", properties=("a", "b"), comment="mended"))
    (found,) = judged(folder)
    assert [pair.old_file for pair in found.pairs] == ["sales/v1.1/orders.yaml", "sales/v1.0/orders.yaml"]
    assert found.verdict is Verdict.OK


def test_a_published_version_may_not_leave_the_folder(folder: GitFolder) -> None:
    versions(folder)
    (folder.root / "sales/v1.0/orders.yaml").unlink()
    assert "version 1.0.0 of 'x' was published and is removed" in only(folder)[1][0]


def test_files_stand_where_the_layout_wants_them(folder: GitFolder) -> None:
    versions(folder)
    folder.write("sales/v1.3/orders.yaml", contract("1.4.0", id="x", properties=("a", "b", "c", "d")))
    (found,) = judged(folder, layout="{domain}/v{major}.{minor}/{object}.yaml")
    assert [problem.message for problem in found.problems] == [
        "'sales/v1.3/orders.yaml' is not where version 1.4.0 of the contract belongs"
    ]
    report = gate("HEAD", directory=folder.root / "sales", layout=Layout.parse("v{major}.{minor}/{object}.yaml"))
    assert [problem.hint.split(",")[0] for problem in report.judged[0].problems] == ["move it to 'v1.4/orders.yaml'"]


def test_a_waiver_takes_a_change_out(folder: GitFolder) -> None:
    folder.write("orders.yaml", contract("1.0.1", properties=("order_id", "note")))
    removed = waiver("schema.orders.properties.amount")
    verdict, problems = only(folder, "HEAD", removed)
    assert verdict == "failed"
    assert "version 1.0.1 does not cover a minor change since 1.0.0\n  hint: set `version` to 1.1.0" in problems[0]
    folder.write("orders.yaml", contract("1.1.0", properties=("order_id", "note")))
    (found,) = judged(folder, "HEAD", removed)
    assert (found.verdict, found.waived, found.problems) == (Verdict.WAIVED, "agreed", ())
    assert only(folder, "HEAD", waiver(contract_id="other"))[0] == "failed"


def test_one_report_for_all(folder: GitFolder) -> None:
    folder.write("items.yaml", contract(id="items"))
    folder.write("orders.yaml", contract("1.1.0", properties=LESS))
    folder.write("stock.odcs.yaml", "a: [")
    report = gate("HEAD", directory=folder.root)
    assert [(each.path, each.verdict.value) for each in report.judged] == [
        ("items.yaml", "ok"),
        ("orders.yaml", "failed"),
        ("stock.odcs.yaml", "failed"),
    ]
    assert (report.ok, report.base, report.head) == (False, "HEAD", "the work tree")
    assert gate("HEAD..HEAD", directory=folder.root).ok
