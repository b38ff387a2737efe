# SPDX-License-Identifier: GPL-2.0
"""What a kernel is built from (rows, configs, changes, compiler), and when it is rebuilt."""

import os
import shutil
import tempfile
import unittest
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

from host import arch, archive, built, busted, changes, kernel, llvm, source, tried
from host.common import Failure


class Recipes(unittest.TestCase):
    def setUp(self) -> None:
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.enterContext(mock.patch.object(built, "CONFIGS", self.directory))
        (self.directory / "one").write_text("# it\nCONFIG_A=y\nCONFIG_B=m\nCONFIG_C=y\n")
        (self.directory / "two").write_text("CONFIG_C=n\nCONFIG_VIRTIO_PCI=m\n")
        (self.directory / "two.aarch64").write_text("CONFIG_C=y\n")

    def recipe(self, configs: Sequence[str] = ("one", "two"), version: str = "1",
               content: dict[str, bytes | None] | None = None,
               clang: int | None = None, of: arch.Arch = arch.X86) -> built.Recipe:
        src = source.Source("none", self.directory, version)
        changed = changes.Changed(src)
        changed.content = content or {}
        return built.Recipe("it", src, list(configs), changed, clang, of=of)

    def test_options(self) -> None:
        options = self.recipe().options
        self.assertEqual(("y", "y", "n", "y"), tuple(options[f"CONFIG_{name}"] for name in
                                                     ("A", "B", "C", "VIRTIO_PCI")))
        for file in kernel.needed(arch.X86):
            self.assertLessEqual(set(kernel.options(file.read_text())), set(options))

    def test_architecture(self) -> None:
        with mock.patch.object(arch.Arch, "is_native", lambda self: self is arch.X86):
            x86, arm64 = self.recipe(), self.recipe(of=arch.ARM64)
        self.assertEqual(("n", "y"), (x86.options["CONFIG_C"], arm64.options["CONFIG_C"]))
        self.assertEqual(("gcc-12", []), (x86.compiler, x86.toolchain))
        self.assertEqual("aarch64-linux-gnu-gcc-12", arm64.compiler)
        self.assertEqual(["ARCH=arm64", "CROSS_COMPILE=aarch64-linux-gnu-"], arm64.toolchain)
        self.assertNotEqual(x86.objects, arm64.objects)
        self.assertNotEqual(x86.stamp(), arm64.stamp())

    def test_no_such_configuration(self) -> None:
        with self.assertRaisesRegex(Failure, "no configuration three in"):
            self.recipe(configs=("one", "three"))

    def test_refused(self) -> None:
        recipe = self.recipe()
        recipe.objects.mkdir()
        have = {**recipe.options, "CONFIG_A": "n", "CONFIG_D": "y"}
        del have["CONFIG_C"]
        (recipe.objects / ".config").write_text("".join(f"{name}={value}\n" for name, value
                                                        in have.items()))
        self.assertEqual(["CONFIG_A=y"], recipe.refused())

    def test_stamp(self) -> None:
        stamps = [recipe.stamp() for recipe in (
            self.recipe(), self.recipe(configs=("one",)), self.recipe(version="2"),
            self.recipe(content={"mm/a.c": b"1"}), self.recipe(content={"mm/a.c": None}),
            self.recipe(clang=19))]
        self.assertEqual(len(stamps), len(set(stamps)))
        self.assertEqual(stamps[0], self.recipe().stamp())


class Environment(unittest.TestCase):
    def test_depend_mode_stays_off(self) -> None:
        with mock.patch.dict(os.environ, {"CCACHE_DEPEND": "1", "LANG": "C"}):
            environment = built._environment(source.Source("7.3", Path("none"), "1"))
        self.assertNotIn("CCACHE_DEPEND", environment)
        self.assertEqual(("1", "C"), (environment["CCACHE_NODEPEND"], environment["LANG"]))


class Image(unittest.TestCase):
    def setUp(self) -> None:
        self.objects = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.boot = self.objects / "arch/x86/boot"
        (self.boot / "compressed").mkdir(parents=True)
        (self.boot / "bzImage").write_bytes(b"setup, the kernel, end")

    def test_of_this_kernel(self) -> None:
        (self.boot / "compressed/vmlinux.bin.gz").write_bytes(b"the kernel")
        self.assertEqual(self.boot / "bzImage", built._image(self.objects, arch.X86))

    def test_not_compressed(self) -> None:
        self.assertEqual(self.objects / "arch/arm64/boot/Image",
                         built._image(self.objects, arch.ARM64))

    def test_of_another(self) -> None:
        (self.boot / "compressed/vmlinux.bin.gz").write_bytes(b"a new kernel")
        with self.assertRaisesRegex(Failure, "bzImage is not of the kernel .*: ccache -C"):
            built._image(self.objects, arch.X86)


