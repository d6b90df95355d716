"""The compose file: what production promises, and its commands as processes on real servers."""

from __future__ import annotations

import signal
import socket
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
import yaml
from conftest import create_postgres_database, psycopg_url
from fivesigma_backend.core.ids import new_id
from server_processes import Process, answers, environment, eventually, server

ROOT = Path(__file__).parent.parent
OURS = {"web", "worker", "beat", "migrate"}
Service = dict[str, Any]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Service]:
    found: dict[str, Service] = compose["services"]
    return found


def test_every_part_of_production_is_there(services: dict[str, Service]) -> None:
    assert set(services) == OURS | {"postgres", "valkey"}


def test_only_the_web_is_published_and_only_on_this_host(services: dict[str, Service]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {"web": ["127.0.0.1:${PORT:-8000}:8000"]}
    assert all(service.get("network_mode") != "host" for service in services.values())


def test_database_and_broker_are_on_a_network_that_leads_nowhere(
    compose: dict[str, Any], services: dict[str, Service]
) -> None:
    assert compose["networks"]["back"] == {"internal": True}
    for name in ("postgres", "valkey"):
        assert services[name]["networks"] == ["back"]


def test_everything_that_stays_is_restarted_and_watched(services: dict[str, Service]) -> None:
    for name, service in services.items():
        if name == "migrate":
            assert service["restart"] == "on-failure"
        else:
            assert service["restart"] == "unless-stopped"
            # The web's is the image's own.
            assert name == "web" or service["healthcheck"]["test"][0] == "CMD"
    assert "HEALTHCHECK" in (ROOT / "Dockerfile").read_text()
    assert "/readyz" in (ROOT / "Dockerfile").read_text()


def test_secrets_come_from_files_and_stand_in_no_environment(
    compose: dict[str, Any], services: dict[str, Service]
) -> None:
    secrets = compose["secrets"]
    assert all(secret["file"] == f"./secrets/{name}" for name, secret in secrets.items())
    for service in services.values():
        assert set(service.get("secrets", [])) <= set(secrets)
        for name, value in service.get("environment", {}).items():
            assert name.endswith("_FILE") or not any(
                word in name for word in ("PASSWORD", "SECRET", "KEY", "DATABASE_URL")
            ), name
            assert "@" not in str(value)
    for name in OURS:
        assert {"fivesigma_database_url", "fivesigma_secret_key"} <= set(services[name]["secrets"])
    assert "/secrets/" in (ROOT / ".gitignore").read_text().split()


def test_the_platform_runs_without_privileges(services: dict[str, Service]) -> None:
    for name in OURS:
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["security_opt"] == ["no-new-privileges:true"]
        assert services[name]["volumes"] == ["data:/data"]
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert "PYTHONSAFEPATH=1" in dockerfile
    users = [line.split()[1] for line in dockerfile.splitlines() if line.startswith("USER ")]
    assert users == ["10001"]


def test_nothing_starts_before_what_it_needs(services: dict[str, Service]) -> None:
    for name in ("web", "worker"):
        assert services[name]["depends_on"] == {
            "migrate": {"condition": "service_completed_successfully"},
            "postgres": {"condition": "service_healthy"},
            "valkey": {"condition": "service_healthy"},
        }
    assert services["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}


def test_the_image_takes_every_source_root_and_nothing_else() -> None:
    wanted = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line[0] == "!"}
    roots = {path.parent.parent.name for path in ROOT.glob("*/fivesigma_*/__init__.py")}
    assert wanted == roots | {"pyproject.toml", "README.md"}


class Production:
    """The services of the compose file as processes, with its commands and settings."""

    def __init__(
        self, services: dict[str, Service], folder: Path, database_url: str, broker_url: str
    ) -> None:
        self._services = services
        self._addresses = {
            "redis://valkey:6379/0": broker_url,
            "${FIVESIGMA_STORAGE_URL:-file:///data/storage}": (folder / "storage").as_uri(),
            "${FIVESIGMA_PUBLIC_URL:-http://127.0.0.1:8000}": "http://127.0.0.1:8000",
            "${FIVESIGMA_FORWARDED_ALLOW_IPS:-172.30.5.1}": "127.0.0.1",
        }
        # What Docker puts under /run/secrets, and what the image sets.
        self._further = {
            "FIVESIGMA_DATABASE_URL": database_url,
            "FIVESIGMA_SECRET_KEY": "k" * 40,
            "FIVESIGMA_DATA_DIR": str(folder),
        }
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = str(free.getsockname()[1])

    def variables(self, name: str) -> dict[str, str]:
        """The settings of a service."""
        given = self._services[name]["environment"]
        return {key: self._addresses[value] for key, value in given.items()} | self._further

    def arguments(self, name: str) -> list[str]:
        """What its command gives to `fivesigma-server`; the web on a free port of this machine."""
        program, *arguments = self._services[name]["command"]
        assert program == "fivesigma-server"
        here = {"0.0.0.0": "127.0.0.1", "8000": self.port}
        return [here.get(argument, argument) for argument in arguments]


@pytest.fixture
def production(
    services: dict[str, Service], tmp_path: Path, postgres_url: str, broker_url: str
) -> Production:
    name = f"compose_{new_id()}"
    create_postgres_database(postgres_url, name)
    return Production(services, tmp_path, psycopg_url(postgres_url, name), broker_url)


@pytest.mark.faults
def test_the_commands_run_on_postgresql_and_valkey(production: Production) -> None:
    ran = server(*production.arguments("migrate"), **production.variables("migrate"))
    assert "the present schema" in ran.stdout
    command = [sys.executable, "-P", "-m", "fivesigma_backend.cli"]
    with ExitStack() as stack:
        parts = {}
        for name in ("web", "worker", "beat"):
            process = Process([*command, *production.arguments(name)], production.variables(name))
            stack.callback(process.end)
            parts[name] = process
        url = f"http://127.0.0.1:{production.port}"
        try:
            eventually(lambda: answers(f"{url}/readyz"))
        except AssertionError:
            raise AssertionError(httpx2.get(f"{url}/readyz").text) from None
        for name in ("beat", "worker"):  # each alone answers its health check
            eventually(lambda: healthy(production, "worker"))
            parts[name].send(signal.SIGTERM)
            assert parts[name].wait() == 0, parts[name].printed
        assert not healthy(production, "worker")
        parts["web"].send(signal.SIGTERM)
        assert parts["web"].wait() == 0, parts["web"].printed


def healthy(production: Production, name: str) -> bool:
    """Whether the health check of the service would pass."""
    kind, program, *arguments = production._services[name]["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "fivesigma-server")
    return server(*arguments, check=False, **production.variables(name)).returncode == 0


def test_the_valkey_command_keeps_nothing_on_disk(services: dict[str, Service]) -> None:
    assert services["valkey"]["command"] == ["valkey-server", "--save", "", "--appendonly", "no"]
    assert urlsplit(services["web"]["environment"]["FIVESIGMA_BROKER_URL"]).hostname == "valkey"


def test_no_setting_of_the_compose_file_is_unknown(services: dict[str, Service]) -> None:
    from fivesigma_backend.core.settings import load_settings

    for name in OURS:
        given = dict.fromkeys(services[name]["environment"], "x")
        load_settings(given)  # raises for a variable that is no setting
    assert environment().keys().isdisjoint(services["web"]["environment"])
