// SPDX-License-Identifier: GPL-2.0
/*
 * A function that is hot-plugged on a simulated Hyper-V PCI bus, whose host takes six seconds to
 * say what the function needs; and its removal.
 */
#include <errno.h>
#include <unistd.h>

#include "lib/sweep.h"
#include "lib/vmbus.h"

#define DELAY_MS 6000
#define WAIT_MS 10000
#define POLL_MS 100

static int prepare(void)
{
	return vmbus_start("");
}

static int wait_for_functions(int wanted, int ms)
{
	for (int waited = 0; vmbus_functions(0) != wanted; waited += POLL_MS) {
		if (waited >= ms)
			return -ETIMEDOUT;
		usleep(1000 * POLL_MS);
	}
	return 0;
}

/* Whether the function appears is not a step: a driver may give it up, if it does so cleanly. */
static int run(struct sweep_run *r)
{
	int err = sweep_step(r, "delay", vmbus_rule("requirements", "delay_ms", DELAY_MS));

	err = err ?: sweep_step(r, "plug", vmbus_command("relations", 0, 2));
	if (!err)
		wait_for_functions(2, WAIT_MS);
	vmbus_rule("requirements", "delay_ms", 0);
	err = err ?: sweep_step(r, "unplug", vmbus_command("eject", 0, 1));
	return err ?: sweep_step(r, "gone", wait_for_functions(1, WAIT_MS));
}

SWEEP_OPERATION(hv_pci_late) = {
	.name = "hv_pci_late",
	.what = "hot-plug of a function on a simulated Hyper-V PCI bus, whose host answers late",
	.unavailable = vmbus_unavailable,
	.prepare = prepare,
	.run = run,
	.scope = "stack:pci_devices_present_work",
	.workers = true,
	.seconds = 60,
};
