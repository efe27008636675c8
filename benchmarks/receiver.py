"""Whether the webhook keeps up: signed notices at a fixed rate, whatever it answers, from a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.clicks import measure_clicks
from benchmarks.measure import Line
from lakepact.rerun.signatures import read_secrets, sign

__all__ = ["measure_receiver"]

_RATE = 200
_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
_MOST_BODY = 64 * 1024
# Of every so many notices one is as large as may be, and one is sent a second time.
_LARGE, _AGAIN = 20, 25
_WARM_SECONDS = 2


def measure_receiver(*, seconds: int = 60) -> Iterator[Line]:
    """200 notices a second, of which some are 64 KiB and some come twice, into an inbox in a Delta table.

    An inbox in memory is measured first: its p99 is what this machine, with all that runs on it, takes by itself.
    """
    with tempfile.TemporaryDirectory(prefix="lakepact-bench-") as name:
        before = os.getloadavg()[0]
        with _serving(Path(name), "memory:") as (address, _):
            control = _sent(address, max(seconds // 4, 1), "msg")
        with _serving(Path(name), f"delta:{name}/inbox") as (address, server):
            _sent(address, _WARM_SECONDS, "warm")
            report = _sent(address, seconds, "msg")
            cpu, megabytes = _cost(server)
        kept = _kept(Path(name))
    answered = set(report["received"])
    detail = f"{len(report['received']):,} received, load average {before:.1f} to {os.getloadavg()[0]:.1f}"
    yield Line(f"webhook, {_RATE} notices a second for {seconds} s, p50", report["p50"], 25.0, "ms", detail)
    bare = f"in memory p50 {control['p50']:.1f}, p99 {control['p99']:.1f} ms"
    yield Line(f"webhook, {_RATE} notices a second for {seconds} s, p99", report["p99"], 50.0, "ms", bare)
    yield Line("webhook, notices answered and lost", len(answered - kept.keys()), 0, "notices")
    yield Line("webhook, notices kept twice", sum(count > 1 for count in kept.values()), 0, "notices")
    yield Line("webhook, other answers than expected", report["others"], 0, "answers", report["statuses"])
    yield Line("webhook, CPU of the receiver", cpu / (seconds + _WARM_SECONDS), 1.0, "CPU s/s")
    yield Line("webhook, memory of the receiver", megabytes, 400.0, "MB")
    yield from measure_clicks()


@contextmanager
def _serving(folder: Path, inbox: str) -> Iterator[tuple[str, int]]:
    """The address and the process id of a webhook."""
    log = folder / "log"
    command = [sys.executable, "-m", "lakepact", "webhook", "serve", "--port", "0", "--inbox", inbox]
    environment = {**os.environ, "LAKEPACT_WEBHOOK_SECRET": _SECRET}
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=output)
    try:
        deadline = time.monotonic() + 60
        while not (found := re.search(r"^listening on (\S+)", log.read_text(encoding="utf-8"), re.MULTILINE)):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the webhook does not start: {log.read_text(encoding='utf-8')}")
            time.sleep(0.05)
        yield found[1], process.pid
    finally:
        process.terminate()
        process.wait(60)


def _sent(address: str, seconds: int, prefix: str) -> dict[str, Any]:
    """What the sender reports."""
    command = [sys.executable, "-m", "benchmarks.receiver", address, str(seconds), prefix]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _cost(process: int) -> tuple[float, float]:
    """CPU seconds of a process and the most memory that it held, in MB."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    held = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process}/status").read_text(encoding="ascii"))
    ticks = os.sysconf("SC_CLK_TCK")
    return (int(fields[11]) + int(fields[12])) / ticks, int(held[1]) / 1024 if held else 0.0


def _kept(folder: Path) -> Counter[str]:
    """How often each delivery is in the table as received: read from the table, not through the inbox."""
    import deltalake

    table = deltalake.DeltaTable(str(folder / "inbox" / "contract_inbox"))
    query = deltalake.QueryBuilder().register("inbox", table)
    rows: Any = query.execute("SELECT key FROM inbox WHERE kind = 'received'").read_all()
    return Counter(rows.column("key").to_pylist())


@dataclass(slots=True)
class _Notice:
    """One notice that was sent: when it was due, and whether it was sent before."""

    name: str
    due: float
    again: bool


