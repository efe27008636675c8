"""A job, its data contract and its asset as one contract: whose word holds, what is found, what is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from convert_account import data_of, loaded, said, unseen_changes

from lakepact.contract import Contract
from lakepact.convert import convert, detect
from lakepact.convert.model import Converted
from lakepact.convert.quality_job import convert_quality_job
from lakepact.errors import ConfigurationError
from lakepact.rules import EnforcementMode, Response, SchemaContract, compile_rules, handling_of
from quality_job_samples import ASSET, CONTRACT, FEATURES, JOB, write_job


@pytest.fixture
def job(tmp_path: Path) -> Path:
    return write_job(tmp_path)


def custom(contract: Contract) -> dict[str, Any]:
    return {entry.property: entry.value for entry in contract.custom_properties}


def converted(file: Path) -> Contract:
    return loaded(convert(file.read_bytes(), file=str(file)))


def test_the_three_files_become_one_contract(job: Path) -> None:
    assert detect(JOB.encode()) == "data-contract-job"
    contract = converted(job)
    assert (contract.id, contract.version, contract.status, contract.tenant) == (
        "shop_buyers",
        "1.0",
        "active",
        "nordic",
    )
    assert contract.tags == ("pii", "shop", "production", "customer-data")
    assert contract.team is not None
    assert [each.username for each in contract.team.members] == ["shop-data@example.com", "buyers@example.com"]
    assert [(each.property, each.value, each.unit) for each in contract.sla_properties] == [
        ("freshness", 3, "h"),
        ("completeness", 20, "rows/d"),
        ("availability", 99.0, "percent"),
        ("retention", 120, "d"),
    ]
    found = custom(contract)
    assert found["lakepact.quarantine"]["retention_days"] == 14
    assert found["lakepact.notification"]["channels"] == ["slack", "email", "pagerduty"]
    assert (found["lakepact.classification"], found["asset.lakepact.classification"]) == ("RESTRICTED", ["PII"])
    assert found["lakepact.job"]["target"] == {"branch": "nordic", "warehouse": "s3://lake/nordic/"}
    (table,) = contract.schema
    assert [(each.name, str(each.logical_type)) for each in table.properties] == [
        ("buyer", "string"),
        ("mail", "string"),
        ("credit", "number"),
        ("coin", "string"),
        ("seen", "timestamp"),
    ]
    assert {each.property: each.value for each in table.custom_properties}["asset.name"] == "buyers"


def test_checks_stay_with_their_engines_and_the_rest_is_for_lakepact(job: Path) -> None:
    rules = compile_rules(converted(job))
    assert {rule.id.removeprefix("shop_buyers."): f"{rule.engine} {rule.action}" for rule in rules.engine_rules()} == {
        "mail.quality.mail_form": "soda quarantine",
        "mail.quality.one_row_a_mail": "soda quarantine",
        "credit.quality.credit_range": "soda warn",
        "seen.quality.seen_lately": "soda quarantine",
        "buyer.quality.expect_column_values_to_not_be_null": "gx quarantine",
        "coin.quality.expect_column_values_to_be_in_set": "gx quarantine",
        "mail.quality.expect_column_values_to_match_regex": "gx quarantine",
        "quality.expect_table_row_count_to_be_between": "gx quarantine",
        "quality.credit_makes_sense": "custom quarantine",
    }
    assert {rule.id.removeprefix("shop_buyers."): rule.action.value for rule in rules.all_rules()} == {
        "buyer.required": "fail",
        "credit.type": "fail",
        "seen.type": "fail",
        "buyer.quality.nullValues": "quarantine",
        "seen.quality.nullValues": "quarantine",
        "credit.minimum": "quarantine",
        "credit.maximum": "quarantine",
        "buyer.quality.duplicateValues": "warn",
    }
    # A service level names no column in this format.
    assert {each.code for each in rules.problems} == {"LP208"}


def test_what_is_done_about_violations_is_that_of_the_contract_and_the_mode_that_of_the_job(job: Path) -> None:
    handling = handling_of(converted(job))
    assert (handling.on_schema, handling.on_quality, handling.on_sla) == (
        Response.BLOCK,
        Response.QUARANTINE,
        Response.WARN,
    )
    assert handling.schema == SchemaContract(strict_mode=True, allow_nullable_expansion=False, allow_type_changes=False)
    assert (handling.mode, handling.problems) == (EnforcementMode.STRICT, ())


@pytest.mark.parametrize(
    ("old", "new", "mode", "kept"),
    [
        ("enforcement_mode: strict  # Block", "enforcement_mode: warn  # Only", "warn", {}),
        ("  enforcement_mode: strict  # Block on violations\n", "", "strict", {}),
        ("enabled: true\n  contract", "enabled: false\n  contract", "disabled", {"lakepact.jobEnforcement": "strict"}),
    ],
)
def test_the_mode_of_the_job_goes_before_that_of_the_asset(
    job: Path, old: str, new: str, mode: str, kept: dict[str, str]
) -> None:
    assert old in JOB
    job.write_text(JOB.replace(old, new), encoding="utf-8")
    found = custom(converted(job))
    assert (found["lakepact.enforcement"], found["lakepact.assetEnforcement"]) == (mode, "strict")
    assert {name: found[name] for name in found if name == "lakepact.jobEnforcement"} == kept


@pytest.mark.parametrize("start", ["contracts/shop_buyers_contract.yaml", "assets/shop/v1.0/buyers.yaml"])
def test_each_of_the_files_finds_the_others(job: Path, start: str) -> None:
    file = job.parent.parent / start
    whole = convert(job.read_bytes(), file=str(job))
    found = convert(file.read_bytes(), file=str(file), format_name="data-contract-job")
    assert found.document["schema"] == whole.document["schema"]
    assert custom(loaded(whole)).keys() - custom(loaded(found)).keys() == {"lakepact.job"}


def test_an_asset_that_says_otherwise_keeps_its_word_beside(job: Path) -> None:
    asset = job.parent.parent / "assets/shop/v1.0/buyers.yaml"
    asset.write_text(ASSET.replace('version: "1.0"', 'version: "1.2"'), encoding="utf-8")
    contract = converted(job)
    assert (contract.version, custom(contract)["asset.version"]) == ("1.0", "1.2")


def test_a_contract_that_is_not_there_is_an_error_and_an_asset_a_warning(job: Path, tmp_path: Path) -> None:
    (tmp_path / "contracts/shop_buyers_contract.yaml").unlink()
    with pytest.raises(ConfigurationError, match=r"LP800: .* cannot be converted") as caught:
        convert(job.read_bytes(), file="job.yaml")
    assert [str(each) for each in caught.value.problems if each.severity == "error"] == [
        "job.yaml:12:3: error LP814: `contract_path` names '/srv/app/contracts/shop_buyers_contract.yaml', "
        "which is not there\n  hint: name the file by a path that is right here, or put it beside"
    ]
    alone = convert_quality_job(CONTRACT.encode(), file=str(tmp_path / "elsewhere" / "c.yaml"))
    assert "asset_ref" not in said(alone)[0]
    (tmp_path / "assets/shop/v1.0/buyers.yaml").unlink()
    alone = convert_quality_job(CONTRACT.encode(), file=str(tmp_path / "c.yaml"))
    assert [(each.code, each.severity.value) for each in alone.problems] == [
        ("LP809", "info"),
        ("LP809", "warning"),
        ("LP814", "warning"),
    ]


def test_columns_that_nobody_declares_have_the_types_of_their_checks() -> None:
    features = convert_quality_job(FEATURES.encode(), file="f.yaml")
    contract = loaded(features)
    assert [(each.name, str(each.logical_type)) for each in contract.schema[0].properties] == [
        ("interest", "number"),
        ("made", "timestamp"),
    ]
    assert [each.message for each in features.problems if each.code == "LP809"] == [
        "types of `features_of_buyers` that nobody declares are those of their checks: "
        "interest (number), made (timestamp)"
    ]
    assert [rule.engine for rule in compile_rules(contract).engine_rules()] == ["gx"] * 5
    assert {rule.action.value for rule in compile_rules(contract).engine_rules()} == {"fail"}


@pytest.mark.parametrize(
    "part", ["contracts/shop_buyers_contract.yaml", "assets/shop/v1.0/buyers.yaml", "jobs/buyers.yaml"]
)
def test_nothing_is_lost(job: Path, part: str) -> None:
    file = job.parent.parent / part

    def changed(source: bytes) -> Converted:
        file.write_bytes(source)
        return convert(job.read_bytes(), file=str(job))

    assert unseen_changes(changed, data_of(file.read_bytes())) == []
