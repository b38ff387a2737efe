# SPDX-License-Identifier: GPL-2.0
"""The kernels of built.conf and busted.conf: built here, from one tree for each source."""

import hashlib
import os
import re
import shutil
from collections import namedtuple

from host import build, busted, changes, kernel, source
from host.common import BUILD, SCRIPTS, Failure, lock, run, say, write_if_changed

KERNELS = BUILD / "kernels"
CONFIGS = SCRIPTS / "kernels/configs"
COMPILER = "gcc-12"
# SLOW: as kernel.Kernel has it. BASE: the row of a kernel that differs in C files only, whose
# modules fit; or None
Row = namedtuple("Row", "line source configs changes slow must base")


def rows(expand):
    """The rows of built.conf and busted.conf by name. EXPAND: makes a must column globs."""
    text = (SCRIPTS / "kernels/built.conf").read_text(encoding="utf-8")
    lines = [line.split() for line in text.splitlines() if line and line[0] != "#"]
    table = {name: Row(name, series, configs.split(","),
                       [] if changed == "-" else changed.split(","), int(slow), expand(must), None)
             for name, series, configs, changed, slow, must in lines}
    for row in busted.rows().values():
        if row.base not in table:
            raise Failure(f"busted.conf: {row.line} is of {row.base!r}, which built.conf has not")
        base = table[row.base]
        table[row.line] = base._replace(line=row.line, changes=[*base.changes, row.line],
                                        base=base)
    return table


def _options(configs):
    """The options that a kernel is configured with over allnoconfig; the last one counts."""
    files = [*kernel.NEEDED, *(CONFIGS / name for name in configs)]
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise Failure(f"there is no configuration {' or '.join(missing)} in {CONFIGS}")
    options = {}
    for file in files:
        options.update(kernel.options(file.read_text(encoding="utf-8")))
    # Where a module will do, built in is simpler.
    return {name: "y" if value == "m" else value for name, value in options.items()}


def _environment(src):
    """What another clone compiled, the user's ccache has, wherever the clones are: it calls the
    tree ../tree, and that must not show in the kernel's warnings. Its depend mode, were it the
    user's, would not see that piggy.S includes the kernel, and give an old one."""
    users = {name: value for name, value in os.environ.items() if name != "CCACHE_DEPEND"}
    return {**users, "KBUILD_BUILD_USER": "errpath", "KBUILD_BUILD_HOST": "errpath",
            "CCACHE_NOHASHDIR": "1", "CCACHE_NODEPEND": "1",
            "CCACHE_BASEDIR": str(src.directory)}


class Recipe:
    """All that a kernel is built from. LLVM: a number, by clang of that version. BASE: the
    line as which it calls itself, and whose modules fit, where that is another."""

    def __init__(self, line, src, configs, changed, llvm=None, base=None):
        self.line, self.source, self.configs, self.changed = line, src, configs, changed
        self.base = base or line
        self.options = _options(configs)
        self.compiler = f"clang-{llvm}" if llvm else COMPILER
        self.toolchain = [f"LLVM=-{llvm}"] if llvm else []
        # clang inlines functions that errpath and vmbus_sim.ko intercept; those marked so may be.
        self.flags = ["-fmacro-prefix-map=../tree/=", *(["-finline-hint-functions"] if llvm else [])]
        self.objects = src.directory / "+".join([*configs, *([f"llvm-{llvm}"] if llvm else [])])

    def stamp(self):
        """Differs when what comes out can differ."""
        parts = [self.base, self.source.name, self.source.version, self.compiler,
                 sorted(self.options.items()), sorted(self.changed.content.items()), self.flags]
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def make(self, *words):
        # Guests that run meanwhile have time limits, this has none.
        # Git would see our own repository above the tree, and the version of that.
        return run(["nice", "-n19", "make", "-s", "-C", self.source.tree, f"O={self.objects}",
                    f"-j{build.JOBS}", *self.toolchain, f"CC=ccache {self.compiler}",
                    f"KCFLAGS={' '.join(self.flags)}", f"LOCALVERSION=-{self.base}", *words],
                   f"building {self.line}: make {words[-1]}", env=_environment(self.source))

    def refused(self):
        """The options that the source does not have, or not so."""
        have = kernel.options((self.objects / ".config").read_text(encoding="utf-8"))
        return [f"{name}={value}" for name, value in self.options.items()
                if have.get(name, "n") != value]

    def configure(self):
        wanted = self.objects / "wanted.config"
        write_if_changed(wanted, "".join(f"{name}={value}\n" for name, value
                                         in self.options.items()).encode())
        self.make(f"KCONFIG_ALLCONFIG={wanted}", "allnoconfig")


