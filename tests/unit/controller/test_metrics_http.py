"""Metrics are served beside the control loop, and nobody can hold them up."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from controller import metrics_http
from controller.metrics_http import MetricsNotServed, bind_metrics, serve_metrics
from tests.contract.ways import until
from tests.unit.controller.metered_centre import Metered

GET = b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n"


@asynccontextmanager
async def served(
    copy: Callable[[], int] = lambda: 1, text: Callable[[int], str] = lambda n: f"figures {n}\n"
) -> AsyncIterator[int]:
    listening = bind_metrics("127.0.0.1", 0)
    port: int = listening.getsockname()[1]
    async with asyncio.TaskGroup() as group:
        task = group.create_task(serve_metrics(copy, text, listening))
        try:
            yield port
        finally:
            task.cancel()


async def ask(port: int, request: bytes, *, wait_s: float = 5.0) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        async with asyncio.timeout(wait_s):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@pytest.mark.real_time
async def test_prometheus_is_answered_on_its_path_and_nobody_elsewhere(centre: Metered) -> None:
    telemetry = centre.measure()
    listening = bind_metrics("127.0.0.1", 0)
    port = listening.getsockname()[1]
    async with asyncio.TaskGroup() as group:
        task = group.create_task(serve_metrics(telemetry.snapshot, centre.page.text, listening))
        good = await ask(port, GET)
        head, _, body = good.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert b"connection: close" in head.lower()
        assert f"content-length: {len(body)}".encode() in head.lower()
        assert b"text/plain; version=0.0.4" in head
        assert b"cardcentre_station_state" in body
        elsewhere = await ask(port, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert elsewhere.startswith(b"HTTP/1.1 404")
        posted = await ask(port, b"POST /metrics HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n")
        assert posted.startswith(b"HTTP/1.1 405")
        task.cancel()


@pytest.mark.real_time
async def test_figures_are_copied_on_the_control_loop_and_written_beside_it() -> None:
    threads = []
    being_made, spared = threading.Event(), threading.Event()

    def copy() -> int:
        threads.append(threading.get_ident())
        return 7

    def text(figures: int) -> str:
        threads.append(threading.get_ident())
        being_made.set()
        assert spared.wait(5.0), "the control loop stood still"
        return str(figures)

    async with served(copy, text) as port, asyncio.TaskGroup() as group:
        answer = group.create_task(ask(port, GET))
        await until(being_made.is_set)
        spared.set()
        assert (await answer).endswith(b"\r\n\r\n7")
    assert threads[0] == threading.get_ident() != threads[1]


@pytest.mark.real_time
async def test_a_centre_that_hangs_is_not_told_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_http, "COPY_MAX_S", 0.1)
    async with served() as port:
        assert (await ask(port, GET)).startswith(b"HTTP/1.1 200")
        with socket.create_connection(("127.0.0.1", port), timeout=5.0) as client:
            client.sendall(GET)
            time.sleep(0.3)  # noqa: ASYNC251  (this is what it means that the loop hangs)
            client.setblocking(False)
            async with asyncio.timeout(5.0):
                got = await asyncio.get_running_loop().sock_recv(client, 1000)
        assert got.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert (await ask(port, GET)).startswith(b"HTTP/1.1 200")


@pytest.mark.real_time
async def test_silence_half_a_request_and_a_huge_one_are_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metrics_http, "CONNECTION_MAX_S", 0.2)
    async with served() as port:
        assert await ask(port, b"") == b""
        assert await ask(port, b"GET /metrics HTTP/1.1\r\nhos") == b""
        huge = b"GET /metrics HTTP/1.1\r\nhost: " + b"x" * 20_000 + b"\r\n\r\n"
        assert b" 200 " not in (await ask(port, huge)).partition(b"\r\n")[0]
        assert (await ask(port, GET)).startswith(b"HTTP/1.1 200")


@pytest.mark.real_time
async def test_who_does_not_read_the_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_http, "CONNECTION_MAX_S", 0.2)
    async with served(text=lambda _n: "x" * 20_000_000) as port:
        with socket.create_connection(("127.0.0.1", port), timeout=5.0) as client:
            client.sendall(GET)
            await asyncio.sleep(0.5)
            received = 0
            with suppress(ConnectionResetError):
                while got := client.recv(1_000_000):
                    received += len(got)
        assert 0 < received < 20_000_000


@pytest.mark.real_time
async def test_no_more_than_so_many_are_heard_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_http, "CONNECTIONS_MAX", 2)
    async with served() as port:
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        await asyncio.sleep(0.1)
        assert await ask(port, GET) == b""
        for _, writer in silent:
            writer.close()
            await writer.wait_closed()
        await asyncio.sleep(0.1)
        assert (await ask(port, GET)).startswith(b"HTTP/1.1 200")


@pytest.mark.real_time
async def test_the_port_and_the_thread_are_free_again_after_the_centre_has_stopped() -> None:
    async with served() as port:
        await ask(port, GET)
        waiting = await asyncio.open_connection("127.0.0.1", port)
    assert not [one.name for one in threading.enumerate() if one.name.startswith("metrics")]
    bind_metrics("127.0.0.1", port).close()
    waiting[1].close()
    with suppress(ConnectionError):
        await waiting[1].wait_closed()


def test_a_port_taken_by_another_process_is_one_clear_line() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(MetricsNotServed) as refused:
            bind_metrics("127.0.0.1", port)
    assert str(refused.value) == (
        f"metrics cannot be served on 127.0.0.1:{port}: Address already in use"
    )
    assert refused.value.code == "metrics.not_served"
