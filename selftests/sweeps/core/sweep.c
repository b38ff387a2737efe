// SPDX-License-Identifier: GPL-2.0
/* The loop over the targets of an operation. */
#include "core.h"
#include "cover.h"
#include "judge.h"
#include "lib/knobs.h"
#include "lib/symbols.h"
#include "records.h"
#include "run.h"
#include "sweep.h"
#include "targets.h"

#define WARM_UPS 2
/* A new name in sysfs takes a number of an idr, which allocates memory for each 64th only. */
#define NOT_IN_EACH_RUN "idr_alloc_cyclic"

struct sweep_options options;

/*
 * The kernel repeats a page fault of user space for which it got no page
 * (pagefault_out_of_memory()). A task would hang if all later allocations failed: skip page faults.
 */
static const char *skipped_if_persistent(void)
{
	static const char * const faults[] = { "asm_exc_page_fault", "do_mem_abort" };
	unsigned long start, end;

	for (size_t i = 0; i < ARRAY_SIZE(faults) && options.persistent; i++) {
		if (!symbol_find_text(faults[i], &start, &end))
			return faults[i];
	}
	return "";
}

/* Arms the point so that any call of the operation can fail, but none is selected yet. */
static void sweep_arm(void)
{
	const char *point = options.point;

	bail_on_error(knob_set(point, "verbose", "1"), "verbose");
	bail_on_error(knob_set(point, "caller", "%s", options.op->scope ?: " "), "caller");
	bail_on_error(knob_set(point, "skip", "errpath:knob_write " NOT_IN_EACH_RUN " %s %s",
			       skipped_if_persistent(), options.op->skip ?: ""), "skip");
	if (options.set_knobs)
		options.set_knobs();
	bail_on_error(targets_select_none(), "targets");
	bail_on_error(knob_set(point, "times", "-1"), "times");
	bail_on_error(knob_set(point, "probability", "100"), "probability");
}

/* What runs with nothing failed. */
static struct cover clean;

static void sweep_add_clean(void)
{
	if (options.cover)
		bail_on_error(cover_add(&clean), "kcov");
}

void sweep_warm_up(void)
{
	if (options.cover)
		bail_on_error(cover_open(), "kcov");
	sweep_arm();
	for (int i = 0; i < WARM_UPS; i++) {
		run_once();
		sweep_add_clean();
	}
}

void sweep_survey(void)
{
	targets_survey();
	bail_on_error(run_error(), "the operation, with nothing failed");
	sweep_add_clean();
	if (options.cover)
		send_clean(&clean);
}

void sweep_targets(void)
{
	int surveyed = targets_count();
	unsigned long survey = targets_digest();

	/* The survey that follows each failure may find more targets, in this guest only. */
	for (int i = 0; i < targets_count(); i++) {
		const struct target *t = targets_get(i);
		bool ours = target_is_in_lane(t) && target_is_in_shard(t);

		if ((i >= surveyed || ours) && target_is_selected(t) && !target_is_done(t))
			judge_target(t);
	}
	send_end(targets_count(), survey);
}

void sweep_operation(void)
{
	window_prepare();
	sweep_warm_up();
	sweep_survey();
	sweep_targets();
	window_end();
}
