"""A capture over the socket, to somebody who reads slowly, or hangs up."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from random import Random

import pytest
from fastapi import FastAPI

from controller.api.acts import CaptureResponse
from controller.api.client import CentreClient
from controller.api.server import serve
from controller.capture import Capture, Limits
from controller.capture_file import Ended, Head, Reader, Writer
from drivers.tap import Traffic

pytestmark = pytest.mark.real_time

KEY = bytes(range(32))
LIMITS = Limits(waiting_bytes_max=1_000_000)
PANEL = bytes(100_000)


@asynccontextmanager
async def offered(folder: Path) -> AsyncIterator[tuple[Capture, CentreClient]]:
    """Serve one capture at every path."""
    head = Head(
        capture="capture-20050905T080000-000000", centre="office", station="printer-1",
        kind="printer", machine_serial="", begun_us=1,
    )  # fmt: skip
    capture = Capture(head.capture, Writer(head, KEY, Random(1).randbytes), LIMITS)
    capture.end_recorded.set()  # no ledger here
    app, ready = FastAPI(openapi_url=None), asyncio.Event()

    @app.post("/capture")
    async def response() -> CaptureResponse:
        return CaptureResponse(capture)

    socket = folder / "run" / "centre.sock"
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(serve(app, socket, ready=ready))
        await ready.wait()
        try:
            yield capture, CentreClient(socket)
        finally:
            serving.cancel()


async def test_somebody_who_does_not_read_costs_bounded_memory_and_is_told_of_the_cut(
    tmp_path: Path,
) -> None:
    async with offered(tmp_path) as (capture, client):
        with ExitStack() as stack:
            lines = await asyncio.to_thread(stack.enter_context, client.stream("/capture", {}))
            async with asyncio.timeout(30):
                while capture.ended is None:
                    capture.take(Traffic.SENT, PANEL)
                    assert capture._waiting_bytes <= LIMITS.waiting_bytes_max
                    await asyncio.sleep(0.001)
            assert capture.ended is Ended.SLOW
            assert capture.records < 100, "what does not wait is in the socket's buffers"
            reader = Reader(io.BytesIO(b"".join(await asyncio.to_thread(list, lines))))
        assert len(list(reader.opened(KEY))) == capture.records
        assert reader.ended is Ended.SLOW


async def test_somebody_who_hangs_up_ends_the_capture(tmp_path: Path) -> None:
    async with offered(tmp_path) as (capture, client):
        with ExitStack() as stack:
            lines = await asyncio.to_thread(stack.enter_context, client.stream("/capture", {}))
            assert b"office" in await asyncio.to_thread(next, lines)
        async with asyncio.timeout(30):
            await capture.over.wait()
        assert capture.ended is Ended.GONE
