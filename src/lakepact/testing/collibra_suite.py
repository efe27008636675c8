"""What every gateway to Collibra must do, as a class of tests.

A test module subclasses `GatewaySuite` and gives it the fixture `tenant`: a Collibra that can be set up, and a gateway
to it.
"""

# ruff: noqa: D102 (what a test is about is said by its name)

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol
from uuid import uuid4

import pytest

from lakepact.collibra.gateway import (
    COMPLIES_TO,
    EXPOSES_AS,
    GOVERNS,
    IMPLEMENTED_AS,
    PORT_TYPE,
    TABLE_TYPE,
    CollibraGateway,
)
from lakepact.collibra.metrics import METRIC
from lakepact.collibra.model import ContractAsset, ImportedAsset, ManifestUpload
from lakepact.collibra.resolving import latest_validated
from lakepact.collibra.sla import sla_attributes
from lakepact.contract import load_contract
from lakepact.errors import ConfigurationError, ContractMissing, RemoteFailed, UsageError
from lakepact.testing.store_samples import HOSTILE_TEXTS, document

__all__ = ["CollibraTenant", "GatewaySuite"]

_NOTES: Final = ("plain", "<b>bold</b> & <script>alert(1)</script>", "two\nlines", "caf\u00e9 \U0001f986 &amp; &lt;")


class CollibraTenant(Protocol):
    """A Collibra that a test can set up; ids are those of assets."""

    @property
    def gateway(self) -> CollibraGateway:
        """A gateway to it."""
        ...

    def reopen(self) -> CollibraGateway:
        """Another gateway, as another process would have it."""
        ...

    def add_port(self, name: str, *, tables: tuple[str, ...] = ()) -> str:
        """A new port that is implemented as those tables."""
        ...

    def add_product(self, name: str, *, ports: tuple[str, ...] = ()) -> str:
        """A new data product with those ports."""
        ...

    def add_table(self, name: str) -> str:
        """A new table."""
        ...

    def add_domain(self, name: str) -> str:
        """A new domain for metrics."""
        ...

    def add_attribute_type(self, name: str) -> None:
        """A new attribute type for text."""
        ...

    def add_mapping(self, system: str, entity: str, asset: str) -> None:
        """The name that an external system has for an asset."""
        ...


def _upload(version: str = "1.0.0", *, contract_id: str = "sales.orders", purpose: str = "") -> ManifestUpload:
    content = document(contract_id, version, purpose=purpose)
    return ManifestUpload(manifest_id=contract_id, version=version, content=content, name=contract_id)


