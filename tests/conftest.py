"""What tests of all kinds share: a real PostgreSQL, started at its first use; no stop-watch; short logs."""

import logging
import shutil
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.support.postgres import NoPostgres, Postgres, running_postgres

# An example that takes 200 ms says that the machine is busy, and nothing about the code.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

# Otherwise rich draws all variables of all frames below a traceback, for seconds, on the loop of the server under test.
plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[None]:
    """Tests that set up the bot's logs in this process leave the root logger's level as it was."""
    level = logging.getLogger().level
    yield
    logging.getLogger().setLevel(level)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for the whole run; each test makes its own database in it. Skips where there is none."""
    try:
        context = running_postgres()
        server = context.__enter__()
    except NoPostgres as error:
        pytest.skip(f"no PostgreSQL can be started here: {error}")
    yield server
    context.__exit__(None, None, None)


@pytest.fixture(scope="session")
def store_templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The URLs of migrated stores without rows, by kind: copying one takes a tenth of the time of making another."""
    return {}


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, store_templates: dict[str, str]
) -> str:
    """The URL of a store with tables and without rows, once of each kind."""
    if request.param == "sqlite":
        if "sqlite" not in store_templates:
            store_templates["sqlite"] = _migrated(f"sqlite:///{tmp_path_factory.mktemp('template')}/bot.db")
        copy = tmp_path_factory.mktemp("store") / "bot.db"
        shutil.copyfile(store_templates["sqlite"].removeprefix("sqlite:///"), copy)
        copy.chmod(0o600)
        return f"sqlite:///{copy}"
    server: Postgres = request.getfixturevalue("postgres")
    if "postgresql" not in store_templates:
        store_templates["postgresql"] = _migrated(server.url())
    return server.url(store_templates["postgresql"])


def _migrated(url: str) -> str:
    from bot.storage.database import Database  # most tests need no store

    database = Database(url)
    database.migrate()
    database.close()
    return url
