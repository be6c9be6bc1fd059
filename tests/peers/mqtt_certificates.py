"""Certificates for the day of a test: an authority, and those that it vouches for."""

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def certificate(name: str, signer: Any = None) -> tuple[Any, Any]:
    """Make a key and its certificate for a day: an authority, or a server that one vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)  # noqa: TID251  (TLS compares with the machine's own clock)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    vouched_by = (signer[0] if signer else key).public_key()
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer[1].subject if signer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        # Python 3.13 and later want these two, as RFC 5280 does.
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(vouched_by), critical=False
        )
        .add_extension(_usage(of_authority=signer is None), critical=True)
        .sign(signer[0] if signer else key, hashes.SHA256())
    )
    return key, made


def _usage(*, of_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not of_authority,
        key_cert_sign=of_authority,
        crl_sign=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def write_pair(folder: Path, name: str, pair: tuple[Any, Any]) -> tuple[str, str]:
    """Write a certificate and its key; return both paths."""
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    paths[0].write_bytes(pair[1].public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        pair[0].private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return str(paths[0]), str(paths[1])
