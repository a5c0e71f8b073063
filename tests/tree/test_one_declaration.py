"""What is told in one place is told there alone: the keys, and which engine it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from appliance.config.schema import KEY_BY_NAME

ROOT = Path(__file__).resolve().parents[2]
# The columns of another program's database: a key is among them when that program has it, not because we do.
_COLUMNS = "appliance/sark/reconcile.py"


def test_no_module_beside_the_declarations_has_a_table_of_keys() -> None:
    modules = [path for path in ROOT.glob("appliance/**/*.py") if not path.match("config/keys_*.py")]
    tables = [f"{path.relative_to(ROOT)}:{line}" for path in modules for line in _tables_of_keys(path)]
    assert [place for place in tables if not place.startswith(_COLUMNS)] == []
    assert len(tables) == 1, "the search finds the one that there is"


def _tables_of_keys(path: Path) -> Iterator[int]:
    """Yield the lines of the literals that hold three keys or more."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Tuple | ast.List | ast.Set | ast.Dict):
            members = node.keys if isinstance(node, ast.Dict) else node.elts
            texts = {member.value for member in members if isinstance(member, ast.Constant)}
            if len(texts & KEY_BY_NAME.keys()) >= 3:
                yield node.lineno


def test_nothing_outside_the_clusters_folder_names_an_engines_modules() -> None:
    root = ROOT / "appliance"
    for path in root.rglob("*.py"):
        agents = (root / "cli/ocf.py", root / "cli/fence_agent.py")
        inside = path.is_relative_to(root / "cluster") or path in agents
        engines = ("cluster.heartbeat", "cluster.pacemaker")
        assert inside or not any(engine in path.read_text() for engine in engines), path
