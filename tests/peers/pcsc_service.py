"""Debian's pcscd and pyscard, put where our driver in this process finds them.

pcscd runs in namespaces of its own (`test_pcscd.py`); a folder of ours is mounted where it makes
its socket. pyscard belongs to Debian's Python: one link lends it to the Python of this environment,
and nothing else of Debian's comes with it.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from tests.peers.peer import missing, peer
from tests.peers.test_pcscd import OWN_NAMESPACE, SERIAL_DRIVER, require_pcscd

#: Debian's own: the package belongs to it, not to the Python of a virtual environment.
PYTHON = "/usr/bin/python3"
_WHERE = (
    "import smartcard, importlib.metadata as m; print(smartcard.__path__[0], m.version('pyscard'))"
)
_SCRIPT = """
set -eu
mount -t tmpfs tmpfs /run
mkdir /run/pcscd
mount --bind {socket} /run/pcscd
ulimit -f 20000
LIBCCID_ifdLogLevel=0x0001 exec {pcscd} --foreground --error --config {readers}
"""


class PcscService:
    """pcscd with the serial readers that it is told of."""

    def __init__(self, socket_folder: Path, folder: Path) -> None:
        require_pcscd()
        self._pcscd = peer("pcscd", "pcscd", "--version")
        self._socket_folder = socket_folder
        self._readers = folder / "pcsc-readers"
        self._log = folder / "pcscd.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._life = -1
        self._readers.mkdir()

    @property
    def socket(self) -> Path:
        return self._socket_folder / "pcscd.comm"

    def add(self, name: str, url: str) -> str:
        """Tell it of an encoder on a pseudo-terminal; returns the URL that is then its own."""
        (self._readers / name).write_text(
            f'FRIENDLYNAME "{name}"\n'
            f"DEVICENAME {urlsplit(url).path}:GemPCTwin\n"
            f"LIBPATH {SERIAL_DRIVER}\n"
            f"CHANNELID {len(list(self._readers.iterdir()))}\n"
        )
        return f"pcsc://{quote(name)}"

    def start(self) -> None:
        """Start it; it is there when `is_up`."""
        self.socket.unlink(missing_ok=True)
        script = _SCRIPT.format(
            socket=shlex.quote(str(self._socket_folder)),
            pcscd=shlex.quote(self._pcscd),
            readers=shlex.quote(str(self._readers)),
        )
        self._life, life = os.pipe()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*OWN_NAMESPACE, "bash", "-c", script],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(life,),
            )
        os.close(life)

    def is_up(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()
        return self.socket.exists()

    def kill(self) -> None:
        """Kill it as no handler can hinder, before the terminals of its readers hang up."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            # Its namespace dies after it: the end of this pipe is the end of all in there.
            os.read(self._life, 1)
            os.close(self._life)
            self._process = None


@pytest.fixture(scope="session")
def lent_pyscard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that holds Debian's pyscard and nothing else."""
    asked = subprocess.run([PYTHON, "-c", _WHERE], capture_output=True, text=True, check=False)
    if asked.returncode:
        missing("pyscard is not installed (Debian package python3-pyscard)")
    where, version = asked.stdout.split()
    print(f"peer pyscard: {version}")
    folder = tmp_path_factory.mktemp("lent")
    (folder / "smartcard").symlink_to(where)
    return folder


@pytest.fixture(scope="session")
def pcsc_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where pcscd makes its socket: pyscard's library asks for it once a process."""
    return tmp_path_factory.mktemp("pcsc")


@pytest.fixture
def pcsc_socket_folder(
    lent_pyscard: Path, pcsc_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Lend pyscard to this process and those that it starts, and tell it where pcscd will be."""
    monkeypatch.syspath_prepend(lent_pyscard)
    python_path = filter(None, (str(lent_pyscard), os.environ.get("PYTHONPATH")))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(python_path))
    monkeypatch.setenv("PCSCLITE_CSOCK_NAME", str(pcsc_folder / "pcscd.comm"))
    try:
        import smartcard.scard  # noqa: F401  (is it made for this Python?)
    except ImportError as error:
        missing(f"Debian's pyscard is not for Python {sys.version_info[:2]}: {error}")
    return pcsc_folder
