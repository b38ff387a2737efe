// SPDX-License-Identifier: GPL-2.0
/* Five nested functions with an error path each. ERRPATH_LOSE makes some of them lose things. */
#include <stdlib.h>
#include <string.h>

#include "lib/file.h"
#include "lib/module.h"
#include "lib/sweep.h"

#define DIR "/sys/kernel/debug/errpath_alloc/"

/* ERRPATH_LOSE=LEVEL:WHAT[,LEVEL:WHAT...], where WHAT is page, object, guest or task. */
static int prepare(void)
{
	char *lose = getenv("ERRPATH_LOSE"), *word, *colon;
	int err = module_loaded("errpath_alloc") ? 0 : module_load("errpath_alloc", "");

	while (!err && lose && (word = strsep(&lose, ","))) {
		colon = strchr(word, ':');
		if (colon)
			*colon = ' ';
		err = file_write(DIR "lose", word);
	}
	return err;
}

static int run(struct sweep_run *r)
{
	return sweep_step(r, "chain", file_write(DIR "chain", "go"));
}

SWEEP_OPERATION(chain) = {
	.name = "chain",
	.what = "errpath_alloc.ko's chain of five functions, for tests of the sweep",
	.prepare = prepare,
	.run = run,
	.scope = "stack:errpath_alloc:do_chain",
};
