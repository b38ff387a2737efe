# SPDX-License-Identifier: GPL-2.0
"""Builds the kernels of built.conf and busted.conf, those of one source in one tree."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from host import arch, build, busted, changes, common, cover, kernel, llvm, source, variables
from host.common import BUILD, SCRIPTS, Failure, lock, run, say, write_if_changed

KERNELS = BUILD / "kernels"
CONFIGS = SCRIPTS / "kernels/configs"
COMPILER = "gcc-12"
COLUMNS = 8	# of built.conf
COMPILERS = ("gcc", "clang")	# the words of its column


class Row(NamedTuple):
    """A row of built.conf, which describes the columns.

    BASE: the row of a kernel that differs only in C files, so that its modules fit; or None.
    """

    line: str
    arch: arch.Arch
    source: str
    configs: list[str]
    changes: list[str]
    compiler: str
    slow: int
    must: Sequence[str]
    base: "Row | None"


def rows(expand: Callable[[str, str], list[str]]) -> dict[str, Row]:
    """Return the rows of built.conf and busted.conf by name. EXPAND: parses a must column; its
    second argument is the architecture."""
    lines = [line.split() for line in common.rows(SCRIPTS / "kernels/built.conf")]
    for words in lines:
        if len(words) != COLUMNS:
            raise Failure(f"built.conf: {words[0]}: {len(words)} columns, not {COLUMNS}")
    table = {name: Row(name, arch.named(of), series, configs.split(","),
                       [] if changed == "-" else changed.split(","), compiler, int(slow),
                       expand(must, of), None)
             for name, of, series, configs, changed, compiler, slow, must in lines}
    for name, made in table.items():
        if made.compiler not in COMPILERS:
            raise Failure(f"built.conf: {name}: the compiler is {' or '.join(COMPILERS)}, "
                          f"not {made.compiler!r}")
    for row in busted.rows().values():
        if row.base not in table:
            raise Failure(f"busted.conf: {row.line} is based on {row.base!r}, which is not in "
                          "built.conf")
        base = table[row.base]
        table[row.line] = base._replace(line=row.line, changes=[*base.changes, row.change],
                                        base=base)
    return table


def _options(configs: Sequence[str], of: arch.Arch) -> dict[str, str]:
    """Return the options that a kernel of an architecture has beyond allnoconfig. Of several files
    that name an option the last one counts."""
    missing = [name for name in configs if not (CONFIGS / name).is_file()]
    if missing:
        raise Failure(f"there is no configuration {' or '.join(missing)} in {CONFIGS}")
    files = [*kernel.needed(of), *kernel.for_arch((CONFIGS / name for name in configs), of)]
    options: dict[str, str] = {}
    for file in files:
        options.update(kernel.options(file.read_text(encoding="utf-8")))
    # Build modules in, which is simpler.
    return {name: "y" if value == "m" else value for name, value in options.items()}


def _environment(src: source.Source) -> dict[str, str]:
    """Return an environment in which all clones of a user share ccache.

    CCACHE_BASEDIR makes paths relative, so the tree is called ../tree (see Recipe.flags).
    ccache's depend mode is switched off: it does not notice that piggy.S includes the kernel, and
    would return an old one.
    """
    users = {name: value for name, value in variables.for_others(os.environ).items()
             if name != "CCACHE_DEPEND"}
    return {**users, "KBUILD_BUILD_USER": "errpath", "KBUILD_BUILD_HOST": "errpath",
            "CCACHE_NOHASHDIR": "1", "CCACHE_NODEPEND": "1",
            "CCACHE_BASEDIR": str(src.directory)}


class Recipe:
    """Everything that a kernel of architecture OF is built from. CLANG: the version of clang to
    build with, or None. BASE: the line whose name the kernel has and whose modules fit, if that is another one.
    COVERED: the kernel comes with the blocks of its files that are built for KCOV."""

    def __init__(self, line: str, src: source.Source, configs: list[str],
                 changed: changes.Changed, clang: int | None = None,
                 base: str | None = None, covered: bool = False,
                 of: arch.Arch = arch.X86) -> None:
        self.line, self.source, self.configs, self.changed = line, src, configs, changed
        self.base, self.covered, self.arch = base or line, covered, of
        self.options = _options(configs, of)
        self.compiler = f"clang-{clang}" if clang else of.compiler(COMPILER)
        self.toolchain = [*of.cross(), *([f"LLVM=-{clang}"] if clang else [])]
        # By default clang inlines functions that errpath and vmbus_sim.ko intercept.
        self.flags = ["-fmacro-prefix-map=../tree/=",
                      *(["-finline-hint-functions"] if clang else [])]
        self.objects = src.directory / "+".join([*configs, *([f"llvm-{clang}"] if clang else []),
                                                 *([] if of is arch.X86 else [of.name])])

    def stamp(self) -> str:
        """Return a digest of everything that the result depends on."""
        parts = [self.base, self.source.name, self.source.version, self.compiler,
                 sorted(self.options.items()), sorted(self.changed.content.items()), self.flags]
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def make(self, *words: str) -> str:
        """Run make in the tree. LOCALVERSION keeps git from describing errpath's repository."""
        # nice: guests that run at the same time have time limits; a build has none.
        return run(["nice", "-n19", "make", "-s", "-C", self.source.tree, f"O={self.objects}",
                    f"-j{build.JOBS}", *self.toolchain, f"CC=ccache {self.compiler}",
                    f"KCFLAGS={' '.join(self.flags)}", f"LOCALVERSION=-{self.base}", *words],
                   f"building {self.line}: make {words[-1]}", env=_environment(self.source))

    def refused(self) -> list[str]:
        """Return the options that the source does not have, or not with this value."""
        have = kernel.options((self.objects / ".config").read_text(encoding="utf-8"))
        return [f"{name}={value}" for name, value in self.options.items()
                if have.get(name, "n") != value]

    def configure(self) -> None:
        """Write the configuration."""
        wanted = self.objects / "wanted.config"
        write_if_changed(wanted, "".join(f"{name}={value}\n" for name, value
                                         in self.options.items()).encode())
        self.make(f"KCONFIG_ALLCONFIG={wanted}", "allnoconfig")


