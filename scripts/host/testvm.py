# SPDX-License-Identifier: GPL-2.0
"""A test machine as testers have it: a Debian with systemd on a disk, in QEMU with the hardware of
our guests. A job is a directory with a script `run`, which root runs once the system is up.

The job reaches the machine as a tar archive that is its second disk, and what the job left in
/run/errpath-job comes back by its third one.
"""

import shutil
import subprocess
import tarfile
from pathlib import Path

from host import archive, guest, root, session
from host.common import BUILD, Failure, lock, run, say
from host.kernel import Kernel
from host.stages import stage

IMAGES = BUILD / "images"
# What a tester has installed before errpath comes.
PACKAGES = ("systemd-sysv,udev,kmod,linux-image-cloud-amd64,linux-headers-cloud-amd64,dkms,gcc,make,"
            "openssl")
LINES = {"bookworm": "6.1", "trixie": "6.12-deb13"}	# kernel lines with the suites' own kernels
DISK = "4G"
OUTPUT = 64 << 20	# bytes of the third disk
LIMIT = 3600		# seconds for a job, from the start of QEMU
SERVICE = """[Unit]
Description=errpath: the job on the second disk
After=multi-user.target

[Service]
Type=oneshot
StandardOutput=journal+console
ExecStart=/bin/sh -c 'mkdir /run/errpath-job && cd /run/errpath-job && tar -xf /dev/vdb && \\
	{ ./run >log 2>&1; echo $? >status; tar -cf /dev/vdc log status $(cat files 2>/dev/null); }'
ExecStopPost=/bin/systemctl poweroff --force

[Install]
WantedBy=multi-user.target
"""


def directory(suite: str) -> Path:
    """Return the root of a test machine; make it first if necessary."""
    target = root.ROOTS / f"testvm-{suite}"
    with lock(f"root-testvm-{suite}"):
        if not target.is_dir():
            root.make(target, suite, PACKAGES, "a test machine; some minutes", "--variant=apt")
    return target


def image(suite: str) -> Path:
    """Return the disk of a test machine; make it first if necessary."""
    target = IMAGES / f"{suite}.img"
    with lock(f"image-{suite}"):
        if not target.is_file():
            files = directory(suite)
            (files / "etc/systemd/system/errpath-job.service").write_text(SERVICE, encoding="ascii")
            wants = files / "etc/systemd/system/multi-user.target.wants/errpath-job.service"
            wants.parent.mkdir(parents=True, exist_ok=True)
            wants.unlink(missing_ok=True)
            wants.symlink_to("/etc/systemd/system/errpath-job.service")
            IMAGES.mkdir(exist_ok=True)
            fresh = target.with_suffix(".new")
            fresh.unlink(missing_ok=True)
            with stage(f"making the disk of {suite}"):
                run(["mke2fs", "-q", "-t", "ext4", "-d", files, fresh, DISK],
                    f"making the disk of {suite}")
            fresh.rename(target)
    return target


def kernel(suite: str) -> Kernel:
    """Return the kernel line of a suite. Raises a Failure if the disk has another version."""
    one = archive.fetch(LINES[suite])
    if not (directory(suite) / f"boot/vmlinuz-{one.release}").is_file():
        raise Failure(f"the disk of {suite} does not have {one.release}: remove "
                      f"{directory(suite)} and {IMAGES / suite}.img, they are made anew")
    return one


def _pack(job: Path, target: Path) -> None:
    with tarfile.open(target, "w") as file:
        for path in sorted(job.iterdir()):
            file.add(path, path.name)


def _command(suite: str, out: Path, append: str) -> list[str]:
    """Return the command line of QEMU."""
    one = kernel(suite)
    initrd = directory(suite) / f"boot/initrd.img-{one.release}"
    accel = guest.accelerator(one, session.trial_initrd)
    words = guest.command(one, initrd, f"root=/dev/vda rw {append}".strip(), accel)
    words += ["-chardev", "file,id=console,path=console", "-serial", "chardev:console"]
    for file, more in ((image(suite), ",snapshot=on"), (out / "job", ""), (out / "output", "")):
        words += ["-drive", f"file={guest.option(file)},format=raw,if=virtio{more}"]
    return words


def run_job(suite: str, job: Path, out: Path, append: str = "", limit: float = LIMIT) -> int:
    """Boot a fresh machine, run a job, and shut down; returns the job's exit status. The files that
    the job named in `files`, and `log`, are then in OUT. Raises a Failure if it gives no status."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    _pack(job, out / "job")
    with open(out / "output", "wb") as file:
        file.truncate(OUTPUT)
    say(f"booting a test machine with {suite}")
    with stage(f"a job on {suite}"):
        try:
            subprocess.run(_command(suite, out, append), cwd=out, check=True, timeout=limit,
                           stdin=subprocess.DEVNULL)
        except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
            raise Failure(f"the test machine: {error}; see {out}/console") from None
    try:
        with tarfile.open(out / "output") as results:
            results.extractall(out)
    except tarfile.ReadError:
        raise Failure(f"the job gave no status: see {out}/console") from None
    return int((out / "status").read_text(encoding="ascii"))
