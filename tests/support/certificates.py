"""A certificate authority of the tests' own, and certificates for names of one's choice."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """`trust` is the file that makes its certificates good: `monkeypatch.setenv("SSL_CERT_FILE", ...)`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of the tests")])
        made = self._sign(self._name, self._key.public_key(), x509.BasicConstraints(ca=True, path_length=0), ())
        self.trust = folder / "authority.pem"
        self.trust.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def _sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        basic: x509.BasicConstraints,
        names: tuple[str, ...],
        days: int = 30,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=60))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(basic, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if names:
            alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            builder = builder.add_extension(alternative, critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def issue(self, *names: str, days: int = 30) -> tuple[Path, Path]:
        """(chain, key) files of a certificate for `names`; a negative number of `days` makes it expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        made = self._sign(subject, key.public_key(), x509.BasicConstraints(ca=False, path_length=None), names, days)
        stem = f"{names[0]}{days}"
        chain, private = self._folder / f"{stem}.pem", self._folder / f"{stem}.key"
        chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return chain, private

    def context(self, *names: str, days: int = 30) -> ssl.SSLContext:
        """The same for a server in this process."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(*self.issue(*names, days=days))
        return made