def _files(directory: Path, *patterns: str) -> list[Path]:
    return [file for pattern in patterns for file in directory.glob(pattern)
            if file.is_file() or file.is_symlink()]


def _export(recipe: Recipe, headers: Path) -> None:
    """Copy the files that builds of modules need, as a headers package has them."""
    tree, objects, own = recipe.source.tree, recipe.objects, f"arch/{recipe.arch.source}"
    for file in _files(tree, "Makefile", f"{own}/Makefile*", f"{own}/include/**/*",
                       "include/**/*", "scripts/**/*"):
        target = headers / file.relative_to(tree)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(file, target, follow_symlinks=False)
    for file in _files(objects, "Module.symvers", "modules.order", "modules.builtin",
                       f"{own}/include/generated/**/*", "include/config/auto.conf",
                       "include/config/kernel.release", "include/generated/**/*",
                       "scripts/**/*", "tools/objtool/objtool"):
        target = headers / file.relative_to(objects)
        if file.suffix not in (".o", ".cmd"):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            shutil.copy2(file, target, follow_symlinks=False)


def _image(objects: Path, of: arch.Arch) -> Path:
    """Return the image. One that unpacks itself is built through the cache: check that it has the
    kernel that was just linked, or the verdict would be on another change."""
    boot = objects / "arch" / of.source / "boot"
    image = boot / of.image
    if of is not arch.X86:
        return image
    content = image.read_bytes()
    if not any(packed.read_bytes() in content
               for packed in (boot / "compressed").glob("vmlinux.bin.*")):
        raise Failure(f"{image} is not of the kernel that was just linked; clear ccache: ccache -C")
    return image


def _build(recipe: Recipe, directory: Path, strict: bool) -> None:
    """Build a kernel in its shared tree, and copy what guests and modules need to DIRECTORY."""
    fresh = directory.with_name(f".{directory.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    with recipe.source.lock():
        recipe.source.lay(recipe.changed.content)
        recipe.source.date(recipe.objects)
        recipe.configure()
        refused = recipe.refused()
        if refused:
            text = (f"{recipe.source.name} does not take of {'+'.join(recipe.configs)}: "
                    f"{' '.join(refused)}")
            if strict:
                raise Failure(text)
            say(text)
        recipe.make(recipe.arch.image, "modules")
        if recipe.base == recipe.line:
            _export(recipe, fresh / "headers")
        else:
            fresh.mkdir()
        shutil.copy2(_image(recipe.objects, recipe.arch), fresh / "vmlinuz")
        if recipe.covered:
            (fresh / cover.BLOCKS).write_text(json.dumps(cover.blocks(recipe.objects / "vmlinux")),
                                              encoding="ascii")
    (fresh / "stamp").write_text(recipe.stamp(), encoding="ascii")
    shutil.rmtree(directory, ignore_errors=True)
    fresh.rename(directory)


def product(recipe: Recipe, must: Sequence[str] = (), slow: int = 1,
            strict: bool = True) -> kernel.Kernel:
    """Return the kernel of a recipe, built first if necessary. STRICT: a refused option is a
    Failure."""
    directory = KERNELS / recipe.line
    stamp = directory / "stamp"
    current = stamp.is_file() and stamp.read_text(encoding="ascii") == recipe.stamp()
    if not current or not recipe.source.version:
        say(f"building {recipe.line}: {recipe.source.name}, {'+'.join(recipe.configs)}")
        _build(recipe, directory, strict)
    parts = KERNELS / recipe.base
    headers = parts / "headers"
    return kernel.Kernel(recipe.line, parts, directory / "vmlinuz", headers, headers, must,
                         slow)


def recipe(row: Row) -> Recipe:
    """Return the recipe of a row's kernel."""
    run([SCRIPTS / "setup", "kernels"], "installing what kernels are built with")
    if row.compiler == "clang":
        run([SCRIPTS / "setup", "clang"], "installing clang")
    row.arch.setup()
    src = source.debian(row.source)
    return Recipe(row.line, src, row.configs, changes.by_scripts(src, row.changes),
                  llvm.newest() if row.compiler == "clang" else None,
                  row.base.line if row.base else None, of=row.arch)


def fetch(row: Row) -> kernel.Kernel:
    """Return the kernel of a row."""
    if row.base:
        with lock(f"kernel-{row.base.line}"):
            fetch(row.base)
    return product(recipe(row), row.must, row.slow)
