"""The messages of the terminals' interface, from the descriptors that `scripts/protos` compiles.

They live in a pool of their own: clients in the same process that bring the same messages compiled do not clash with
them. The pool is filled from what the compiler wrote and not from generated modules, because those lose the names that
fields have in JSON, and clients that learn the messages by reflection would print others than scripts look for.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.descriptor_pool import DescriptorPool

from skyhaul.dish._grpc import reflection_pb2

PACKAGE = "SpaceX.API.Device"
SERVICE = f"{PACKAGE}.Device"
REFLECTION = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")


def compiled_files() -> Any:
    """The compiled files, a FileDescriptorSet: each after those that it imports."""
    data = resources.files("skyhaul.dish").joinpath("protos", "device.binpb").read_bytes()
    return descriptor_pb2.FileDescriptorSet.FromString(data)


@cache
def descriptors() -> Any:
    """The pool with the interface, and with both versions of the reflection service that serves it."""
    pool = DescriptorPool()
    alpha = descriptor_pb2.FileDescriptorProto()
    reflection_pb2.DESCRIPTOR.CopyToProto(alpha)
    for file in (*compiled_files().file, alpha, _version_1(alpha)):
        pool.AddSerializedFile(file.SerializeToString())
    return pool


@cache
def message(name: str) -> Any:
    """The class of a message of the package, by its name there: `Request`, `DishOutage`."""
    return message_factory.GetMessageClass(descriptors().FindMessageTypeByName(f"{PACKAGE}.{name}"))


def _version_1(alpha: Any) -> Any:
    """The reflection service's version 1: v1alpha under another name, the bytes on the wire are the same."""
    file = descriptor_pb2.FileDescriptorProto()
    file.CopyFrom(alpha)
    file.name = "grpc/reflection/v1/reflection.proto"
    file.package = alpha.package.replace("v1alpha", "v1")
    for kind in file.message_type:
        for field in kind.field:
            if field.type_name:
                field.type_name = field.type_name.replace("v1alpha", "v1")
    for service in file.service:
        for method in service.method:
            method.input_type = method.input_type.replace("v1alpha", "v1")
            method.output_type = method.output_type.replace("v1alpha", "v1")
    return file
