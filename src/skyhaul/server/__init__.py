"""The system over HTTP: API, events, sky, metrics and the console's files."""

from skyhaul.server._app import BASE, create_app, end_streams
from skyhaul.server._desk import Desk
from skyhaul.server._people import Caller, Tokens
from skyhaul.server._sky_socket import keyframe

__all__ = ["BASE", "Caller", "Desk", "Tokens", "create_app", "end_streams", "keyframe"]
