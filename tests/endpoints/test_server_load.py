"""Promises of reading a server's `/metrics`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.endpoints.server_load import ServerLoad, read_load
from builders.testing import Simulation, simulated_endpoint

TGI = """\
# HELP tgi_queue_size Current queue size
# TYPE tgi_queue_size gauge
tgi_queue_size 7
# TYPE tgi_batch_current_size gauge
tgi_batch_current_size 32
tgi_request_count{method="chat"} 1000
"""
VLLM = """\
vllm:num_requests_running{engine="0",model_name="a/b"} 12.0
vllm:num_requests_running{engine="1",model_name="a/b"} 8.0
vllm:num_requests_waiting{engine="0",model_name="a/b"} 3.0
vllm:num_requests_waiting{engine="1",model_name="a/b"} 0.0
"""
SGLANG = 'sglang:num_running_reqs{model_name="a"} 5.0\nsglang:num_queue_reqs{model_name="a"} 2.0\n'
LLAMA_CPP = "llamacpp:requests_processing 4\nllamacpp:requests_deferred 1\n"


@pytest.mark.parametrize(
    ("page", "waiting", "processing"),
    [(TGI, 7, 32), (VLLM, 3, 20), (SGLANG, 2, 5), (LLAMA_CPP, 1, 4)],
    ids=["TGI", "vLLM, two engines", "SGLang", "llama.cpp"],
)
def test_each_server_is_read_in_its_own_words(page: str, waiting: int, processing: int) -> None:
    assert read_load(page) == ServerLoad(waiting=waiting, processing=processing)


@pytest.mark.parametrize(
    "page", ["", "tgi_queue_size 3\n", "<html>404</html>", "tgi_queue_size e\ntgi_batch_current_size 1\n"]
)
def test_a_page_that_tells_no_queue_is_none(page: str) -> None:
    assert read_load(page) is None


@given(st.text())
def test_no_page_is_too_strange(page: str) -> None:
    read_load(page)
    read_load(f"tgi_queue_size {page}\ntgi_batch_current_size {page}\n")


async def test_the_simulated_endpoint_tells_its_queue() -> None:
    import aiohttp

    async with simulated_endpoint(Simulation()) as server, aiohttp.ClientSession() as session:
        page = await (await session.get(f"{server.url}/metrics")).text()
    assert read_load(page) == ServerLoad(waiting=0, processing=0)
