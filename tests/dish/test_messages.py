"""The messages: compiled from their sources, served as compiled, and those that clients carry."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_reflection.v1alpha import reflection_pb2 as wire

from skyhaul.control.decision import Code
from skyhaul.dish import REFLECTION, SERVICE, Cause, compiled_files, descriptors, message
from skyhaul.dish._outages import CAUSE_OF, EVENT_REASON
from skyhaul.network import Reason
from tests.dish.conftest import Rig

ROOT = Path(__file__).parents[2]


def test_the_compiled_messages_are_those_of_their_sources(tmp_path: Path) -> None:
    protoc = pytest.importorskip("grpc_tools.protoc")
    root, out = ROOT / "src" / "skyhaul" / "dish" / "protos", tmp_path / "device.binpb"
    top = "spacex/api/device/device.proto"
    arguments = ["protoc", f"--proto_path={root}", "--include_imports", f"--descriptor_set_out={out}", top]
    assert protoc.main(arguments) == 0
    made = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())
    assert made == compiled_files(), "run scripts/protos"
    assert {file.name for file in made.file} == {path.relative_to(root).as_posix() for path in root.rglob("*.proto")}


def _messages(descriptor: Any) -> Iterator[Any]:
    yield descriptor
    for nested in descriptor.nested_types:
        yield from _messages(nested)


def _ours() -> Iterator[Any]:
    for name in ("device", "dish", "dish_config", "common"):
        file = descriptors().FindFileByName(f"spacex/api/device/{name}.proto")
        for top in file.message_types_by_name.values():
            yield from _messages(top)


def test_every_field_that_a_compiled_client_knows_has_its_number_and_type() -> None:
    pytest.importorskip("spacex.api.device.device_pb2")
    theirs = descriptor_pool.Default()
    shared = 0
    for ours in _ours():
        try:
            other = theirs.FindMessageTypeByName(ours.full_name)
        except KeyError:  # newer than the client
            continue
        for field in ours.fields:
            twin = other.fields_by_name.get(field.name)
            if twin is None:
                assert field.number not in other.fields_by_number, f"{field.full_name}: {field.number} is taken"
                continue
            shared += 1
            assert (field.number, field.type, field.is_repeated) == (twin.number, twin.type, twin.is_repeated)
            if field.message_type is not None:
                assert field.message_type.full_name == twin.message_type.full_name
            if field.enum_type is not None and field.enum_type.full_name == twin.enum_type.full_name:
                for value in field.enum_type.values:
                    known = twin.enum_type.values_by_name.get(value.name)
                    assert known is None or known.number == value.number, value.full_name
    assert shared > 200


def test_codes_and_causes_are_those_of_the_messages() -> None:
    codes = descriptors().FindEnumTypeByName("SpaceX.API.Satellites.Network.UtDisablementCode")
    assert {value.name: value.number for value in codes.values} == {code.name: code.value for code in Code}
    causes = message("DishOutage").DESCRIPTOR.enum_types_by_name["Cause"]
    assert {value.name: value.number for value in causes.values} == {cause.name: cause.value for cause in Cause}
    reasons = message("UXEvent").DESCRIPTOR.enum_types_by_name["Reason"].values_by_name
    assert {cause.name: number for cause, number in EVENT_REASON.items()} == {
        cause.name: reasons[f"OUTAGE_{cause.name}"].number for cause in EVENT_REASON
    }
    assert set(CAUSE_OF) == {*Reason, None}


def test_alerts_keep_their_numbers() -> None:
    # Clients show alerts as bits, each at its number less one.
    alerts = {field.name: field.number for field in message("DishAlerts").DESCRIPTOR.fields}
    assert alerts["is_power_save_idle"] == 11
    assert alerts["obstruction_map_reset"] == 19
    assert alerts["no_ethernet_link"] == 23
    assert len(alerts) == 20


def test_the_package_brings_no_package_of_the_clients() -> None:
    top = {str(path).split("/")[0] for path in metadata.files("skyhaul") or []}
    assert "spacex" not in top
    assert "spacex_api" not in top
    assert not list((ROOT / "src").glob("spacex*"))
    names = metadata.requires("skyhaul") or []
    assert not [name for name in names if name.startswith("starlink") and "extra" not in name]


@pytest.mark.parametrize("service", REFLECTION)
class TestReflection:
    """Both versions: the newest clients ask for v1, older ones for v1alpha."""

    def ask(self, rig: Rig, service: str, **asked: str) -> Any:
        call = rig.client.channel.stream_stream(
            f"/{service}/ServerReflectionInfo",
            request_serializer=wire.ServerReflectionRequest.SerializeToString,
            response_deserializer=wire.ServerReflectionResponse.FromString,
        )
        (answer,) = call(iter([wire.ServerReflectionRequest(**asked)]), timeout=5)
        return answer

    def files(self, rig: Rig, service: str, **asked: str) -> dict[str, Any]:
        data = self.ask(rig, service, **asked).file_descriptor_response.file_descriptor_proto
        files = [descriptor_pb2.FileDescriptorProto.FromString(file) for file in data]
        return {file.name: file for file in files}

    def test_every_listed_service_has_its_description(self, rig: Rig, service: str) -> None:
        listed = [entry.name for entry in self.ask(rig, service, list_services="").list_services_response.service]
        assert set(listed) == {SERVICE, *REFLECTION}
        for name in listed:
            files = self.files(rig, service, file_containing_symbol=name)
            pool = descriptor_pool.DescriptorPool()
            left = dict(files)
            while left:  # each after those it needs
                ready = [file for file in left.values() if not set(file.dependency) & set(left)]
                for file in ready:
                    pool.AddSerializedFile(left.pop(file.name).SerializeToString())
            assert pool.FindServiceByName(name).methods

    def test_names_in_json_are_part_of_the_description(self, rig: Rig, service: str) -> None:
        files = self.files(rig, service, file_by_filename="spacex/api/device/device.proto")
        compiled = {file.name: file for file in compiled_files().file}
        assert files == compiled
        (response,) = (m for m in files["spacex/api/device/device.proto"].message_type if m.name == "Response")
        assert {f.name: f.json_name for f in response.field}["dish_get_status"] == "dishGetStatus"

    def test_what_is_not_there_is_not_found(self, rig: Rig, service: str) -> None:
        answer = self.ask(rig, service, file_containing_symbol="SpaceX.API.Device.Nothing")
        assert answer.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]
