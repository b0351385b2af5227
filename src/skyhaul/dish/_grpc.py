"""gRPC, set so that processes which serve dishes can make namespaces.

It hooks itself into every fork to start its threads again. In a child that has made a PID namespace no thread can
start, and it tries until the child dies. Nothing here forks to go on with gRPC, so the hooks are off; whoever imports
`grpc` before this package decides for themselves.
"""

from __future__ import annotations

import os

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # read when grpc is imported

import grpc
from grpc import aio
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.reflection import aio as reflection

__all__ = ["aio", "grpc", "reflection", "reflection_pb2"]
