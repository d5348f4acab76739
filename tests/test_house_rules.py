"""The rules this code keeps, each with its reason. Where one stands in the way of a better idea, change it here."""

import ast
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.core.management import call_command

ROOT = Path(__file__).resolve().parent.parent
APPS = ("broadcasts", "tracking", "reports")
# Mail programs know no stylesheets: what is written for them keeps its styles in the message itself.
MAIL_TEMPLATES = re.compile(r"^email/")


def modules(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return sorted(path for path in found if "migrations" not in path.parts)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


CODE = modules("messenger", *APPS)
ALL = CODE + modules("tests")
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
LOCKS = ("requirements.txt", "requirements-dev.txt")

every_lock = pytest.mark.parametrize("name", LOCKS)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def test_modules_stay_short() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in ALL}
    long = {name: lines for name, lines in lengths.items() if lines > 300}
    assert not long, f"{long} lines. Past 300 readers get lost: give a part a name of its own."


def lengths_of_functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{name_of(path)}:{node.name}", (node.end_lineno or 0) - node.lineno + 1


def test_functions_stay_short() -> None:
    long = {name: lines for path in ALL for name, lines in lengths_of_functions(path) if lines > 50}
    assert not long, f"{long} lines. A function over 50 lines has steps: give them names."


def test_modules_are_named_after_the_deed() -> None:
    vague = {"utils", "helpers", "services", "common", "misc", "tools"}
    found = [name_of(path) for path in CODE if vague & {path.stem, *path.relative_to(ROOT).parent.parts}]
    assert not found, f"{found}: ask who owns what is in there, and put it there."


def writes_result(node: ast.AST) -> bool:
    """`x.result = `, `update(result=...)` other than raised_to(...), `bulk_update(..., ["result"])`, SET result."""
    if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return any(isinstance(t, ast.Attribute) and t.attr == "result" and not is_another_fact(t) for t in targets)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr == "update":
            return any(word.arg == "result" and not calls_raised_to(word.value) for word in node.keywords)
        if node.func.attr == "bulk_update":
            return any(isinstance(part, ast.Constant) and part.value == "result" for part in ast.walk(node))
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return bool(re.search(r"\bSET\b[^;]*\bresult\b\"?\s*=", node.value))
    return False


def is_another_fact(target: ast.Attribute) -> bool:
    """An attempt's result is what the server's answer meant that day; nothing changes it later."""
    return isinstance(target.value, ast.Name) and target.value.id in {"self", "attempt"}


