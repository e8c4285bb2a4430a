"""Run the simulator: ``python -m simulator --port 18080``."""

import argparse
import asyncio
from collections.abc import Sequence
import logging
from pathlib import Path
import signal
import ssl
import sys

from .catalog import EXTRA_KINDS, KINDS
from .guesses import Guesses
from .simulator import ACCESS_KEY, ORG_ID, SECRET_KEY, Simulator


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    guesses = "; ".join(
        f"{name}: {', '.join(values)}" for name, values in Guesses.choices().items()
    )
    result = argparse.ArgumentParser(
        prog="python -m simulator",
        description="An EnOS API gateway on loopback with a living building behind it.",
        epilog=f"Guesses (the first value is the default): {guesses}",
    )
    add = result.add_argument
    add("--port", type=int, default=18080, help="port of the gateway")
    add("--admin-port", type=int, default=18081, help="port of the controls")
    add("--devices", type=int, default=40, help="number of devices")
    add(
        *("--kind", "--kinds"),
        action="append",
        nargs="+",
        default=[],
        metavar="KIND=COUNT",
        help=f"more devices: {', '.join((*KINDS, *EXTRA_KINDS))}",
    )
    add("--seed", type=int, default=1, help="the same seed, the same building")
    add("--org", default=ORG_ID, help="organization id")
    add("--access-key", default=ACCESS_KEY)
    add("--secret-key", default=SECRET_KEY)
    add("--token-lifetime", type=float, default=7200.0, help="seconds")
    add("--time-scale", type=float, default=1.0, help="speed of physics")
    add("--no-physics", action="store_true", help="freeze the building")
    add("--guess", action="append", nargs="+", default=[], metavar="NAME=VALUE")
    add("--tls-cert", type=Path, help="serve https with this certificate")
    add("--tls-key", type=Path, help="the certificate's key")
    add("--log-level", default="INFO", choices=["DEBUG", "INFO", "WARNING", "ERROR"])
    return result


def build(arguments: Sequence[str]) -> Simulator:
    """Build the simulator that a command line asks for."""
    reader = parser()
    options = reader.parse_args(arguments)
    if not 0 <= options.devices <= 100_000:
        reader.error("--devices must be 0..100000")
    try:
        guesses = Guesses.parse(text for group in options.guess for text in group)
    except ValueError as error:
        reader.error(str(error))
    kinds: dict[str, int] = {}
    for text in (text for group in options.kind for text in group):
        name, _, count = text.partition("=")
        if name not in KINDS and name not in EXTRA_KINDS:
            reader.error(f"--kind: there is no kind {name!r}")
        if not count.isdecimal() or not 0 <= int(count) <= 100_000:
            reader.error(f"--kind: write KIND=COUNT with 0..100000, not {text!r}")
        kinds[name] = kinds.get(name, 0) + int(count)
    context: ssl.SSLContext | None = None
    if options.tls_cert is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.tls_cert, options.tls_key)
    logging.basicConfig(
        level=options.log_level,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    return Simulator(
        seed=options.seed,
        devices=options.devices,
        kinds=kinds,
        guesses=guesses,
        port=options.port,
        admin_port=options.admin_port,
        ssl_context=context,
        org_id=options.org,
        access_key=options.access_key,
        secret_key=options.secret_key,
        token_lifetime=options.token_lifetime,
        physics=not options.no_physics,
        time_scale=options.time_scale,
    )


async def run(simulator: Simulator) -> None:
    """Run until somebody ends it."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    async with simulator:
        print(
            f"Gateway address: {simulator.url}\n"
            f"Organization:    {simulator.org_id}\n"
            f"Access key:      {simulator.access_key}\n"
            f"Secret key:      {simulator.secret_key}\n"
            f"Controls:        {simulator.admin_url}\n"
            f"Devices:         {len(simulator.devices)}",
            flush=True,
        )
        await ended.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the simulator."""
    simulator = build(sys.argv[1:] if arguments is None else arguments)
    try:
        asyncio.run(run(simulator))
    except OSError as error:
        print(f"Cannot listen: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