class _Connection(asyncio.Protocol):
    """One request at a time. What is measured is the other side, so that this one does as little as it can."""

    def __init__(self, answered: Callable[[_Connection, _Notice, int], None]) -> None:
        self._answered = answered
        self._notice: _Notice | None = None
        self._got = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def send(self, notice: _Notice, request: bytes) -> None:
        self._notice, self._got = notice, b""
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, ended, rest = self._got.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        if ended and len(rest) >= (int(length[1]) if length else 0):
            self._end(int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        self._end(0)

    def _end(self, status: int) -> None:
        notice, self._notice = self._notice, None
        if notice is not None:
            self._answered(self, notice, status)


class _Sender:
    """Sends at the given times and never waits for an answer before the next; latency counts from the time given."""

    def __init__(self, address: str, prefix: str) -> None:
        self._parts = urlsplit(address)
        self._prefix = prefix
        self._idle: list[_Connection] = []
        self._sent = 0
        self._all_answered = asyncio.Event()
        self.latencies: list[float] = []
        self.received: list[str] = []
        self.statuses: Counter[int] = Counter()
        self.others = 0

    async def run(self, seconds: int) -> None:
        started = time.perf_counter() + 0.1
        self._sent = seconds * _RATE
        for number in range(self._sent):
            due = started + number / _RATE
            await asyncio.sleep(max(due - time.perf_counter(), 0))
            again = number % _AGAIN == _AGAIN - 1
            name = f"{self._prefix}_{number - _AGAIN // 2 if again else number}"
            body = _LARGE_BODY if number % _LARGE == 0 else _BODY
            connection = await self._connected()
            connection.send(_Notice(name, due, again), _head(self._parts.path, name, body) + body)
        await self._all_answered.wait()

    async def _connected(self) -> _Connection:
        while self._idle:
            connection = self._idle.pop()
            # What is idle for long is closed by the other side.
            if not connection.transport.is_closing():
                return connection
        loop, place = asyncio.get_running_loop(), (self._parts.hostname, self._parts.port)
        _, connection = await loop.create_connection(lambda: _Connection(self._answered), *place)
        return connection

    def _answered(self, connection: _Connection, notice: _Notice, status: int) -> None:
        self.latencies.append(time.perf_counter() - notice.due)
        self.statuses[status] += 1
        if status == 202:
            self.received.append(notice.name)
        if status != (200 if notice.again else 202):
            self.others += 1
        if status:
            self._idle.append(connection)
        if len(self.latencies) == self._sent:
            self._all_answered.set()


def _body(size: int = 0) -> bytes:
    # Alike but for the padding, so that one that is sent twice says the same.
    data = {"contractAssetId": "01900000-0000-7000-8000-000000000001", "version": "1.2.0", "status": "Accepted"}
    content = {"type": "collibra.data_contract.status_changed", "timestamp": "2024-01-31T10:00:00Z", "data": data}
    return json.dumps(content).encode().ljust(size)


_BODY = _body()
_LARGE_BODY = _body(_MOST_BODY)
_KEY = read_secrets(_SECRET)[0]


def _head(path: str, name: str, body: bytes) -> bytes:
    sent = int(time.time())
    lines = [
        f"POST {path} HTTP/1.1",
        "host: localhost",
        "content-type: application/json",
        f"content-length: {len(body)}",
        f"webhook-id: {name}",
        f"webhook-timestamp: {sent}",
        f"webhook-signature: {sign(_KEY, name, sent, body)}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


async def _send(address: str, seconds: int, prefix: str) -> _Sender:
    sender = _Sender(address, prefix)
    await sender.run(seconds)
    return sender


def _send_and_report(address: str, seconds: int, prefix: str) -> None:
    sender = asyncio.run(_send(address, seconds, prefix))
    ordered = sorted(sender.latencies)
    report = {
        "p50": ordered[len(ordered) // 2] * 1000,
        "p99": ordered[len(ordered) * 99 // 100] * 1000,
        "received": sender.received,
        "others": sender.others,
        "statuses": " ".join(f"{status}: {count}" for status, count in sorted(sender.statuses.items())),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    _send_and_report(sys.argv[1], int(sys.argv[2]), sys.argv[3])
