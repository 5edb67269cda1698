# SPDX-License-Identifier: Apache-2.0
"""A certificate authority of the test's own, made with openssl in the test's folder."""
import ssl
import subprocess


class Authority:
    def __init__(self, folder, name="ca"):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.bundle = folder / f"{name}.pem"
        self._openssl("req", "-x509", *self._new_key(name), "-out", self.bundle, "-days", "2", "-subj", f"/CN=Test {name}",
                      "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def _new_key(self, name):
        return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.folder / f"{name}.key"

    @staticmethod
    def _openssl(*args):
        subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True)

    def certificate(self, name="server", hosts="DNS:localhost,IP:127.0.0.1", days=2):
        """A certificate and its key for these hosts: the two files. With no `days` it has expired."""
        request, extension, certificate = (self.folder / f"{name}.{end}" for end in ("csr", "ext", "pem"))
        extension.write_text(f"subjectAltName={hosts}\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n")
        self._openssl("req", *self._new_key(name), "-out", request, "-subj", f"/CN={name}")
        self._openssl("x509", "-req", "-in", request, "-CA", self.bundle, "-CAkey", self.folder / f"{self.name}.key",
                      "-CAcreateserial", "-days", days, "-extfile", extension, "-out", certificate)
        return certificate, self.folder / f"{name}.key"

    def server_args(self, *rest, **more):
        """The simulator's arguments."""
        certificate, key = self.certificate(*rest, **more)
        return ["--tls-cert", str(certificate), "--tls-key", str(key)]

    @property
    def context(self):
        """For a client that trusts this authority."""
        return ssl.create_default_context(cafile=self.bundle)