def calls_raised_to(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and getattr(value.func, "id", getattr(value.func, "attr", "")) == "raised_to"


def test_one_writer_of_results() -> None:
    others = [path for path in CODE if "preparing" not in path.parts and name_of(path) != "broadcasts/results.py"]
    found = [
        f"{name_of(path)}:{getattr(node, 'lineno', 0)}"
        for path in others
        for node in ast.walk(tree_of(path))
        if writes_result(node)
    ]
    assert not found, (
        f"{found} set a result. Results only go forward, whatever arrives in whatever order: use raise_results or "
        "raised_to of broadcasts.results."
    )


@pytest.mark.parametrize(
    "code",
    [
        "row.result = Result.SENT",
        "rows.update(result=Result.SENT)",
        "rows.bulk_update(found, ['attempts', 'result'])",
        "cursor.execute('UPDATE broadcasts_delivery SET attempts = 1, result = 10')",
    ],
)
def test_the_search_for_writers_of_results_finds_them(code: str) -> None:
    assert any(writes_result(node) for node in ast.walk(ast.parse(code)))


def imported_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_nobody_imports_the_project_package() -> None:
    found = [
        name_of(path)
        for path in modules(*APPS)
        if any(name.split(".")[0] == "messenger" for name in imported_names(tree_of(path)))
    ]
    assert not found, f"{found} import messenger. The apps know settings only by django.conf.settings."


@pytest.mark.django_db
def test_no_change_of_a_model_waits_for_its_migration() -> None:
    try:
        call_command("makemigrations", check=True, dry_run=True, verbosity=1)
    except SystemExit:
        pytest.fail("A model changed and its migration is missing: run manage.py makemigrations and name it.")


def inline_parts(template: Path) -> list[str]:
    text = re.sub(r"{#.*?#}|{% comment %}.*?{% endcomment %}", "", template.read_text(), flags=re.DOTALL)
    found = re.findall(r"<style\b|\sstyle\s*=|\son[a-z]+\s*=\s*[\"']|javascript:", text)
    return found + [tag for tag in re.findall(r"<script\b[^>]*>", text) if not re.search(r"\bsrc=|\bnonce=", tag)]


def test_templates_have_nothing_inline() -> None:
    pages = [path for path in TEMPLATES if not MAIL_TEMPLATES.search(path.relative_to(ROOT / "templates").as_posix())]
    found = {name_of(path): parts for path in pages if (parts := inline_parts(path))}
    assert not found, (
        f"{found}. The Content-Security-Policy allows files only, so that nothing that somebody types can ever run: "
        "use static/css and static/js."
    )


@every_lock
def test_locks_name_no_registry(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text, f"{name} records an address. Make it with `make lock`."
    assert "--hash=sha256:" in text, f"{name} has no hashes. Make it with `make lock`."


def names_in_lock(name: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==", (ROOT / name).read_text(), flags=re.MULTILINE))


@every_lock
def test_locks_hold_every_dependency(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = list(project["dependencies"])
    if name == "requirements-dev.txt":
        wanted += project["optional-dependencies"]["dev"]
    names = {re.split(r"[\[<>=!~; ]", want, maxsplit=1)[0].lower() for want in wanted}
    assert not names - names_in_lock(name), f"{name} does not match pyproject.toml. Run `make lock`."


def test_development_installs_the_same_versions() -> None:
    runtime, development = (
        dict(re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", (ROOT / name).read_text(), flags=re.MULTILINE))
        for name in LOCKS
    )
    differing = {name for name, version in runtime.items() if development.get(name) != version}
    assert not differing, f"Tested with other versions than served: {differing}. Run `make lock`."


@pytest.mark.parametrize(("name", "options"), [(LOCKS[0], []), (LOCKS[1], ["--extra", "dev"])])
def test_locks_match_pyproject(name: str, options: list[str], tmp_path: Path) -> None:
    uv = shutil.which("uv")
    if not uv:
        pytest.skip("uv is not installed; it makes the locks.")
    # What is there already stays chosen, so that a new release somewhere does not fail this test.
    copy = shutil.copy(ROOT / name, tmp_path / name)
    command = [uv, "pip", "compile", "pyproject.toml", "--universal", "--generate-hashes", "--no-header", "--quiet"]
    command += ["--no-emit-index-url", "--no-emit-find-links", *options, "-o", str(copy)]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"uv could not ask for packages: {made.stderr.strip().splitlines()[-1:]}")
    assert Path(copy).read_text() == (ROOT / name).read_text(), (
        f"{name} is not what pyproject.toml says: `make lock`."
    )


def test_no_foreign_lock_is_committed() -> None:
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode:
        pytest.skip("Not a git checkout.")
    found = [
        name for name in listing.stdout.splitlines() if re.fullmatch(r"(.*/)?(uv\.lock|pylock.*\.toml|\.env)", name)
    ]
    assert not found, f"{found}: these record where packages came from, or secrets. They stay out."


def naps(path: Path) -> Iterator[str]:
    """Sleeping between two looks at a condition is waiting for an event."""
    tree = tree_of(path)
    looking_again = {id(node) for loop in ast.walk(tree) if isinstance(loop, ast.While) for node in ast.walk(loop)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or id(node) in looking_again:
            continue
        if ast.unparse(node.func) in {"time.sleep", "sleep", "page.wait_for_timeout"}:
            yield f"{name_of(path)}:{node.lineno}"


def test_tests_wait_for_events_not_for_time() -> None:
    asleep = [nap for path in modules("tests") for nap in naps(path)]
    assert not asleep, f"{asleep}: too long on a fast machine, too short on a slow one."
