"""`lakepact testing …`: doubles of services, to try lakepact or your own client against."""

from __future__ import annotations

import shlex
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lakepact.cli.arguments import regular_file
from lakepact.cli.output import say, show_json, write
from lakepact.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lakepact.testing.collibra_seeding import SeedFile
    from lakepact.testing.collibra_server import CollibraServer

__all__ = ["collibra", "testing"]

testing = typer.Typer(
    name="testing",
    help="Doubles of services on this machine, for trying things out and for tests.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@testing.callback()
def _testing() -> None:
    """Doubles of services on this machine, for trying things out and for tests."""


@testing.command()
def collibra(
    port: Annotated[int, typer.Option(metavar="PORT", min=0, max=65535, help="Port; 0 is any that is free.")] = 0,
    seed: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What the tenant has at the start.", show_default=False)
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep the state there, and go on with it.", show_default=False),
    ] = None,
    latency: Annotated[float, typer.Option(metavar="SECONDS", min=0.0, help="How long every answer takes.")] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run a double of Collibra on this machine until it is interrupted; prints its address and credentials.

    What it prints are lines for a shell, with the variables that `lakepact collibra` reads. It is as strict as the real
    one, and forgets everything at its end unless it has a folder. Its credentials are no secret: they are always these.
    """
    from lakepact.errors import EnvironmentLacking
    from lakepact.testing.collibra_server import CollibraServer

    wanted = None if seed is None else _seed(regular_file(seed, what="a seed"))
    begun = folder is None or not (folder / "state.json").exists()
    with ExitStack() as running:
        try:
            server = running.enter_context(CollibraServer(port=port, folder=folder))
        except OSError as error:
            message = f"the double cannot listen on port {port}: {error.strerror}"
            raise EnvironmentLacking(message, "LP429", "choose another port, or leave it out") from None
        # A state that was kept has the seed already.
        ports = _made(server, wanted) if wanted is not None and begun else {}
        server.latency = latency
        if as_json:
            show_json(_described(server, ports))
        else:
            write("".join(f"export {name}={shlex.quote(value)}\n" for name, value in _variables(server).items()))
            write("".join(f"# port {name}: {key}\n" for name, key in ports.items()))
        say(f"listening on {server.url}, until Ctrl-C")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            say(f"ended after {len(server.requests):,} requests")


def _seed(file: Path) -> SeedFile:
    from lakepact.testing.collibra_seeding import read_seed

    try:
        return read_seed(file)
    except ValueError as error:
        raise UsageError(str(error), "LP429", "see docs/collibra.md") from None


def _made(server: CollibraServer, seed: SeedFile) -> dict[str, str]:
    from lakepact.testing.collibra_seeding import seed_server

    try:
        return seed_server(server, seed)
    except ValueError as error:
        raise UsageError(str(error), "LP429", "see docs/collibra.md") from None


def _variables(server: CollibraServer) -> dict[str, str]:
    return {
        "LAKEPACT_COLLIBRA_URL": server.url,
        "LAKEPACT_COLLIBRA_USER": server.client_id,
        "LAKEPACT_COLLIBRA_SECRET": server.client_secret,
    }


def _described(server: CollibraServer, ports: Mapping[str, str]) -> dict[str, Any]:
    return {
        "url": server.url,
        "token_url": f"{server.url}/rest/oauth/v2/token",
        "client_id": server.client_id,
        "client_secret": server.client_secret,
        "user": server.user,
        "password": server.password,
        "ports": dict(ports),
    }