class GatewaySuite:
    """What every CollibraGateway must do. Needs the fixture `tenant`, which has no contract yet."""

    @pytest.fixture
    def tenant(self) -> CollibraTenant:
        """The tenant under test."""
        raise NotImplementedError

    @pytest.fixture
    def gateway(self, tenant: CollibraTenant) -> CollibraGateway:
        """Its gateway."""
        return tenant.gateway

    @pytest.fixture
    def port(self, tenant: CollibraTenant) -> str:
        """A port without a contract."""
        return tenant.add_port("orders-gold")

    @pytest.fixture
    def made(self, gateway: CollibraGateway, port: str) -> ContractAsset:
        """A contract with the version 1.0.0."""
        found = gateway.initialise(port, _upload())
        assert found is not None
        return found

    def test_a_tenant_has_a_version_and_statuses(self, gateway: CollibraGateway) -> None:
        assert gateway.check()
        assert {"Candidate", "Under Review", "Accepted", "Rejected"} <= set(gateway.statuses())
        assert gateway.contracts() == ()

    def test_the_first_version_is_active_and_its_asset_a_candidate(
        self, gateway: CollibraGateway, made: ContractAsset, port: str
    ) -> None:
        assert (made.manifest_id, made.active_version) == ("sales.orders", "1.0.0")
        assert [each.id for each in gateway.contracts(manifest_id="sales.orders")] == [made.id]
        assert [(each.version, each.active) for each in gateway.versions(made.id)] == [("1.0.0", True)]
        assert gateway.manifest(made.id, "1.0.0") == _upload().content
        assert gateway.asset(made.id).status == "Candidate"
        assert [each.source for each in gateway.relations(GOVERNS, target=port)] == [made.id]

    def test_a_port_has_one_contract_and_an_id_one_port(
        self, tenant: CollibraTenant, gateway: CollibraGateway, made: ContractAsset, port: str
    ) -> None:
        assert gateway.initialise(port, _upload("2.0.0")) is None
        assert gateway.initialise(port, _upload(contract_id="other")) is None
        assert gateway.initialise(tenant.add_port("another"), _upload("2.0.0")) is None
        assert [each.id for each in gateway.contracts()] == [made.id]
        assert [each.version for each in gateway.versions(made.id)] == ["1.0.0"]

    def test_a_draft_is_an_inactive_version(self, gateway: CollibraGateway, made: ContractAsset) -> None:
        assert gateway.push(made.id, _upload("1.1.0"), active=False, force=False)
        assert {each.version: each.active for each in gateway.versions(made.id)} == {"1.0.0": True, "1.1.0": False}
        assert gateway.manifest(made.id, "1.1.0") == _upload("1.1.0").content

    def test_a_number_that_is_taken_needs_force(self, gateway: CollibraGateway, made: ContractAsset) -> None:
        assert not gateway.push(made.id, _upload(purpose="other"), active=False, force=False)
        assert gateway.manifest(made.id, "1.0.0") == _upload().content
        before = gateway.versions(made.id)[0]
        assert gateway.push(made.id, _upload(purpose="other"), active=False, force=True)
        after = gateway.versions(made.id)[0]
        assert gateway.manifest(made.id, "1.0.0") == _upload(purpose="other").content
        assert (after.active, after.created_on) == (True, before.created_on)
        assert after.changed_on > before.changed_on

    def test_one_version_is_active(self, gateway: CollibraGateway, made: ContractAsset) -> None:
        gateway.push(made.id, _upload("1.1.0"), active=False, force=False)
        gateway.activate(made.id, "1.1.0")
        assert [each.version for each in gateway.versions(made.id) if each.active] == ["1.1.0"]
        gateway.push(made.id, _upload("1.2.0"), active=True, force=False)
        assert [each.version for each in gateway.versions(made.id) if each.active] == ["1.2.0"]

    def test_bytes_come_back_equal(self, gateway: CollibraGateway, made: ContractAsset) -> None:
        texts = ["# both\r\n# ends\n", "# caf\u00e9 \U0001f986\n", "# --boundary\r\n--\r\n\r\n", "# no end"]
        for number, extra in enumerate(texts):
            content = document("sales.orders", f"2.0.{number}", extra=extra)
            upload = ManifestUpload(manifest_id="sales.orders", version=f"2.0.{number}", content=content)
            gateway.push(made.id, upload, active=False, force=False)
            assert gateway.manifest(made.id, f"2.0.{number}") == content

    def test_hostile_ids_are_only_ids(self, tenant: CollibraTenant, gateway: CollibraGateway) -> None:
        kept = [text for text in HOSTILE_TEXTS if len(text) <= 200]
        for number, text in enumerate(kept):
            assert gateway.initialise(tenant.add_port(f"p{number}"), _upload(contract_id=text)) is not None
        assert sorted(each.manifest_id for each in gateway.contracts()) == sorted(kept)
        for text in kept:
            assert [each.manifest_id for each in gateway.contracts(manifest_id=text)] == [text]

    def test_what_is_too_long_is_refused_before_it_is_sent(self, gateway: CollibraGateway, port: str) -> None:
        with pytest.raises(UsageError, match=r"^LP912: Collibra keeps no id of more than 200 characters: xxx"):
            gateway.initialise(port, _upload(contract_id="x" * 201))
        with pytest.raises(UsageError, match=r"^LP912: Collibra keeps no version of more than 100 characters: 1\.0"):
            gateway.initialise(port, _upload("1.0.0-" + "x" * 95))

    def test_a_status_has_a_name(self, gateway: CollibraGateway, made: ContractAsset) -> None:
        before = gateway.asset(made.id)
        gateway.update_status(made.id, "Under Review")
        after = gateway.asset(made.id)
        assert (after.status, after.changed_on > before.changed_on) == ("Under Review", True)
        with pytest.raises(ConfigurationError, match=r"^LP910: Collibra has no status 'Blessed'\n  hint: name one of "):
            gateway.update_status(made.id, "Blessed")
        assert gateway.asset(made.id) == after

    def test_notes_stay_in_order_and_as_they_were(self, gateway: CollibraGateway, made: ContractAsset) -> None:
        for text in _NOTES:
            assert gateway.add_note(made.id, text).text == text
        notes = gateway.notes(made.id)
        assert [note.text for note in notes] == list(_NOTES)
        assert len({note.created_by for note in notes}) == 1
        assert [note.created_on for note in notes] == sorted({note.created_on for note in notes})

    def test_an_attribute_has_one_value(
        self, tenant: CollibraTenant, gateway: CollibraGateway, made: ContractAsset
    ) -> None:
        tenant.add_attribute_type("Contract compliance")
        for value in ("pass", "fail", "fail"):
            gateway.set_attribute(made.id, "Contract compliance", value)
        assert gateway.attributes(made.id)["Contract compliance"] == ("fail",)
        with pytest.raises(ConfigurationError, match=r"^LP915: Collibra has no attribute type 'Nobody knows'\n"):
            gateway.set_attribute(made.id, "Nobody knows", "x")

    def test_an_import_makes_and_updates_assets(self, tenant: CollibraTenant, gateway: CollibraGateway) -> None:
        domain, table = tenant.add_domain("Metrics of orders"), tenant.add_table("databricks>main>sales>orders")

        def metric(name: str, passed: str, *more: str) -> ImportedAsset:
            attributes = {"Rows Passed": passed, "Result": "true", **dict.fromkeys(more, "1")}
            sources = {COMPLIES_TO: (table,)}
            return ImportedAsset(
                name=name, type=METRIC, domain_id=domain, display_name="d", attributes=attributes, sources=sources
            )

        assert gateway.import_assets([]) == ()
        assert gateway.import_assets([metric("orders / a", "7"), metric("orders / caf\u00e9", "8")]) == ()
        problems = gateway.import_assets([metric("orders / a", "9"), metric("orders / ab", "1", "Nobody knows")])
        assert [each.name for each in problems] == ["orders / ab"]
        found = {each.name: each for each in gateway.assets_in(domain, prefix="orders / ")}
        assert sorted(found) == ["orders / a", "orders / caf\u00e9"]
        assert gateway.assets_in(domain, prefix="Orders / ") == ()
        assert str(gateway.attributes(found["orders / a"].id)["Rows Passed"][0]) == "9"
        related = gateway.relations(COMPLIES_TO, source=table)
        assert sorted(each.target for each in related) == sorted(each.id for each in found.values())
        assert {each.type for each in found.values()} == {METRIC}
        with pytest.raises(UsageError, match=r"^LP916: "):
            gateway.import_assets([replace(metric("x", "1"), domain_id="Quality")])

    def test_the_graph_around_a_port(self, tenant: CollibraTenant, gateway: CollibraGateway) -> None:
        table = tenant.add_table("databricks>main>sales>orders")
        tenant.add_table("databricks>main>sales>order_lines")
        port = tenant.add_port("orders-gold", tables=(table,))
        product = tenant.add_product("Orders", ports=(port,))
        assert [each.id for each in gateway.assets(TABLE_TYPE, name="sales>orders")] == [table]
        assert len(gateway.assets(TABLE_TYPE)) == 2
        assert [each.name for each in gateway.assets(PORT_TYPE)] == ["orders-gold"]
        assert [each.source for each in gateway.relations(IMPLEMENTED_AS, target=table)] == [port]
        assert gateway.relations(IMPLEMENTED_AS, target=port) == ()
        assert [each.source for each in gateway.relations(EXPOSES_AS, target=port)] == [product]

    def test_the_name_that_another_system_has(
        self, tenant: CollibraTenant, gateway: CollibraGateway, port: str
    ) -> None:
        entity = "main.sales.orders/%2f?#"
        tenant.add_mapping("unity catalog", entity, port)
        assert gateway.mapped("unity catalog", entity) == port
        assert gateway.mapped("unity catalog", "main.sales.other") is None

    def test_what_is_missing(self, gateway: CollibraGateway, made: ContractAsset) -> None:
        nowhere = str(uuid4())
        asked: list[Callable[[], object]] = [
            lambda: gateway.asset(nowhere),
            lambda: gateway.versions(nowhere),
            lambda: gateway.manifest(nowhere, "1.0.0"),
            lambda: gateway.manifest(made.id, "9.9.9"),
            lambda: gateway.activate(made.id, "9.9.9"),
            lambda: gateway.update_status(nowhere, "Accepted"),
            lambda: gateway.push(nowhere, _upload(), active=False, force=False),
        ]
        for ask in asked:
            with pytest.raises(RemoteFailed, match=r"^LP905: .* does not have that: "):
                ask()

    def test_what_is_no_id_never_gets_into_an_address(self, gateway: CollibraGateway) -> None:
        for text in ("", "../assets", "1", f"{uuid4()}/x"):
            with pytest.raises(UsageError, match=r"^LP916: '.*' is no id of Collibra\n"):
                gateway.asset(text)

    def test_validated_is_what_is_active_and_whose_asset_is_validated(
        self, gateway: CollibraGateway, made: ContractAsset
    ) -> None:
        with pytest.raises(ContractMissing, match=r"^LP913: Collibra has no contract 'other'\n"):
            latest_validated(gateway, "other")
        for status in ("Candidate", "Under Review", "Rejected", "Obsolete"):
            gateway.update_status(made.id, status)
            with pytest.raises(
                ContractMissing, match=rf"^LP913: 'sales\.orders' is not validated .*: its version 1\.0\.0 is {status}$"
            ):
                latest_validated(gateway, "sales.orders")
        gateway.update_status(made.id, "Accepted")
        gateway.push(made.id, _upload("1.1.0"), active=False, force=False)
        assert latest_validated(gateway, "sales.orders").source == _upload().content
        gateway.activate(made.id, "1.1.0")
        assert latest_validated(gateway, "sales.orders").source == _upload("1.1.0").content
        other = ManifestUpload(manifest_id="sales.orders", version="1.2.0", content=document("sales.orders", "9.9.9"))
        gateway.push(made.id, other, active=True, force=False)
        with pytest.raises(ContractMissing, match=r"^LP913: the document of 'sales\.orders' 1\.2\.0 calls itself "):
            latest_validated(gateway, "sales.orders")

    def test_service_levels_are_shown_when_a_contract_is_applied(
        self, gateway: CollibraGateway, made: ContractAsset
    ) -> None:
        levels = "slaProperties: [{property: latency, value: 4, unit: hours}, {property: retention, value: 1, unit: y}"
        levels += ", {property: isRetentionUnlimited, value: true}]\n"
        content = document("sales.orders", "1.1.0", extra=levels)
        upload = ManifestUpload(manifest_id="sales.orders", version="1.1.0", content=content)
        gateway.push(made.id, upload, active=True, force=False)
        gateway.apply(made.id)
        shown = {name: str(values[0]).lower() for name, values in gateway.attributes(made.id).items()}
        wanted = {name: str(value).lower() for name, value in sla_attributes(load_contract(content)).items()}
        assert wanted == {"Latency": "4 hours", "Unlimited Retention": "true"}
        assert wanted.items() <= shown.items()
        assert gateway.manifest(made.id, "1.1.0") == content

    def test_another_gateway_sees_the_same(
        self, tenant: CollibraTenant, gateway: CollibraGateway, made: ContractAsset
    ) -> None:
        gateway.push(made.id, _upload("1.1.0"), active=False, force=False)
        gateway.update_status(made.id, "Accepted")
        gateway.add_note(made.id, "seen")
        other = tenant.reopen()
        assert other.asset(made.id).status == "Accepted"
        assert sorted(each.version for each in other.versions(made.id)) == ["1.0.0", "1.1.0"]
        assert other.manifest(made.id, "1.1.0") == _upload("1.1.0").content
        assert [note.text for note in other.notes(made.id)] == ["seen"]
