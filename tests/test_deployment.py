"""The files for running Messenger elsewhere say the same as the Procfile, which the tests start."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
UNITS = ROOT / "deploy" / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))


def procfile() -> dict[str, str]:
    lines = (line.partition(":") for line in (ROOT / "Procfile").read_text().splitlines())
    return {name: command.strip() for name, _, command in lines}


def plain(command: str) -> list[str]:
    """Without what is written differently: folders, defaults of variables, how many processes."""
    words = command.replace("/srv/messenger/", "")
    words = re.sub(r"\$\{(\w+)(:-[^}]*)?\}", r"\1", words)
    return re.sub(r"--processes \d+", "", words).split()


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.stem)
def test_a_unit_runs_its_line_of_the_procfile(unit: Path) -> None:
    name = unit.stem.removeprefix("messenger-").rstrip("@")
    command = re.search(r"^ExecStart=(.*)$", unit.read_text(), re.MULTILINE)
    assert command
    assert plain(command[1]) == plain(procfile()[name])


def test_every_process_has_a_unit() -> None:
    assert {unit.stem.removeprefix("messenger-").rstrip("@") for unit in SERVICES} == set(procfile())


def test_systemd_understands_the_units(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("There is no systemd-analyze here.")
    for unit in UNITS.iterdir():
        # A template is checked as one of its instances; the program is not installed here.
        target = tmp_path / unit.name.replace("@.", "@1.")
        target.write_text(unit.read_text().replace("/srv/messenger/.venv/bin/", "/bin/true "))
    units = [str(path) for path in sorted(tmp_path.iterdir()) if path.suffix in (".service", ".target")]
    done = subprocess.run([program, "verify", *units], capture_output=True, text=True, check=False)
    said = [line for line in done.stderr.splitlines() if str(tmp_path) in line or "messenger" in line]
    assert said == []


def test_the_example_of_settings_names_known_ones() -> None:
    explained = (ROOT / ".env.example").read_text()
    names = re.findall(r"^(\w+)=", (UNITS / "environment.example").read_text(), re.MULTILINE)
    assert [name for name in names if f"#{name}=" not in explained] == []
