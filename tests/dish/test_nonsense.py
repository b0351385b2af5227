"""Whatever bytes come, the answer is one or a refusal, and the next call is served."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyhaul.dish import Dish, Hardware, hardware_id, message
from tests.dish.conftest import Client, Host
from tests.dish.tapes import Tape

REFUSALS = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.PERMISSION_DENIED)
REQUESTS = [field.number for field in message("Request").DESCRIPTOR.oneofs_by_name["request"].fields]


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    dish = Dish("kyiv", Hardware(id=hardware_id("kyiv")), ready=True)
    with Host([dish], Tape()) as host:
        client = Client(host.addresses[0])
        yield client
        # After all of it the dish is well.
        assert client.ask("get_status").dish_get_status.device_info.id == hardware_id("kyiv")
        client.channel.close()


def check(client: Client, data: bytes) -> None:
    try:
        message("Response").FromString(client.raw(data))
    except grpc.RpcError as error:
        refused = error
    else:
        return
    assert refused.code() in REFUSALS, refused.details()


def field(number: int, data: bytes) -> bytes:
    """A field of bytes: its key, its length, itself."""
    key, out = number << 3 | 2, bytearray()
    while key > 127:
        out.append(key & 127 | 128)
        key >>= 7
    return bytes((*out, key, len(data))) + data


@given(st.binary(max_size=200))
@settings(max_examples=400, deadline=None)
def test_random_bytes(client: Client, data: bytes) -> None:
    check(client, data)


@given(st.sampled_from(REQUESTS), st.binary(max_size=60), st.integers(16, 2**29 - 1), st.binary(max_size=9))
@settings(max_examples=400, deadline=None)
def test_real_requests_with_random_content_and_unknown_fields(
    client: Client, request: int, content: bytes, unknown: int, more: bytes
) -> None:
    check(client, field(request, content) + field(unknown, more))


@given(st.sampled_from(REQUESTS), st.integers(16, 2**29 - 1), st.binary(max_size=9))
@settings(max_examples=200, deadline=None)
def test_unknown_fields_inside_a_request_change_nothing(
    client: Client, request: int, unknown: int, more: bytes
) -> None:
    kind = message("Request")
    plain, odd = kind.FromString(field(request, b"")), kind.FromString(field(request, field(10_000_000, more)))
    assert plain.WhichOneof("request") == odd.WhichOneof("request")
    check(client, odd.SerializeToString())


@given(st.lists(st.binary(max_size=50), max_size=5))
@settings(max_examples=100, deadline=None)
def test_streams_of_random_bytes(client: Client, frames: list[bytes]) -> None:
    try:
        answers = client.stream(*frames)
    except grpc.RpcError as error:
        refused = error
    else:
        assert len(answers) == len(frames)
        return
    assert refused.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_a_call_larger_than_grpc_allows_is_refused_and_harms_nobody(client: Client) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        client.raw(field(1004, b"")[:-1] + b"\x80\x80\x80\x04" + bytes(8 << 20))
    assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
