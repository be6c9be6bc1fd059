"""What the tests with independent programs share."""

from tests.peers.pcsc_service import pcsc_socket_folder

__all__ = ["pcsc_socket_folder"]
