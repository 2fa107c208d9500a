"""The rooms of helpers/ have one direction: a folder imports only those above it, and commands import all."""
import ast

ORDER = ["files", "checks", "game", "checkpoints", "learning", "agents", "runs", "measuring", "watching"]
APART = {("checkpoints", "game"), ("learning", "game")}
"""Rooms that know nothing of games."""


def test_a_room_imports_only_rooms_above_it(project):
    for path in (project / "helpers").rglob("*.py"):
        room = path.relative_to(project / "helpers").parts[0].replace(".py", "")
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        names = [node.module.split(".") for node in nodes if isinstance(node, ast.ImportFrom)]
        for other in [name[1] for name in names if name[0] == "helpers" and len(name) > 1]:
            if room in ORDER:
                assert other in ORDER[:ORDER.index(room) + 1], f"{path} imports {other}, which lies below it"
                assert (room, other) not in APART, f"{path} imports {other}"


def test_no_function_is_longer_than_50_lines(project):
    for path in [*(project / "helpers").rglob("*.py"), *(project / "tools").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                last = max(getattr(part, "lineno", 0) for part in ast.walk(node))
                assert last - node.lineno < 50, f"{path}: {node.name} has {last - node.lineno + 1} lines"


def test_no_circle_and_at_most_nine_floors(project):
    """A module's floor is one above the highest of those that it imports, be it only when a function is called."""
    above = {}
    for path in (project / "helpers").rglob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        module = ".".join(path.relative_to(project).with_suffix("").parts)
        above[module] = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}

    def floor(module, below=()):
        assert module not in below, f"a circle: {' imports '.join([*below, module])}"
        return 1 + max([floor(other, (*below, module)) for other in above[module] if other in above], default=0)

    assert max(floor(module) for module in above) <= 9
