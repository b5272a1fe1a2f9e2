"""What every test can rely on: programs from outside are asked for by name, and a missing one is said aloud."""

from __future__ import annotations

import contextlib
import os

import pytest
from hypothesis import HealthCheck, settings

from tests.harness import database, node, postgresql
from tests.harness.long_profile import long_profile
from tests.harness.needs import missing
from tests.harness.quick_folder import quick_folder

settings.register_profile(
    "spaces",
    max_examples=40,  # of what needs no database; the long profile has as many as one likes
    suppress_health_check=[HealthCheck.too_slow],  # it measures the machine, not us
)
if examples := long_profile():
    settings.register_profile("spaces", settings.get_profile("spaces"), max_examples=examples, deadline=None)
settings.load_profile("spaces")

if (in_memory := quick_folder()) is not None:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", in_memory)  # where pytest makes the tests' folders

pytest_plugins = (
    "tests.harness.world", "tests.harness.histories", "tests.harness.provider_stands", "tests.harness.courier_process",
)  # fmt: skip

DATABASE_FIXTURES = {"world", "worlds", "node", "stand", "stripe_shop"}
DATABASE_HELPERS = (database.fresh_engine, database.fresh_database_url, node.running, node.served)
"""Who asks for one of these works on a database: these tests are run on PostgreSQL too."""
SKIPPED_UNDER_CI = 10
"""How such a run ends: none of pytest's own numbers, so that nothing takes it for tests that failed."""
LISTENERS = ("tests.harness.client", "tests.harness.measure", "tests.harness.nodes", "tests.harness.patience")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--postgresql", action="store_true", help="run the tests that touch a database, on PostgreSQL instead of SQLite"
    )


def pytest_configure(config: pytest.Config) -> None:
    """One cluster for the whole run; workers of pytest-xdist find its address in their environment."""
    if not config.getoption("--postgresql") or database.server_url() or missing("postgresql"):
        return
    stack = contextlib.ExitStack()
    os.environ[database.SERVER_URL] = stack.enter_context(postgresql.cluster())
    config.add_cleanup(stack.close)


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if listens(item):
            item.add_marker(pytest.mark.listens)
        if any("netns" in marker.args for marker in item.iter_markers("needs")):
            item.add_marker(pytest.mark.alone)
    postgresql_pass = config.getoption("--postgresql")
    elsewhere = "sqlite" if postgresql_pass else "postgresql"
    chosen: list[pytest.Item] = []
    others: list[pytest.Item] = []
    for item in items:
        here = item.get_closest_marker(elsewhere) is None
        (chosen if here and (touches_database(item) or not postgresql_pass) else others).append(item)
    for item in chosen if postgresql_pass else ():
        item.add_marker(pytest.mark.needs("postgresql"))
    config.hook.pytest_deselected(items=others)
    items[:] = chosen


def listens(item: pytest.Item) -> bool:
    """Among the tests that run whole programs: those whose file has to do with sound that comes in real time."""
    if not isinstance(item, pytest.Function) or item.path.parent.name not in ("interop", "browser"):
        return False
    return any(getattr(one, "__module__", None) in LISTENERS for one in vars(item.module).values())


def touches_database(item: pytest.Item) -> bool:
    if not isinstance(item, pytest.Function):
        return False
    helpers = any(getattr(item.module, helper.__name__, None) is helper for helper in DATABASE_HELPERS)
    return helpers or not DATABASE_FIXTURES.isdisjoint(item.fixturenames)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        for name in marker.args:
            reason = missing(name)
            if reason:
                pytest.skip(f"needs {name}: {reason}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what was left out, so that a green line cannot be taken for the whole."""
    skipped = terminalreporter.stats.get("skipped", [])
    if not skipped:
        return
    terminalreporter.section(f"NOT RUN: {len(skipped)} skipped")
    for report in skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        terminalreporter.line(f"{report.nodeid}: {reason}")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Under CI a skipped test is a failed run, whatever else failed: what it needed should have been installed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") == "true" and exitstatus <= 1 and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = SKIPPED_UNDER_CI
