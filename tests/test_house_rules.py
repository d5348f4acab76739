"""The rules this code keeps, each with its reason. Where one stands in the way of a better idea, change it here."""

import ast
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command

ROOT = Path(__file__).resolve().parent.parent
APPS = ("broadcasts", "tracking", "reports")
# Mail programs know no stylesheets: what is written for them keeps its styles in the message itself.
MAIL_TEMPLATES = re.compile(r"(^|/)(mail|email|message)s?/")


def modules(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return sorted(path for path in found if "migrations" not in path.parts)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


CODE = modules("messenger", *APPS)
ALL = CODE + modules("tests")
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
LOCKS = ("requirements.txt", "requirements-dev.txt")

every_module = pytest.mark.parametrize("path", ALL, ids=name_of)
every_own_module = pytest.mark.parametrize("path", CODE, ids=name_of)
every_template = pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
every_lock = pytest.mark.parametrize("name", LOCKS)


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@every_module
def test_modules_stay_short(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    assert lines <= 300, (
        f"{name_of(path)} has {lines} lines. Past 300 readers get lost: give a part a name of its own."
    )


@every_module
def test_functions_stay_short(path: Path) -> None:
    functions = (node for node in ast.walk(tree_of(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    long = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions}
    long = {name: lines for name, lines in long.items() if lines > 50}
    assert not long, f"{name_of(path)}: {long} lines. A function over 50 lines has steps: give them names."


@every_own_module
def test_modules_are_named_after_the_deed(path: Path) -> None:
    vague = {"utils", "helpers", "services", "common", "misc", "tools"}
    assert not vague & {path.stem, *path.parent.parts}, f"{name_of(path)}: ask who owns it, and put it there."


def writes_result(node: ast.AST) -> bool:
    """`x.result = `, `update(result=...)` other than raised_to(...), `bulk_update(..., ["result"])`, SQL's SET result."""
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


@every_own_module
def test_one_writer_of_results(path: Path) -> None:
    name = name_of(path)
    if name == "broadcasts/results.py" or name.startswith("broadcasts/preparing/"):
        return
    lines = [getattr(node, "lineno", 0) for node in ast.walk(tree_of(path)) if writes_result(node)]
    assert not lines, (
        f"{name}:{lines} sets a result. Results only go forward, whatever arrives in whatever order: use "
        "raise_results or raised_to of broadcasts.results."
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


@pytest.mark.parametrize("path", modules(*APPS), ids=name_of)
def test_nobody_imports_the_project_package(path: Path) -> None:
    found = [name for name in imported_names(tree_of(path)) if name.split(".")[0] == "messenger"]
    assert not found, f"{name_of(path)} imports {found}. The apps know settings only by django.conf.settings."


@pytest.mark.django_db
def test_no_change_of_a_model_waits_for_its_migration() -> None:
    try:
        call_command("makemigrations", check=True, dry_run=True, verbosity=1)
    except SystemExit:
        pytest.fail("A model changed and its migration is missing: run manage.py makemigrations and name it.")


@every_template
def test_templates_have_nothing_inline(path: Path) -> None:
    if MAIL_TEMPLATES.search(path.relative_to(ROOT / "templates").as_posix()):
        pytest.skip("Written for mail programs, shown under a policy of its own.")
    text = re.sub(r"{#.*?#}|{% comment %}.*?{% endcomment %}", "", path.read_text(), flags=re.DOTALL)
    found = re.findall(r"<style\b|\sstyle\s*=|\son[a-z]+\s*=\s*[\"']|javascript:", text)
    found += [tag for tag in re.findall(r"<script\b[^>]*>", text) if not re.search(r"\bsrc=|\bnonce=", tag)]
    assert not found, (
        f"{name_of(path)} has {found}. The Content-Security-Policy allows files only, so that nothing that somebody "
        "types can ever run: use static/css and static/js."
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


@pytest.mark.parametrize("path", modules("tests"), ids=name_of)
def test_tests_wait_for_events_not_for_time(path: Path) -> None:
    if path.name == "with_servers.py":  # a port cannot be waited for otherwise
        return
    naps = [
        node.lineno
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"time.sleep", "sleep", "page.wait_for_timeout"}
    ]
    assert not naps, f"{name_of(path)}:{naps} sleeps: too long on a fast machine, too short on a slow one."
