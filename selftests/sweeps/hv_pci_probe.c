// SPDX-License-Identifier: GPL-2.0
/* Probe and removal of a Hyper-V PCI bus, which vmbus_sim.ko simulates. */
#include "lib/sweep.h"
#include "lib/vmbus.h"

static int prepare(void)
{
	return vmbus_start("") ?: vmbus_unbind(0);
}

static int run(struct sweep_run *r)
{
	int err = sweep_step(r, "bind", vmbus_bind(0));

	return err ?: sweep_step(r, "unbind", vmbus_unbind(0));
}

SWEEP_OPERATION(hv_pci_probe) = {
	.name = "hv_pci_probe",
	.what = "probe of a simulated Hyper-V PCI bus with its functions, and removal",
	.unavailable = vmbus_unavailable,
	.prepare = prepare,
	.run = run,
	.scope = "stack:hv_pci_probe",
};