class Rows(unittest.TestCase):
    def test_each_has_its_parts(self) -> None:
        for line in ("small", "lazy", "busted-accounting"):
            row = archive.row_of(line)
            assert isinstance(row, built.Row)
            for name in row.configs:
                self.assertTrue((built.CONFIGS / name).is_file(), name)
        row = archive.row_of("busted-accounting")
        assert isinstance(row, built.Row)
        self.assertEqual(["busted-accounting"], row.changes)

    def test_none_is_in_the_matrix(self) -> None:
        self.assertNotIn("small", archive.rows())

    def test_no_such_line(self) -> None:
        with self.assertRaisesRegex(Failure, "no kernel line 'busted-none'; KERNEL is one of: .*"
                                    r"7.3-arm64 small .*debug .*lazy .*\(and those of kernels/busted.conf\)"):
            archive.known("busted-none")


class Compiler(unittest.TestCase):
    """The compiler column of built.conf."""

    def setUp(self) -> None:
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.directory / "kernels").mkdir()
        self.enterContext(mock.patch.object(built, "SCRIPTS", self.directory))
        self.enterContext(mock.patch.object(busted, "rows", dict))
        self.commands = self.enterContext(mock.patch.object(built, "run"))
        src = source.Source("7.3", self.directory, "1")
        self.enterContext(mock.patch.object(source, "debian", lambda _: src))

    def row(self, text: str) -> built.Row:
        (self.directory / "kernels/built.conf").write_text(f"# it\n{text}\n", encoding="utf-8")
        return built.rows(lambda must, _: must.split())["it"]

    def recipe(self, compiler: str, *tools: str) -> built.Recipe:
        with mock.patch.object(shutil, "which", lambda name: name in tools):
            return built.recipe(self.row(f"it amd64 7.3 small - {compiler} 1 *"))

    def installed(self) -> list[str]:
        return [call.args[0][1] for call in self.commands.mock_calls]

    def test_gcc(self) -> None:
        recipe = self.recipe("gcc")
        self.assertEqual(("gcc-12", []), (recipe.compiler, recipe.toolchain))
        self.assertEqual(["kernels"], self.installed())

    def test_clang(self) -> None:
        recipe = self.recipe("clang", *(f"{tool}-19" for tool in llvm.TOOLS))
        self.assertEqual(("clang-19", ["LLVM=-19"]), (recipe.compiler, recipe.toolchain))
        self.assertEqual(["kernels", "clang"], self.installed())

    def test_no_clang(self) -> None:
        with self.assertRaisesRegex(Failure, "^LLVM: clang, .* not all installed: .*clang-N.*$"):
            self.recipe("clang", "gcc-12", "clang")

    def test_clang_cannot_be_installed(self) -> None:
        self.commands.side_effect = [None, Failure("installing clang failed")]
        with self.assertRaisesRegex(Failure, "^installing clang failed$"):
            self.recipe("clang")

    def test_wrong_word(self) -> None:
        with self.assertRaisesRegex(Failure, r"^built\.conf: it: the compiler is gcc or clang, "
                                    "not 'icc'$"):
            self.recipe("icc")

    def test_no_word(self) -> None:
        with self.assertRaisesRegex(Failure, r"^built\.conf: it: 7 columns, not 8$"):
            self.row("it amd64 7.3 small - 1 *")

    def test_wrong_architecture(self) -> None:
        with self.assertRaisesRegex(Failure, "^the architecture is amd64 or arm64, not 'riscv'$"):
            self.row("it riscv 7.3 small - gcc 1 *")


class Llvm(unittest.TestCase):
    """LLVM=1 selects the newest version of which all tools are installed."""

    def found(self, *tools: str, asked: str = "1") -> int | None:
        with (mock.patch.object(shutil, "which", lambda name: name in tools),
              mock.patch.dict(os.environ, {"LLVM": asked})):
            return tried._llvm()

    def test_newest(self) -> None:
        tools = [f"{tool}-{version}" for tool in llvm.TOOLS for version in (16, 19)]
        self.assertEqual(19, self.found(*tools, "clang-20"))

    def test_not_asked_for(self) -> None:
        self.assertIsNone(self.found(asked="0"))

    def test_none(self) -> None:
        with self.assertRaisesRegex(Failure, "LLVM: clang, .* apt-get install clang-N lld-N"):
            self.found("clang-19", *(f"{tool}-14" for tool in llvm.TOOLS))
