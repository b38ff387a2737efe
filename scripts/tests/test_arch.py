# SPDX-License-Identifier: GPL-2.0
"""Architectures: of rows, guests, compilers, and package lists."""

import tempfile
import unittest
from pathlib import Path
from unittest import mock

from host import apt, arch, archive, guest, kernel, matrix, root, runner
from host.common import BUILD, Failure

RELEASE = '#define UTS_RELEASE "6.12.1"\n'


def made(directory: Path, *options: str, of: arch.Arch = arch.ARM64) -> kernel.Kernel:
    """Return a kernel whose headers have these options, besides those that each must have."""
    lines = [line for file in kernel.needed(of)
             for line in kernel.options(file.read_text(encoding="utf-8"))]
    config = "".join(f"{name}=y\n" for name in [*lines, *options])
    for name, text in (("include/config/auto.conf", f"{config}CONFIG_GCC_VERSION=140200\n"),
                       ("include/generated/utsrelease.h", RELEASE), ("Module.symvers", "")):
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text, encoding="utf-8")
    return kernel.Kernel("it", directory, directory / "image", directory, directory)


class KernelTest(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)


class Kernels(KernelTest):
    def test_is_that_of_the_configuration(self) -> None:
        self.assertEqual(arch.ARM64, made(self.directory, "CONFIG_ARM64").arch)
        self.assertEqual(arch.X86, made(self.directory, "CONFIG_X86_64", of=arch.X86).arch)

    def test_other_architecture(self) -> None:
        with self.assertRaisesRegex(Failure, r"6\.12\.1 is none of amd64 or arm64"):
            made(self.directory, "CONFIG_PPC64")

    def test_each_has_its_options(self) -> None:
        with self.assertRaisesRegex(Failure, "no CONFIG_DYNAMIC_FTRACE_WITH_REGS=y"):
            made(self.directory, "CONFIG_X86_64")

    def test_cross_compiler(self) -> None:
        one = made(self.directory, "CONFIG_ARM64")
        with (mock.patch("platform.machine", return_value="x86_64"),
              mock.patch("shutil.which", return_value="/bin/it")):
            words = one.make(Path("/out"), "modules")
        self.assertEqual(["CROSS_COMPILE=aarch64-linux-gnu-", "CC=aarch64-linux-gnu-gcc-14"],
                         words[-2:])

    def test_compiler_of_the_machine(self) -> None:
        one = made(self.directory, "CONFIG_ARM64")
        with (mock.patch("platform.machine", return_value="aarch64"),
              mock.patch("shutil.which", return_value="/bin/it")):
            words = one.make(Path("/out"), "modules")
        self.assertEqual(["modules", "CC=gcc-14"], words[-2:])

    def test_root_of_a_cross_compiler(self) -> None:
        for compiler, package in (("gcc-14", "gcc-14"),
                                  ("aarch64-linux-gnu-gcc-14", "gcc-14-aarch64-linux-gnu")):
            with (mock.patch("host.root.make") as make, mock.patch("host.root.point"),
                  mock.patch("host.root.ROOTS", self.directory)):
                root.have(compiler)
            self.assertEqual(package, make.call_args.args[2].partition(",")[0])


