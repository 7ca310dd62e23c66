"""The structure of the code: no circles, inner parts say so by their name, no name stands for two things."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("sequoia_base", "sequoia_stats", "sequoia_model")
#: Every module by its dotted name, a package by that of its folder.
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}


def is_package(module: str) -> bool:
    return MODULES[module].name == "__init__.py"


def imports_of(module: str) -> set[str]:
    """Modules of ours that a module imports when it runs: all but those for type checkers alone."""
    tree = ast.parse(MODULES[module].read_text())
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) not in skipped and isinstance(node, ast.ImportFrom) and node.module:
            named = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name for name in named if name in MODULES} or {node.module} & MODULES.keys()
    return found - {module}


IMPORTS = {module: imports_of(module) for module in MODULES}


def shown_by_a_face() -> set[str]:
    """Modules that the `__init__` of their room or of their package names, also for loading at first use."""
    faces = {module: MODULES[module].read_text() for module in MODULES if is_package(module)}
    return {
        module
        for module in MODULES
        for face in {module.rpartition(".")[0], module.partition(".")[0]} & faces.keys()
        if module in IMPORTS[face]
        or f"from {module} import" in faces[face]
        or f'"{module.removeprefix(f"{face}.")}:' in faces[face]
    }


def circles() -> list[set[str]]:
    """Groups of modules that reach each other."""
    reach: dict[str, set[str]] = {}
    for start in IMPORTS:
        seen, waiting = set(), list(IMPORTS[start])
        while waiting:
            module = waiting.pop()
            if module not in seen:
                seen.add(module)
                waiting.extend(IMPORTS[module])
        reach[start] = seen
    return [{a, b} for a in reach for b in reach[a] if a < b and a in reach[b]]


def public_names(package: str) -> set[str]:
    """Names that a package takes out of its modules."""
    tree = ast.parse(MODULES[package].read_text())
    return {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(package)
        for alias in node.names
        if f"{node.module}.{alias.name}" not in MODULES
    }


def defined_names(tree: ast.Module) -> list[str]:
    """Names of the classes, and of what is assigned, at the top of a module."""
    found = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            found.append(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found += [
                name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)
            ]
    return found


def capitalised_names(module: str) -> list[str]:
    """Public classes, aliases and constants of a module; a package only has classes of its own."""
    tree = ast.parse(MODULES[module].read_text())
    if is_package(module):
        tree.body = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return [name for name in defined_names(tree) if name[0].isupper()]


def test_no_module_reaches_itself():
    assert circles() == []


def test_a_module_that_one_other_uses_is_named_as_an_inner_part():
    users = defaultdict(set)
    for module, imported in IMPORTS.items():
        for name in imported:
            users[name].add(module)
    shown = shown_by_a_face()
    lonely = [
        module
        for module in MODULES
        if not is_package(module) and ".cli." not in module  # commands are looked up by the application
        if len(users[module]) == 1 and module not in shown
        if not module.rpartition(".")[2].startswith("_")
    ]
    assert lonely == []


def test_no_module_has_the_name_of_something_that_its_package_exports():
    clashes = [
        module
        for module in MODULES
        if (package := module.rpartition(".")[0]) in MODULES
        if module.rpartition(".")[2] in public_names(package)
    ]
    assert clashes == []


def test_no_class_alias_or_constant_has_two_homes():
    homes = Counter(name for module in MODULES for name in set(capitalised_names(module)))
    assert [name for name, n in homes.items() if n > 1] == []


def test_the_names_of_a_module_are_its_classes_aliases_and_constants():
    text = "from x import A\nB = int\nC: int = 1\nD, E = 1, 2\n_F = g = 1\nclass H: pass\nif A:\n    I = 1\n"
    assert defined_names(ast.parse(text)) == ["B", "C", "D", "E", "_F", "g", "H"]
