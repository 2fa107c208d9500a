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