def _files(directory, *patterns):
    return [file for pattern in patterns for file in directory.glob(pattern)
            if file.is_file() or file.is_symlink()]


def _export(recipe, headers):
    """What building modules for a kernel needs of its trees, as a headers package has it."""
    tree, objects = recipe.source.tree, recipe.objects
    for file in _files(tree, "Makefile", "arch/x86/Makefile*", "arch/x86/include/**/*",
                       "include/**/*", "scripts/**/*"):
        target = headers / file.relative_to(tree)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(file, target, follow_symlinks=False)
    for file in _files(objects, "Module.symvers", "modules.order", "modules.builtin",
                       "arch/x86/include/generated/**/*", "include/config/auto.conf",
                       "include/config/kernel.release", "include/generated/**/*",
                       "scripts/**/*", "tools/objtool/objtool"):
        target = headers / file.relative_to(objects)
        if file.suffix not in (".o", ".cmd"):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            shutil.copy2(file, target, follow_symlinks=False)


def _image(objects):
    """The image, which holds the kernel that was linked: an older one, of a cache that was not
    told of that, would give the verdict on another change."""
    boot = objects / "arch/x86/boot"
    image = boot / "bzImage"
    content = image.read_bytes()
    if not any(packed.read_bytes() in content
               for packed in (boot / "compressed").glob("vmlinux.bin.*")):
        raise Failure(f"{image} is not of the kernel that was just linked; clear ccache: ccache -C")
    return image


def _build(recipe, directory, strict):
    """Build a kernel in its shared tree, and keep what a guest and modules need of it."""
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
        recipe.make("bzImage", "modules")
        if recipe.base == recipe.line:
            _export(recipe, fresh / "headers")
        else:
            fresh.mkdir()
        shutil.copy2(_image(recipe.objects), fresh / "vmlinuz")
    (fresh / "stamp").write_text(recipe.stamp(), encoding="ascii")
    shutil.rmtree(directory, ignore_errors=True)
    fresh.rename(directory)


def product(recipe, must=(), slow=1, strict=True):
    """The kernel of a recipe, built unless that was done before. STRICT: with all options."""
    directory = KERNELS / recipe.line
    stamp = directory / "stamp"
    there = stamp.is_file() and stamp.read_text(encoding="ascii") == recipe.stamp()
    if not there or not recipe.source.version:
        say(f"building {recipe.line}: {recipe.source.name}, {'+'.join(recipe.configs)}")
        _build(recipe, directory, strict)
    parts = KERNELS / recipe.base
    headers = parts / "headers"
    return kernel.Kernel(recipe.line, parts, directory / "vmlinuz", headers, headers, must,
                         slow)


def recipe(row):
    """What the kernel of a row is built from."""
    run([SCRIPTS / "setup", "kernels"], "installing what kernels are built with")
    src = source.debian(row.source)
    return Recipe(row.line, src, row.configs, changes.by_scripts(src, row.changes),
                  base=row.base and row.base.line)


def fetch(row):
    """The kernel of a row."""
    if row.base:
        with lock(f"kernel-{row.base.line}"):
            fetch(row.base)
    return product(recipe(row), row.must, row.slow)
