"""Bring the pinned inputs of the training: Python releases into this environment, npm's and Debian's to a folder."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Install and unpack what packages.toml lists; what is there already is kept."""
    listed = tomllib.loads((HERE / "packages.toml").read_text())
    releases = listed["train"]["pypi"] | listed["hold"]["pypi"]
    pins = [f"{name}=={entry['version']}" for name, entry in releases.items()]
    # Their own dependencies are not read, so they are not needed.
    run(sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-compile", *pins)
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, entry in listed["train"]["npm"].items():
        archive, place = found(folder, name.replace("@", "").replace("/", "-"), entry["version"], "*.tgz")
        if not archive:
            run("npm", "pack", "--silent", f"{name}@{entry['version']}", at=folder)
            archive, place = found(folder, name.replace("@", "").replace("/", "-"), entry["version"], "*.tgz")
        unpack(archive, place, entry["sha256"])
    for name, entry in listed["train"]["apt"].items():
        archive, place = found(folder, name, entry["version"], "*.deb")
        if not archive:
            run("apt-get", "download", f"{name}={entry['version']}", at=folder)
            archive, place = found(folder, name, entry["version"], "*.deb")
        unpack(archive, place, entry["sha256"])


def found(folder: Path, name: str, version: str, kind: str) -> tuple[Path | None, Path]:
    """Return a package's archive in ``folder``, if it is there, and where its content goes."""
    archives = [path for path in folder.glob(kind) if path.name.startswith(name) and version in path.name]
    return (archives[0] if archives else None), folder / f"{name}-{version}"


def unpack(archive: Path | None, place: Path, sha256: str) -> None:
    """Unpack an archive whose content is the pinned one; another ends the program."""
    if archive is None or hashlib.sha256(archive.read_bytes()).hexdigest() != sha256:
        sys.exit(f"error: {archive or place.name} is not the pinned release")
    if place.is_dir():
        return
    if archive.suffix == ".deb":
        run("dpkg", "-x", str(archive), str(place))
    else:
        shutil.unpack_archive(archive, place, filter="data")


def run(*command: str, at: Path | None = None) -> None:
    """Run a program; what it says against it is shown, and ends this one."""
    if subprocess.run(command, cwd=at, stdout=subprocess.DEVNULL, check=False).returncode:
        sys.exit(f"error: {' '.join(command[:4])} failed")


if __name__ == "__main__":
    main()
