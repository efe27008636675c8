"""Whatever stands in a bundle, the check says what is wrong with it, and nothing else happens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bundle_samples import bundle_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakepact.bundle import BundleFile, check_bundle, file_text
from lakepact.bundle.loading import load_bundle

WORDS = """bundle name include targets dev mode default variables resources jobs pipelines apps schemas dashboards
tasks task_key libraries glob include file path notebook environments environment spec dependencies artifacts files
source build sync for_each_task task python_wheel_task package_name depends_on notebook_task notebook_path
source_code_path file_path job_clusters environment_key config env x"""
KEYS = st.sampled_from(WORDS.split())
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.text(max_size=6),
    st.sampled_from(
        ["${var.x}", "${", "${resources.jobs}", "${}", "../**", "./a.whl", "/", "", "\x00", "[", "**", "~"]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=25,
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(root=st.dictionaries(KEYS, VALUES, max_size=6), one=VALUES)
def test_the_check_never_raises(tmp_path: Path, root: dict[str, Any], one: Any) -> None:
    bundle_of(tmp_path, one=json.dumps(one))
    (tmp_path / "databricks.yml").write_text(json.dumps({"include": ["bundles/*.yml"]} | root))
    checked = check_bundle(tmp_path)
    assert all(problem.line > 0 and problem.column > 0 for problem in checked.problems)


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.dictionaries(TEXTS, st.recursive(TEXTS, lambda each: st.lists(each, min_size=1, max_size=3)), max_size=4)
)
def test_what_is_written_is_what_is_read(tmp_path: Path, data: dict[str, Any]) -> None:
    (tmp_path / "databricks.yml").write_text(file_text(BundleFile(path="databricks.yml", data=data)), newline="\n")
    (source,) = [each for each in load_bundle(tmp_path) if each.document.file.endswith("databricks.yml")]
    assert source.document.data == data
