# SPDX-License-Identifier: GPL-2.0
"""Source trees and their changes: applied, reverted, refused."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from host import changes, source
from host.common import Failure

ADD = """\
int add(int a)
{
	if (!a)
		return -1;
	return 0;
}
"""


def git(directory: Path, *words: str) -> None:
    subprocess.run(["git", "-C", directory, "-c", "user.name=n", "-c", "user.email=n@example.org",
                    *words], check=True, capture_output=True)


class SourceTest(unittest.TestCase):
    """A source of two files."""

    FILES = {"mm/add.c": ADD, "Kbuild": "obj-y := mm/\n"}

    def setUp(self) -> None:
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.source = source.Source("none", self.directory, "1")
        for name, text in self.FILES.items():
            (self.source.tree / name).parent.mkdir(parents=True, exist_ok=True)
            (self.source.tree / name).write_text(text, encoding="utf-8")

    def files(self) -> dict[str, str]:
        return {str(file.relative_to(self.source.tree)): file.read_text(encoding="utf-8")
                for file in self.source.tree.rglob("*") if file.is_file()}


class Laid(SourceTest):
    def test_changed_new_and_gone(self) -> None:
        self.source.lay({"mm/add.c": b"changed\n", "mm/new.c": b"new\n", "Kbuild": None})
        self.assertEqual({"mm/add.c": "changed\n", "mm/new.c": "new\n"}, self.files())
        self.source.lay({"Kbuild": b"other\n"})
        self.assertEqual({"mm/add.c": ADD, "Kbuild": "other\n"}, self.files())
        self.source.lay({})
        self.assertEqual(self.FILES, self.files())

    def test_what_stays_keeps_its_time(self) -> None:
        os.utime(self.source.tree / "Kbuild", (1, 1))
        self.source.lay({"mm/add.c": b"changed\n", "Kbuild": self.FILES["Kbuild"].encode()})
        self.assertEqual(1, (self.source.tree / "Kbuild").stat().st_mtime)

    def test_dated_by_what_was_built(self) -> None:
        """A file is rebuilt only where it was last built from another content."""
        file = self.source.tree / "mm/add.c"

        def age(objects: str, changed: source.Content) -> int:
            self.source.lay(changed)
            self.source.date(self.directory / objects)
            return file.stat().st_mtime_ns

        changed = {"mm/add.c": b"changed\n"}
        age("one", {})
        age("two", {})
        first = age("two", changed)
        self.assertGreater(first, source.LONG_AGO)
        self.assertEqual(source.LONG_AGO, age("one", {}))
        self.assertEqual(first, age("two", changed))
        second = age("two", {})
        self.assertGreater(second, first)
        self.assertGreater(age("one", changed), second)
        self.assertEqual(second, age("two", {}))
        self.assertGreater(age("never seen", {}), second)

    def test_interrupted_anywhere(self) -> None:
        wanted = {"mm/add.c": b"changed\n", "mm/new.c": b"new\n", "Kbuild": None}
        real = source._replace
        for last in range(4):
            with self.subTest(replaced=last):
                calls: list[Path] = []

                def interrupted(file: Path, data: bytes) -> None:
                    calls.append(file)
                    if len(calls) > last:
                        raise KeyboardInterrupt
                    real(file, data)

                with mock.patch.object(source, "_replace", interrupted):
                    try:
                        self.source.lay(wanted)
                    except KeyboardInterrupt:
                        pass
                self.source.lay({})
                self.assertEqual(self.FILES, self.files())

    def test_original_while_changed(self) -> None:
        self.source.lay({"mm/add.c": b"changed\n", "mm/new.c": b"new\n"})
        self.assertEqual(ADD.encode(), self.source.original("mm/add.c"))
        self.assertIsNone(self.source.original("mm/new.c"))


class Local(SourceTest):
    """The user's own tree is copied in its present state."""

    def setUp(self) -> None:
        super().setUp()
        self.enterContext(mock.patch.object(source, "LINUX", self.directory / "linux"))
        self.path = self.source.tree

    def copied(self) -> dict[str, str]:
        copy = source.local(self.path)
        return {name: (copy.tree / name).read_text(encoding="utf-8") for name in
                sorted(str(file.relative_to(copy.tree)) for file in copy.tree.rglob("*")
                       if file.is_file())}

    def test_follows_the_tree(self) -> None:
        self.assertEqual(self.FILES, self.copied())
        copy = source.local(self.path)
        copy.lay({"mm/add.c": b"changed\n"})
        (self.path / "Kbuild").unlink()
        (self.path / "Kbuild").write_text("other\n", encoding="utf-8")
        (self.path / "mm/link.c").symlink_to("add.c")
        self.assertEqual({"mm/add.c": ADD, "Kbuild": "other\n", "mm/link.c": ADD}, self.copied())
        (self.path / "mm/link.c").unlink()
        self.assertEqual({"mm/add.c": ADD, "Kbuild": "other\n"}, self.copied())

    def test_only_what_git_knows(self) -> None:
        (self.path / ".gitignore").write_text("*.o\n", encoding="utf-8")
        git(self.path, "init")
        git(self.path, "add", ".")
        (self.path / "mm/add.o").write_text("object", encoding="utf-8")
        (self.path / "mm/new.c").write_text("new\n", encoding="utf-8")
        self.assertEqual({".gitignore", "Kbuild", "mm/add.c", "mm/new.c"}, set(self.copied()))

    def test_built_in(self) -> None:
        (self.path / ".config").touch()
        with self.assertRaisesRegex(Failure, "has been built in.*make mrproper"):
            self.copied()

    def test_no_source(self) -> None:
        with self.assertRaisesRegex(Failure, "SOURCE: .* is not a Linux source tree"):
            source.local(self.directory)

    def test_no_series(self) -> None:
        with self.assertRaisesRegex(Failure, "no source of a series '5.4'; there are: .*7.3"):
            source.debian("5.4")


