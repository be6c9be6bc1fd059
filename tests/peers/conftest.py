"""What the tests with independent programs share."""

from tests.peers.pcsc_service import lent_pyscard, pcsc_folder, pcsc_socket_folder

__all__ = ["lent_pyscard", "pcsc_folder", "pcsc_socket_folder"]
