"""What `import` finds in pipeline sources: the recorder as `dp` and `dlt`, other sources; and nothing stays behind."""

from __future__ import annotations

import functools
import importlib.abc
import importlib.machinery
import importlib.util
import linecache
import sys
import threading
import types
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lakepact.local.definitions import QueryFunction
from lakepact.local.dp import PipelinesModule

__all__ = ["SourceScope"]

_REDIRECTED = ("pyspark.pipelines", "dlt")
# One set of modules a process: two scopes at a time would see each other's.
_LOCK = threading.RLock()


class SourceScope:
    """What `import` finds while sources run. Use it as often as needed: modules are executed once, and kept inside.

    `texts` are the Python sources by path. Each is importable by the stem of its file where no other module has that
    name; the folders of the sources and `root` are on `sys.path` for modules that are no sources themselves.
    """

    def __init__(self, texts: Mapping[str, str], *, module: PipelinesModule, spark: Any, root: Path | None) -> None:
        """See the class."""
        self._recorder = module
        self._names = _module_names(list(texts))
        self._finder = _SourceFinder({self._names[path]: (path, text) for path, text in texts.items()}, spark)
        folders = {str(Path(path).resolve().parent): None for path in texts}
        self._folders = [*([str(root.resolve())] if root is not None else []), *folders]
        self._kept: dict[str, types.ModuleType] = {}
        self._entered = 0

    @contextmanager
    def active(self) -> Iterator[None]:
        """Imports are those of the sources; afterwards everything is as before, also on errors."""
        with _LOCK:
            if self._entered:
                yield
                return
            self._entered += 1
            before, path = dict(sys.modules), list(sys.path)
            package = importlib.import_module("pyspark")
            attribute = vars(package).get("pipelines")
            self._enter(package)
            try:
                yield
            finally:
                self._leave(before, path, package, attribute)
                self._entered -= 1

    def execute(self, path: str) -> None:
        """Run the source at `path`, unless another source imported it already. Raises whatever the source raises."""
        with self.active():
            importlib.import_module(self._names[path])

    def bound(self, query: QueryFunction) -> QueryFunction:
        """`query`, with its imports resolved in this scope."""

        @functools.wraps(query)
        def scoped() -> Any:
            with self.active():
                return query()

        return scoped

    def _enter(self, package: types.ModuleType) -> None:
        # Spark's own code may import parts of its package that are not loaded yet.
        real = importlib.util.find_spec("pyspark.pipelines")
        self._recorder.__path__ = list(real.submodule_search_locations or ()) if real is not None else []
        for name in _REDIRECTED:
            sys.modules[name] = self._recorder
        package.pipelines = self._recorder  # type: ignore[attr-defined]
        sys.modules.update(self._kept)
        sys.path[:0] = self._folders
        sys.meta_path.insert(0, self._finder)

    def _leave(
        self,
        before: Mapping[str, types.ModuleType],
        path: Sequence[str],
        package: types.ModuleType,
        attribute: types.ModuleType | None,
    ) -> None:
        sys.meta_path.remove(self._finder)
        sys.path[:] = path
        for name in _REDIRECTED:
            _restore(name, before.get(name))
        if attribute is None:
            del package.pipelines
        else:
            package.pipelines = attribute  # type: ignore[attr-defined]
        # A package that was there before is not the sources' own, wherever its files are.
        new = {name: found for name, found in sys.modules.items() if name.partition(".")[0] not in before}
        self._kept = {name: found for name, found in new.items() if self._is_of_sources(name, found)}
        for name in self._kept:
            del sys.modules[name]

    def _is_of_sources(self, name: str, module: types.ModuleType) -> bool:
        if name in self._finder.sources:
            return True
        places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
        return any(
            place and "site-packages" not in place and Path(place).resolve().is_relative_to(folder)
            for place in places
            for folder in self._folders
        )


class _SourceFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds and executes sources by their module name, with `spark` as a global, from the text in memory."""

    def __init__(self, sources: Mapping[str, tuple[str, str]], spark: Any) -> None:
        self.sources, self._spark = sources, spark

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self.sources:
            return None
        return importlib.util.spec_from_loader(fullname, self, origin=self.sources[fullname][0])

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        path, text = self.sources[module.__name__]
        # Tracebacks and inspect show the lines of sources that are in no file.
        linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)
        module.__file__ = path
        vars(module)["spark"] = self._spark
        exec(compile(text, path, "exec"), vars(module))


def _module_names(paths: Sequence[str]) -> dict[str, str]:
    stems = [Path(path).stem for path in paths]
    names: dict[str, str] = {}
    for number, (path, stem) in enumerate(zip(paths, stems, strict=True)):
        taken = stem in sys.modules or stem in sys.stdlib_module_names or stems.count(stem) > 1
        names[path] = f"{stem}__source_{number}" if taken or not stem.isidentifier() else stem
    return names


def _restore(name: str, module: types.ModuleType | None) -> None:
    if module is None:
        sys.modules.pop(name, None)
    else:
        sys.modules[name] = module
