#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# coccinelle leaves out a whole function that has scoped_guard() in it, with exit status 0.
#
# Version: coccinelle 1.1.1.deb-2+b1, with the macros that it knows by default.
# Seen: a semantic patch that renames a function changes the calls in a function with guard(), but
#   none in a function with scoped_guard(), neither in its block nor before or behind it. No message
#   says so and the exit status is 0; only --parse-c shows that the function was not parsed. A file
#   with the line "#define scoped_guard(...) if (1)", given by --macro-file, is a way around it.
# Expected: a warning or another exit status, as the change is incomplete: the kernel then may not
#   compile, or lacks some of the checks that the semantic patch was to add.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

fetch coccinelle=1.1.1.deb-2+b1
export COCCINELLE_HOME="$work/root/usr/lib/coccinelle"
cat > source.c <<'C'
int with_guard(void)
{
	guard(mutex)(&lock);
	return count_old(1);
}

int with_scoped_guard(void)
{
	count_old(2);
	scoped_guard(mutex, &lock) {
		count_old(3);
	}
	return count_old(4);
}

int after(void)
{
	return count_old(5);
}
C
cat > rename.cocci <<'COCCI'
@@
expression e;
@@
- count_old(e)
+ count_new(e)
COCCI
echo '#define scoped_guard(...) if (1)' > macros.h

# The calls that were renamed, and what was said.
renamed() {
	local status=0

	"$COCCINELLE_HOME/../../bin/spatch" --very-quiet --sp-file rename.cocci source.c "$@" \
		> changes 2> errors || status=$?
	echo "renamed: $(grep -oE '^\+.*count_new\([0-9]' changes | grep -o '[0-9]$' | paste -sd' ')," \
		"$(wc -l < errors) lines of errors, exit $status"
}

{
	renamed
	renamed --macro-file macros.h
} | expect \
	"renamed: 1 5, 0 lines of errors, exit 0" \
	"renamed: 1 2 3 4 5, 0 lines of errors, exit 0"
