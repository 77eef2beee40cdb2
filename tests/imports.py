"""Reads a package's modules without running them: who imports whom, and who reaches into TensorFlow."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "observed_hooks"
SOURCE = Path(__file__).parents[1] / PACKAGE

_PRIVATE_MODULE = re.compile(r"tensorflow\.python(\.\w+)*")


@dataclass(frozen=True)
class Import:
    """One import statement's target, with the line it stands on."""

    target: str
    line: int
    at_load: bool
    """False when it waits inside a function, or is there for annotations only."""


@dataclass(frozen=True)
class Module:
    """A parsed module of the package."""

    name: str
    tree: ast.Module
    is_package: bool = False

    @property
    def unit(self) -> str:
        """The module or sub-package right below the root that it belongs to; the root's is empty."""
        return self.name.split(".")[1] if "." in self.name else ""


def read_package(source: Path = SOURCE) -> dict[str, Module]:
    """Every module below `source`, by its dotted name."""
    modules = {}
    for path in sorted(source.rglob("*.py")):
        parts = path.relative_to(source.parent).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        modules[name] = Module(name, ast.parse(path.read_text(encoding="utf-8"), str(path)), is_package)
    return modules


def imports(module: Module, modules: Mapping[str, Module]) -> list[Import]:
    """Every import of `module`, wherever it stands; names that are modules of the package count as such."""
    return [
        Import(target, node.lineno, at_load)
        for node, at_load in _walk(module.tree, at_load=True)
        for target in _targets(node, module, modules)
    ]


def first_party(found: list[Import]) -> list[Import]:
    """Those of them that stay in the package."""
    return [each for each in found if each.target.split(".")[0] == PACKAGE]


def loaded_with(name: str, modules: Mapping[str, Module]) -> dict[str, tuple[str, ...]]:
    """Everything that `import name` loads, each with the chain of modules that leads there."""
    chains: dict[str, tuple[str, ...]] = {}
    waiting: list[tuple[str, tuple[str, ...]]] = [(name, ())]
    while waiting:
        current, chain = waiting.pop(0)
        if current in chains:
            continue
        chains[current] = (*chain, current)
        reached = [parent for parent in _parents(current) if parent in modules]
        if current in modules:
            reached += [each.target for each in imports(modules[current], modules) if each.at_load]
        waiting += [(target, chains[current]) for target in reached]
    return chains


def private_tensorflow(module: Module) -> list[tuple[int, str]]:
    """Line and text of each use of a name that TensorFlow does not publish, as far as the source shows it."""
    aliases = {"tensorflow"} | {
        alias.asname or alias.name
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name == "tensorflow"
    }
    found: set[tuple[int, str]] = set()
    for node in ast.walk(module.tree):
        for target in _targets(node, module, {}):
            if _PRIVATE_MODULE.match(target):
                found.add((_line(node), target))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _PRIVATE_MODULE.fullmatch(node.value):
            found.add((node.lineno, node.value))
        if isinstance(node, ast.Attribute) and _is_private_chain(node, aliases):
            found.add((node.lineno, ast.unparse(node)))
        if isinstance(node, ast.ClassDef) and any(_root(base) in aliases for base in node.bases):
            found.update(_inherited_privates(node))
    return sorted(found)


def _walk(node: ast.AST, *, at_load: bool) -> Iterator[tuple[ast.stmt, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.Import, ast.ImportFrom)):
            yield child, at_load
        elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield from _walk(child, at_load=False)
        elif isinstance(child, ast.If) and _root(child.test, last=True) == "TYPE_CHECKING":
            for statement in child.body:
                yield from _walk(ast.Module([statement], []), at_load=False)
            for statement in child.orelse:
                yield from _walk(ast.Module([statement], []), at_load=at_load)
        else:
            yield from _walk(child, at_load=at_load)


def _targets(node: ast.AST, module: Module, modules: Mapping[str, Module]) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = ".".join(filter(None, [_package_above(module, node.level), node.module]))
    named = [f"{base}.{alias.name}" for alias in node.names]
    if base == "tensorflow":
        return named
    return sorted({name if name in modules else base for name in named})


def _package_above(module: Module, level: int) -> str:
    if not level:
        return ""
    parts = module.name.split(".")
    return ".".join(parts[: len(parts) - level + module.is_package])


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


def _is_private_chain(node: ast.Attribute, aliases: set[str]) -> bool:
    private = node.attr.startswith("_") and not node.attr.endswith("__")
    top_level = isinstance(node.value, ast.Name) and node.attr == "python"
    return _root(node) in aliases and (private or top_level)


def _inherited_privates(node: ast.ClassDef) -> Iterator[tuple[int, str]]:
    """Reads of self._name where the class neither defines nor assigns that name: it is TensorFlow's."""
    own = {child.name for child in node.body if isinstance(child, (ast.FunctionDef, ast.ClassDef))}
    own |= {name.id for child in node.body for name in ast.walk(child) if isinstance(name, ast.Name)}
    private = [
        each
        for each in ast.walk(node)
        if isinstance(each, ast.Attribute) and each.attr.startswith("_") and not each.attr.endswith("__")
    ]
    on_self = [each for each in private if isinstance(each.value, ast.Name) and each.value.id == "self"]
    own |= {each.attr for each in on_self if isinstance(each.ctx, ast.Store)}
    foreign = [each for each in on_self if each.attr not in own]
    foreign += [each for each in private if ast.unparse(each.value) == "super()"]
    return ((each.lineno, f"{node.name}: {ast.unparse(each)}") for each in foreign)


def _root(node: ast.expr, *, last: bool = False) -> str:
    """The first name of a dotted expression such as `tf.compat.v1`, or the last; empty for any other."""
    if isinstance(node, ast.Attribute):
        return node.attr if last else _root(node.value)
    return node.id if isinstance(node, ast.Name) else ""


def _line(node: ast.AST) -> int:
    return node.lineno if isinstance(node, ast.stmt) else 0