PATCH = """\
--- a/mm/add.c
+++ b/mm/add.c
@@ -1,6 +1,6 @@
 int add(int a)
 {
 	if (!a)
-		return -1;
+		return -2;
 	return 0;
 }
"""


class Patched(SourceTest):
    def patched(self, *texts: str) -> dict[str, bytes | None]:
        files: list[Path] = []
        for number, text in enumerate(texts):
            files.append(self.directory / f"{number}.patch")
            files[-1].write_text(text, encoding="utf-8")
        return changes.by_patches(self.source, files).content

    def test_in_order(self) -> None:
        second = PATCH.replace("-2", "-3").replace("return -1", "return -2")
        after = self.patched(PATCH, second)
        self.assertEqual({"mm/add.c": ADD.replace("-1", "-3").encode()}, after)
        self.assertEqual(self.FILES, self.files())

    def test_mailbox(self) -> None:
        mails = "".join(f"From {'0' * 40} Mon Sep 17 00:00:00 2001\nFrom: N <n@example.org>\n"
                        f"Subject: [PATCH {number}/2] mm\n\nbody\n\n{text}\n-- \n2.4\n\n"
                        for number, text in enumerate(("", PATCH, PATCH.replace("-2", "-3").replace(
                            "return -1", "return -2"))))
        self.assertEqual({"mm/add.c": ADD.replace("-1", "-3").encode()}, self.patched(mails))

    def test_new_gone_and_renamed(self) -> None:
        after = self.patched(
            "diff --git a/mm/add.c b/mm/sum.c\nsimilarity index 100%\n"
            "rename from mm/add.c\nrename to mm/sum.c\n"
            "diff --git a/mm/new.c b/mm/new.c\nnew file mode 100644\n"
            "--- /dev/null\n+++ b/mm/new.c\n@@ -0,0 +1 @@\n+new\n"
            "diff --git a/Kbuild b/Kbuild\ndeleted file mode 100644\n"
            "--- a/Kbuild\n+++ /dev/null\n@@ -1 +0,0 @@\n-obj-y := mm/\n")
        self.assertEqual({"mm/add.c": None, "mm/sum.c": ADD.encode(), "mm/new.c": b"new\n",
                          "Kbuild": None}, after)

    def refused(self, pattern: str, text: str) -> None:
        with self.assertRaisesRegex(Failure, pattern) as raised:
            self.patched(text)
        self.assertNotIn("\n", str(raised.exception))

    def test_does_not_apply(self) -> None:
        self.refused("PATCH: .*0.patch does not apply to none: .*mm/add.c:1",
                     PATCH.replace("return -1", "return -7"))

    def test_no_such_file(self) -> None:
        self.refused("does not apply to none: mm/sub.c: No such file",
                     PATCH.replace("mm/add.c", "mm/sub.c"))

    def test_no_patch(self) -> None:
        self.refused("does not apply to none: .*[Nn]o valid patches", "hello\n")

    def test_as_a_patch_again(self) -> None:
        files = self.directory / "one.patch"
        files.write_text(PATCH, encoding="utf-8")
        self.assertEqual(PATCH, "".join(changes.by_patches(self.source, [files]).diff()))


class Scripted(SourceTest):
    SCRIPT = "// mm/add.c\n@@ @@\n-return -1;\n+return -2;\n"

    def setUp(self) -> None:
        super().setUp()
        self.scripts = self.directory / "changes"
        self.scripts.mkdir()
        self.enterContext(mock.patch.object(changes, "CHANGES", self.scripts))

    def write(self, name: str, text: str) -> None:
        (self.scripts / name).parent.mkdir(exist_ok=True)
        (self.scripts / name).write_text(text, encoding="utf-8")

    def test_one_after_the_other(self) -> None:
        self.write("lazy/1.cocci", self.SCRIPT)
        self.write("lazy/2.cocci", self.SCRIPT.replace("-2", "-3").replace("n -1", "n -2"))
        self.write("more.cocci", self.SCRIPT.replace("-2", "-4").replace("n -1", "n -3"))
        after = changes.by_scripts(self.source, ["lazy", "more"]).content
        self.assertEqual({"mm/add.c": ADD.replace("-1", "-4").encode()}, after)

    def refused(self, pattern: str) -> None:
        with self.assertRaisesRegex(Failure, pattern):
            changes.by_scripts(self.source, ["it"])

    def test_no_such_change(self) -> None:
        self.refused("no change 'it'")

    def test_no_such_file(self) -> None:
        self.write("it.cocci", self.SCRIPT.replace("add.c", "sub.c"))
        self.refused("it.cocci: its first line .* not mm/sub.c")

    def test_changes_nothing(self) -> None:
        self.write("it.cocci", self.SCRIPT.replace("return -1", "return -7"))
        self.refused("it.cocci changes nothing in mm/add.c of none")
