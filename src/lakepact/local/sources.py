"""Loads pipeline sources, Python and SQL, from files or from memory, and returns what they define."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from lakepact.errors import ConfigurationError, LakepactError
from lakepact.local.definitions import Definitions
from lakepact.local.dp import PipelinesModule
from lakepact.local.source_faults import together
from lakepact.local.source_scope import SourceScope
from lakepact.local.sql_sources import load_sql

__all__ = ["SourceFile", "load_sources"]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One source. `path` is shown in messages and need not exist: `text` is what is loaded."""

    path: str
    text: str
    language: Literal["python", "sql"] = "python"


def load_sources(
    files: Sequence[SourceFile],
    *,
    spark: Any,
    module: PipelinesModule,
    root: Path | None = None,
    around: Callable[[], AbstractContextManager[Any]] = nullcontext,
    configuration: Mapping[str, str] = MappingProxyType({}),
) -> Definitions:
    """What `files` define, in their order; the result is `module.definitions`.

    Python sources see `spark` as a global; `pyspark.pipelines` and `dlt` are `module` while they load and while their
    query functions run. `root` is on `sys.path`, as are the folders of the sources. `around` makes a context that
    encloses the loading. `configuration` are the values of `${key}` in SQL sources.

    Raises ConfigurationError with the faults of all files: LP540 (Python that cannot be parsed), LP541 (a source that
    raised), LP545 and LP546 (SQL), LP520 to LP523 (calls of the pipeline API).
    """
    texts = {file.path: file.text for file in files if file.language == "python"}
    scope = SourceScope(texts, module=module, spark=spark, root=root)
    errors: list[LakepactError] = []
    with around():
        for file in files:
            try:
                if file.language == "sql":
                    load_sql(file.text, file.path, spark=spark, module=module, configuration=configuration)
                else:
                    _load_python(file, scope, module.definitions, frozenset(texts))
            except LakepactError as error:
                errors.append(error)
    if errors:
        raise together(errors, "the sources")
    return module.definitions


def _load_python(file: SourceFile, scope: SourceScope, definitions: Definitions, paths: frozenset[str]) -> None:
    datasets, flows = len(definitions.datasets), len(definitions.flows)
    try:
        scope.execute(file.path)
    except LakepactError:
        raise
    except SyntaxError as error:
        raise _syntax_error(error) from None
    except (Exception, SystemExit) as error:  # a source may raise anything, and this is where it enters
        raise _raised(error, file, paths) from None
    definitions.datasets[datasets:] = [
        replace(dataset, query=scope.bound(dataset.query)) if dataset.query is not None else dataset
        for dataset in definitions.datasets[datasets:]
    ]
    definitions.flows[flows:] = [replace(flow, query=scope.bound(flow.query)) for flow in definitions.flows[flows:]]


def _syntax_error(error: SyntaxError) -> ConfigurationError:
    file, line, column = error.filename or "", error.lineno or 0, error.offset or 0
    place = f"{file}:{line}:{column}"
    return ConfigurationError(f"{place}: {error.msg}", "LP540", "", {"file": file, "line": line, "column": column})


def _raised(error: BaseException, file: SourceFile, paths: frozenset[str]) -> ConfigurationError:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in paths]
    path, line = (frames[-1].filename, frames[-1].lineno or 0) if frames else (file.path, 0)
    words = next((text for text in str(error).splitlines() if text.strip()), "").strip()
    message = f"{type(error).__name__}: {words}" if words else type(error).__name__
    hint = ""
    if isinstance(error, NameError) and error.name in {"dbutils", "display"}:
        hint = f"{error.name} does not exist on this machine; read settings with spark.conf.get"
    place = f"{path}:{line}" if line else path
    return ConfigurationError(f"{place}: {message}", "LP541", hint, {"file": path, "line": line})
