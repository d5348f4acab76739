import os
import random
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from tests.faults.running import ROOT, Installation, Relay, installed
from tests.servers import NoServerError, Server, free_port, make_postgres, make_redis

TEMPLATE = "messenger_template"
# What was committed must survive the stop of the server; that of the machine is not tried here.
DURABLE = {"fsync": "off", "synchronous_commit": "on", "full_page_writes": "off"}
Install = Callable[..., Installation]


@pytest.fixture(scope="session")
def servers() -> Iterator[tuple[Server, Server]]:
    """A PostgreSQL with our tables in a template, and a Redis; both may be stopped, and must be left running."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="messenger-faults-")))
        folder.chmod(0o755)  # its owner may be root, its users are not
        try:
            postgres, redis = make_postgres(folder, DURABLE), make_redis(folder)
            stack.enter_context(postgres.running(signal.SIGINT))
            stack.enter_context(redis.running(signal.SIGTERM))
        except NoServerError as missing:
            pytest.skip(str(missing))
        with psycopg.connect(postgres.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {TEMPLATE}")
        (folder / "home").mkdir()
        relay = Relay(folder / "nobody", port=free_port())
        Installation(folder / "home", postgres, redis, TEMPLATE, relay).run(str(ROOT / "manage.py"), "migrate", "-v0")
        yield postgres, redis


@pytest.fixture
def install(servers: tuple[Server, Server], tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Install]:
    """`install(LEASE_SECONDS=...)`: with these variables; its logs are shown when a test fails."""
    made: list[Installation] = []
    failed_before = request.session.testsfailed
    with ExitStack() as stack:

        def install(**more: object) -> Installation:
            home = tmp_path / str(len(made))
            home.mkdir()
            words = {name: str(value) for name, value in more.items()}
            made.append(stack.enter_context(installed(home, servers, TEMPLATE, words)))
            return made[-1]

        yield install
        if request.session.testsfailed > failed_before:
            print(*(one.logs() for one in made), sep="\n")


@pytest.fixture
def dice() -> random.Random:
    """Random, and the same again with `FAULTS_SEED=` of the run that failed."""
    seed = os.environ.get("FAULTS_SEED") or str(random.SystemRandom().randrange(10_000))
    print(f"FAULTS_SEED={seed}")
    return random.Random(seed)
