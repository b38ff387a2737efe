// SPDX-License-Identifier: GPL-2.0
/*
 * Binds and unbinds the drivers of persistent memory: device DAX, the block device of a file system
 * (fsdax), and kmem, whose RAM comes online and goes offline again.
 */
#include <errno.h>
#include <stddef.h>

#include "lib/dax.h"
#include "lib/file.h"
#include "lib/hotadd.h"
#include "lib/iomem.h"
#include "lib/sweep.h"

/* The driver core binds and unbinds below these. */
#define DRIVER_CORE "stack:device_driver_attach stack:device_driver_detach"
#define ONLINE "stack:device_online stack:device_offline"

static const struct dax_use device_use = { .align = 2 * MiB };
static const struct dax_use fsdax_use = { .align = 2 * MiB, .fsdax = true };

static int prepare_device(void)
{
	int err = dax_cleanup();

	err = err ?: dax_configure(&device_use);
	return err ?: dax_enable();
}

static int run_device(struct sweep_run *r)
{
	int err = sweep_step(r, "bind", dax_bind("device_dax"));

	return err ?: sweep_step(r, "unbind", dax_unbind("device_dax"));
}

static int recover_device(void)
{
	dax_unbind("device_dax");
	return 0;
}

SWEEP_OPERATION(device_dax) = {
	.name = "device_dax",
	.what = "device DAX is bound to 254 MiB of persistent memory, and unbound",
	.unavailable = dax_unavailable,
	.prepare = prepare_device,
	.run = run_device,
	.recover = recover_device,
	.scope = DRIVER_CORE,
};

static int prepare_fsdax(void)
{
	int err = dax_cleanup();

	return err ?: dax_configure(&fsdax_use);
}

static int run_fsdax(struct sweep_run *r)
{
	int err = sweep_step(r, "bind", dax_enable());

	return err ?: sweep_step(r, "unbind", dax_disable());
}

static int recover_fsdax(void)
{
	dax_disable();
	return 0;
}

SWEEP_OPERATION(fsdax) = {
	.name = "fsdax",
	.what = "the block device of fsdax is bound to 254 MiB of persistent memory, and unbound",
	.unavailable = dax_unavailable,
	.prepare = prepare_fsdax,
	.run = run_fsdax,
	.recover = recover_fsdax,
	.scope = DRIVER_CORE,
};

static int prepare_kmem(void)
{
	static struct hotadd_before before;
	int err = hotadd_prepare(&before, "offline");

	err = err ?: prepare_device();
	return err ?: dax_allow_kmem();
}

static int run_kmem(struct sweep_run *r)
{
	int err = sweep_step(r, "bind", dax_bind("kmem"));
	const char *state = dax_kmem_block();

	if (err || sweep_expect(r, state, "memory is added"))
		return err ?: -EIO;
	err = sweep_step(r, "online", file_write(state, "online_movable"));
	err = err ?: sweep_step(r, "offline", file_write(state, "offline"));
	return err ?: sweep_step(r, "unbind", dax_unbind("kmem"));
}

static int recover_kmem(void)
{
	const char *state = dax_kmem_block();

	if (state)
		file_write(state, "offline");
	dax_unbind("kmem");
	return 0;
}

SWEEP_OPERATION(kmem) = {
	.name = "kmem",
	.what = "persistent memory becomes RAM by kmem, comes online, goes offline, and is removed",
	.unavailable = dax_unavailable,
	.prepare = prepare_kmem,
	.run = run_kmem,
	.recover = recover_kmem,
	.scope = DRIVER_CORE " " ONLINE,
	.seconds = 30,
};