class Guests(KernelTest):
    def command(self, of: arch.Arch, accel: str = "tcg") -> list[str]:
        one = made(self.directory, of.option, of=of)
        with (mock.patch("host.build.acpi_table", return_value=Path("/table")),
              mock.patch("pathlib.Path.is_file", return_value=True)):
            return guest.command(one, Path("/initrd"), "more", accel)

    def test_processor(self) -> None:
        self.assertEqual("cortex-a57", arch.ARM64.processor({"CONFIG_ARM64_4K_PAGES": "y"}))
        self.assertEqual("cortex-a76", arch.ARM64.processor({"CONFIG_ARM64_16K_PAGES": "y"}))

    def test_arm64(self) -> None:
        words = self.command(arch.ARM64)
        self.assertEqual("qemu-system-aarch64", words[0])
        self.assertIn("-bios", words)
        self.assertNotIn("-acpitable", words)
        self.assertEqual("cortex-a57", words[words.index("-cpu") + 1])
        append = words[words.index("-append") + 1]
        self.assertRegex(append, "^console=ttyAMA0 .*memhp_default_state=offline .* more$")
        self.assertNotIn("memmap=", append)

    def test_x86(self) -> None:
        words = self.command(arch.X86, "icount")
        self.assertEqual(("qemu-system-x86_64", "qemu64"), (words[0], words[words.index("-cpu") + 1]))
        self.assertIn("file=/table", words)
        self.assertNotIn("-bios", words)
        self.assertRegex(words[words.index("-append") + 1], r"^console=ttyS0 .*memmap=128M\$0x4")

    def test_no_kvm_for_another_architecture(self) -> None:
        one = made(self.directory, "CONFIG_ARM64")
        with (mock.patch("platform.machine", return_value="x86_64"),
              mock.patch("host.guest.BUILD", self.directory),
              mock.patch("os.access", return_value=True)):
            self.assertEqual("tcg", guest.accelerator(one, mock.Mock(side_effect=AssertionError)))

    def test_firmware_is_missing(self) -> None:
        with (mock.patch("pathlib.Path.is_file", return_value=False),
              self.assertRaisesRegex(Failure, "QEMU_EFI.fd does not exist: scripts/setup arm64")):
            arch.firmware(arch.ARM64)


class Rows(unittest.TestCase):
    def test_each_kernel_is_of_its_architecture(self) -> None:
        for row in archive.rows().values():
            self.assertRegex(row.release, f"{row.arch.name}$")
            self.assertEqual(row.arch, archive.arch_of(row.line))

    def test_built_kernel_is_of_its_architecture(self) -> None:
        for line, of in (("small", arch.X86), ("small-arm64", arch.ARM64),
                         ("busted-accounting-small-arm64", arch.ARM64)):
            self.assertEqual(of, archive.arch_of(line), line)

    def test_each_excludes_what_its_architecture_lacks(self) -> None:
        rows = archive.rows()
        self.assertIn("!linear_map.*", rows["6.12"].must)
        self.assertNotIn("!vmbus_sim.*", rows["6.12"].must)
        self.assertIn("!vmbus_sim.*", rows["6.12-arm64"].must)
        self.assertNotIn("!linear_map.*", rows["6.12-arm64"].must)
        self.assertIn("!linear_map.*", archive.row_of("small").must)

    def test_no_such_architecture(self) -> None:
        with self.assertRaisesRegex(Failure, "is amd64 or arm64, not 'm68k'"):
            arch.named("m68k")

    def test_named_lines_are_not_in_the_matrix(self) -> None:
        names = [line for line, row in archive.rows().items() if row.need == "named"]
        self.assertLess(2, len(names))
        self.assertFalse({*names} & {*archive.in_matrix()})
        self.assertIn("6.12", archive.in_matrix())

    def test_named_line_that_is_unavailable(self) -> None:
        run = runner.Run("6.12-arm64", Path("/nowhere"))
        self.assertEqual("skip", matrix.unavailable(run, archive.rows()).outcome)

    def test_this_machine_installs_nothing_for_its_own(self) -> None:
        with (mock.patch("host.arch._install") as install,
              mock.patch("platform.machine", return_value="x86_64")):
            arch.X86.setup()
            install.assert_not_called()
            arch.ARM64.setup()
            install.assert_called_once_with("arm64")


class PackageLists(unittest.TestCase):
    def test_each_architecture_has_a_root(self) -> None:
        with (mock.patch("subprocess.run", return_value=mock.Mock(returncode=0)) as ran,
              tempfile.TemporaryDirectory() as directory):
            apt.download("one", [], Path(directory), "arm64")
            apt.download("one", [], Path(directory))
        foreign, own = (call.args[0] for call in ran.call_args_list)
        self.assertIn("APT::Architectures=arm64", foreign)
        self.assertIn(f"Dir::State={BUILD}/apt/one-arm64/state", foreign)
        self.assertFalse([word for word in own if word.startswith("APT::Architecture")])
        self.assertIn(f"Dir::State={BUILD}/apt/one/state", own)
