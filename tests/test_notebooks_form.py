"""Every notebook has the same anatomy, so that a reader who knows one knows them all."""
import ast
import base64
import importlib.util
import io
import re
from pathlib import Path

import nbformat
import pytest
from PIL import Image

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
TRAINED = ("03", "05", "06", "08")  # these show a game
PROMISE = {"01_set_up": "08_measure_the_agents", "02_import_roms": "08_measure_the_agents"}
"""Notebooks in which no game is played yet open with another one's picture of the end."""
LIVE = {"game_player", "tensorboard"}  # what only runs live, as tests/browser/take_pictures.py saw it

spec = importlib.util.spec_from_file_location("run_notebooks", FOLDER.parent / "tools" / "run_notebooks.py")
run_notebooks = importlib.util.module_from_spec(spec)
spec.loader.exec_module(run_notebooks)


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def notebook(path):
    return nbformat.read(str(path), as_version=4)


def tagged(notebook, tag):
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def markdown(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def section(notebook, title):
    """The text under a heading, up to the next heading of any level."""
    found = re.search(rf"^#+ {title}\n(.*?)(?=^#+ |\Z)", markdown(notebook), re.MULTILINE | re.DOTALL)
    assert found, f"no section {title!r}"
    return found.group(1)


def numbers_in(text):
    """The numbers of a text, without the commas between thousands and without a zero that says nothing."""
    found = re.findall(r"(?<![\w.])\d[\d,]*(?:\.\d+)?", text.replace("_", ""))
    return {float(number.replace(",", "")) for number in found}


def paragraphs(text):
    """A text's paragraphs as one line each, without headings, tables, formulas, code and HTML's own words."""
    text = re.sub(r"```.*?```|\$\$.*?\$\$", "", text, flags=re.DOTALL)
    text = re.sub(r"<summary>.*?</summary>|<[^>]*>", "\n\n", text)
    text = re.sub(r"^(?=\s*(?:- |\d\. ))", "\n", text, flags=re.MULTILINE)
    blocks = [" ".join(block.split()) for block in re.split(r"\n\s*\n", text)]
    return [block for block in blocks if block and not block.startswith(("#", "|"))]


def test_there_are_notebooks_numbered_without_a_gap():
    assert [int(path.name[:2]) for path in PATHS] == list(range(1, len(PATHS) + 1))
    assert all(re.fullmatch(r"\d\d(_[a-z0-9]+)+\.ipynb", path.name) for path in PATHS)


def test_the_first_cell_has_a_title_a_sentence_and_a_picture_of_the_end(path, notebook):
    title, sentence, picture = notebook.cells[0].source.split("\n\n")
    assert re.fullmatch(r"# [A-Z].*", title) and sentence.endswith(".")
    alternative, file = re.fullmatch(r"!\[(.*)\]\((.*)\)", picture).groups()
    assert len(alternative) > 20
    assert file == f"pictures/{PROMISE.get(path.stem, path.stem)}.png" and (FOLDER / file).stat().st_size < 400_000
    assert len(tagged(notebook, "picture-of-the-end")) == (path.stem not in PROMISE)


def test_no_picture_is_left_over():
    expected = {path.stem for path in PATHS} - set(PROMISE) | LIVE
    assert {path.stem for path in (FOLDER / "pictures").iterdir()} == expected


def test_what_only_runs_live_is_shown_under_its_cell(notebook):
    """With a sentence and words for those who can't see it."""
    for number, cell in enumerate(notebook.cells[:-1]):
        if cell.cell_type == "code" and re.search(r"^GamePlayer\(\)", cell.source, re.MULTILINE):
            below = notebook.cells[number + 1].source
            assert re.search(r"^[A-Z].*:\n\n!\[.{40,}\]\(pictures/game_player\.png\)$", below), below


def test_every_picture_says_what_it_shows(notebook):
    """The cell's metadata hold the words, where `make site` finds them."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and any("image/png" in output.get("data", {}) for output in cell.outputs):
            assert len(cell.metadata.get("alt", "")) > 20, cell.source


def test_what_you_learned_says_what_was_found(notebook):
    """Most of it in numbers, and each of them stands above: in an output, in code or in the text."""
    goals = re.findall(r"^- .*", section(notebook, "What you'll learn"), re.MULTILINE)
    learned = re.findall(r"^- .*", section(notebook, "What you learned"), re.MULTILINE)
    assert 3 <= len(goals) <= 5 and 3 <= len(learned) <= 5
    end = next(number for number, cell in enumerate(notebook.cells) if "## What you learned" in cell.source)
    before = numbers_in("\n".join(text for cell in notebook.cells[:end + 1] for text in [
        cell.source.split("## What you learned")[0], *map(run_notebooks.output_text, cell.get("outputs", []))]))
    assert sum(bool(numbers_in(finding)) for finding in learned) >= 3, learned
    for finding in learned:
        assert numbers_in(finding) <= before, f"found nowhere above: {numbers_in(finding) - before} in {finding}"


def test_paragraphs_are_short(notebook):
    """At most 90 words; a list's entries, a quotation and a folded answer are paragraphs of their own."""
    for paragraph in paragraphs(markdown(notebook)):
        assert len(paragraph.split()) <= 90, f"{len(paragraph.split())} words: {paragraph}"


def test_it_says_what_is_needed(notebook):
    needed = section(notebook, "What you'll need")
    assert re.search(r"minute", needed) and ("memory" in needed or "network" in needed)


def test_imports_come_first_and_install_nothing(notebook):
    """Those that the whole notebook needs stand in the first code cell; others open the cell that first needs them."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(isinstance(statement, (ast.Import, ast.ImportFrom)) for statement in ast.parse(code[0].source).body)
    assert len(code[0].source.splitlines()) <= 12, "import where first used"
    imported = []
    for cell in code:
        assert not re.search(r"^\s*[!%]|sys\.path|NBVAL_SKIP", cell.source, re.MULTILINE)
        statements = ast.parse(cell.source).body
        imports = [line for line in statements if isinstance(line, (ast.Import, ast.ImportFrom))]
        assert statements[:len(imports)] == imports, f"imports stand at the top of their cell: {cell.source}"
        assert cell is code[0] or len(imports) <= 3, cell.source
        imported += [alias.asname or alias.name for line in imports for alias in line.names]
    assert len(imported) == len(set(imported)), "imported twice"


def test_one_cell_holds_the_numbers_each_with_its_meaning(notebook):
    (cell,) = tagged(notebook, "parameters")
    assert [other for other in notebook.cells if other.cell_type == "code"].index(cell) == 1
    for line in cell.source.splitlines():
        assert re.fullmatch(r"[A-Z_]+(, [A-Z_]+)* = .+  # \S.*", line), line
    assert all(isinstance(statement, ast.Assign) for statement in ast.parse(cell.source).body)


def test_questions_and_exercises_have_folded_answers(notebook):
    questions = section(notebook, "Check yourself")
    assert 3 <= len(re.findall(r"^\d\. ", questions, re.MULTILINE)) <= 5
    assert questions.count("<summary>Answer</summary>") == len(re.findall(r"^\d\. ", questions, re.MULTILINE))
    exercises = tagged(notebook, "exercise")
    assert 2 <= len(exercises) <= 3
    assert markdown(notebook).count("<summary>Solution</summary>") == len(exercises)
    assert markdown(notebook).count("<details>") == markdown(notebook).count("</details>")


def test_differences_from_the_post_and_references_are_listed(notebook):
    assert section(notebook, "Where this differs from the blog post").strip().startswith("- ")
    assert section(notebook, "References").strip().startswith("- ")


def test_links_between_notebooks_work(notebook):
    for target in re.findall(r"\]\(([^)#:]+)\)", markdown(notebook)):
        assert (FOLDER / target).exists(), f"{target} does not exist"


def test_the_glossary_is_linked_from_the_notebooks():
    """Each of its terms once, at the first place that matters, and no other term."""
    terms = re.findall(r"^## (.*)$", (FOLDER / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert terms == sorted(terms), "in the order of the alphabet"
    linked = [term for path in FOLDER.glob("*.ipynb")
              for term in re.findall(r"\]\(glossary\.md#([^)]*)\)", path.read_text(encoding="utf-8"))]
    assert sorted(linked) == sorted(term.replace(" ", "-") for term in terms)


def test_no_line_is_wider_than_the_page(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert [line for line in cell.source.splitlines() if len(line) > 100] == []


def test_helpers_are_imported_before_tensorflow(notebook):
    """So that TensorFlow's start-up messages are quiet."""
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    assert first.source.startswith("from helpers import")


def test_random_numbers_are_seeded_by_set_seeds(notebook):
    """It refuses what is no seed by name; NumPy, alone, with words of its own."""
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert not re.search(r"\brandom\.seed\(|set_seed\(|set_random_seed\(", code)


def test_cells_are_short(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code" and not cell.metadata.get("tags"):
            assert len(cell.source.splitlines()) <= 30, cell.source


def test_it_is_stored_as_one_clean_run(path, notebook):
    assert path.stat().st_size < 1_000_000
    assert notebook.metadata.kernelspec == {"display_name": "Python 3", "language": "python", "name": "python3"}
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), "run `make notebooks`"
    assert not [output for cell in code for output in cell.outputs if output.output_type == "error"]
    assert list(run_notebooks.find_problems(notebook)) == []
    assert not [cell for cell in notebook.cells if "execution" in cell.metadata]


def test_compared_outputs_are_plain_text(notebook):
    """nbval compares these letter by letter; pictures and bars would differ."""
    for cell in notebook.cells:
        if "NBVAL_CHECK_OUTPUT" in cell.source:
            assert cell.outputs and all(output.output_type == "stream" for output in cell.outputs), cell.source


@pytest.mark.parametrize("number", TRAINED)
def test_gameplay_is_stored_and_moves(number):
    (path,) = FOLDER.glob(f"{number}_*.ipynb")
    (cell,) = tagged(nbformat.read(str(path), as_version=4), "picture-of-the-end")
    (data,) = (output.data["image/png"] for output in cell.outputs if "image/png" in output.get("data", {}))
    picture = base64.b64decode(data)
    assert Image.open(io.BytesIO(picture)).n_frames > 50
    assert (FOLDER / "pictures" / f"{path.stem}.png").read_bytes() == picture
