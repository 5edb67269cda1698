# SPDX-License-Identifier: Apache-2.0
"""Docker's engine of our own, with the images that the files name, made here: no registry is asked.

What must stay true: all that runs ends with it, and nothing outside of its folder is touched but the kernel's tables.
"""
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 60
BUILD_SECONDS = 1500
BASE = "debian:bookworm-slim"
NO_NETWORK = re.compile(r"Failed to fetch|Unable to fetch|Could not resolve|Temporary failure resolving|Unable to locate package")


class Unavailable(Exception):
    """Why there is no engine, or no image, to be had here."""


def output_of(command, seconds=BUILD_SECONDS, **options):
    return subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=seconds, **options)


def mirror():
    found = output_of(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Label: Debian"])
    if found.returncode or not found.stdout.strip():
        raise Unavailable("no Debian mirror among apt's sources")
    return found.stdout.split()[0]


class Engine:
    def __init__(self, folder):
        if os.getuid() != 0:
            raise Unavailable("Docker's engine is started by root")
        for program in ("dockerd", "docker", "debootstrap"):
            if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin"):
                raise Unavailable(f"{program} is not installed")
        compose = shutil.which("docker-compose")
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.env = {**os.environ, "DOCKER_HOST": f"unix://{folder}/docker.sock", "DOCKER_BUILDKIT": "0", "COMPOSE_PROJECT_NAME": "gw"}
        self.compose_command = [compose] if compose else ["docker", "compose"]
        with open(folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                ["nice", "/usr/sbin/dockerd", "--data-root", folder / "data", "--exec-root", folder / "exec", "--pidfile", folder / "pid",
                 "-H", f"unix://{folder}/docker.sock"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        until = time.monotonic() + READY_SECONDS
        while self.docker("info").returncode:
            if self.process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise Unavailable(f"dockerd: {(folder / 'log').read_text(errors='replace')[-300:]}")
            time.sleep(0.2)

    def docker(self, *words, seconds=BUILD_SECONDS, **options):
        return output_of(["docker", *words], seconds, env=self.env, **options)

    def compose(self, folder, *words, env=None, **options):
        return output_of([*self.compose_command, "-f", "docker-compose.yml", "-f", "tests/container/simulator.yml", *words],
                         cwd=folder, env={**self.env, **(env or {})}, **options)

    def size(self, image):
        return int(self.docker("image", "inspect", "--format", "{{.Size}}", image).stdout)

    def base_make(self):
        """The image that the Dockerfile is FROM, out of Debian's packages."""
        if self.docker("image", "inspect", BASE).returncode == 0:
            return
        root = self.folder / "root"
        shutil.rmtree(root, ignore_errors=True)
        made = output_of(["debootstrap", "--variant=minbase", "bookworm", root, mirror()])
        if made.returncode:
            raise Unavailable(f"debootstrap: {made.stdout[-300:]}")
        output_of(["bash", "-c", f"rm -f {root}/var/cache/apt/archives/*.deb; tar -C {root} -c . | docker import - {BASE}"], env=self.env)
        shutil.rmtree(root)

    def build(self, name, folder):
        made = self.docker("build", "-t", name, folder)
        if made.returncode and NO_NETWORK.search(made.stdout):
            raise Unavailable(f"{name}: {NO_NETWORK.search(made.stdout)[0]}")
        assert made.returncode == 0, made.stdout[-5000:]

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
