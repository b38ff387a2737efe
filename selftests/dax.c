// SPDX-License-Identifier: GPL-2.0
/*
 * The memmap of persistent memory: of device DAX, of a file system (fsdax), and of RAM (kmem). It
 * is in RAM or on the device itself. A driver that gets no memmap must leave nothing behind, and
 * bind when it is tried again with the same device.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/harness.h"

#include "lib/dax.h"
#include "lib/file.h"
#include "lib/hotadd.h"
#include "lib/iomem.h"
#include "lib/knobs.h"
#include "lib/memmap.h"
#include "lib/module.h"
#include "lib/thp.h"
#include "lib/verdict.h"

#define POINT "dax_memmap"

static int bind_device(void)
{
	return dax_bind("device_dax");
}

static int unbind_device(void)
{
	return dax_unbind("device_dax");
}

static int bind_kmem(void)
{
	return dax_bind("kmem");
}

static int unbind_kmem(void)
{
	return dax_unbind("kmem");
}

/* What has the memmap. */
struct owner {
	const char *operation;
	int (*bind)(void);
	int (*unbind)(void);
};

static const struct owner device_dax = {
	.operation = "device DAX is bound",
	.bind = bind_device,
	.unbind = unbind_device,
};

static const struct owner kmem = {
	.operation = "kmem is bound",
	.bind = bind_kmem,
	.unbind = unbind_kmem,
};

static const struct owner fsdax = {
	.operation = "the block device of fsdax is bound",
	.bind = dax_enable,
	.unbind = dax_disable,
};

FIXTURE(dax)
{
	struct hotadd_before before;
	int guard;
};

FIXTURE_VARIANT(dax)
{
	const char *name;
	const struct owner *owner;
	struct dax_use use;
};

FIXTURE_VARIANT_ADD(dax, device_2M)
{
	.name = "device_2M",
	.owner = &device_dax,
	.use = { .align = 2 * MiB },
};

FIXTURE_VARIANT_ADD(dax, device_4K)
{
	.name = "device_4K",
	.owner = &device_dax,
	.use = { .align = 4096 },
};

FIXTURE_VARIANT_ADD(dax, device_map_dev)
{
	.name = "device_map_dev",
	.owner = &device_dax,
	.use = { .align = 2 * MiB, .map_dev = true },
};

FIXTURE_VARIANT_ADD(dax, kmem)
{
	.name = "kmem",
	.owner = &kmem,
	.use = { .align = 2 * MiB },
};

FIXTURE_VARIANT_ADD(dax, kmem_map_dev)
{
	.name = "kmem_map_dev",
	.owner = &kmem,
	.use = { .align = 2 * MiB, .map_dev = true },
};

FIXTURE_VARIANT_ADD(dax, fsdax)
{
	.name = "fsdax",
	.owner = &fsdax,
	.use = { .align = 2 * MiB, .fsdax = true },
};

FIXTURE_VARIANT_ADD(dax, fsdax_map_dev)
{
	.name = "fsdax_map_dev",
	.owner = &fsdax,
	.use = { .align = 2 * MiB, .fsdax = true, .map_dev = true },
};

FIXTURE_SETUP(dax)
{
	const char *why = dax_unavailable() ?: point_unavailable(POINT);

	if (why)
		SKIP(return, "%s", why);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	ASSERT_EQ(0, hotadd_prepare(&self->before, "offline"));
	ASSERT_EQ(0, dax_cleanup());	/* of a test that failed in its setup */
	ASSERT_EQ(0, dax_configure(&variant->use));
	if (variant->owner == &fsdax)
		return;
	ASSERT_EQ(0, dax_enable());
	if (variant->owner == &kmem)
		ASSERT_EQ(0, dax_allow_kmem());
}

FIXTURE_TEARDOWN_PARENT(dax)
{
	EXPECT_EQ(0, dax_cleanup());
	EXPECT_EQ(0, hotadd_cleanup(&self->before));
}

/* Binds, unbinds, and arms once, which allocates memory for good, and takes the counters. */
#define PREPARE(v) do { \
	ASSERT_EQ(0, variant->owner->bind()); \
	ASSERT_EQ(0, variant->owner->unbind()); \
	ASSERT_EQ(0, arm_nth(POINT, 1)); \
	ASSERT_EQ(0, disarm(POINT)); \
	VERDICT_BEGIN(v, variant->name); \
} while (0)

/* The kernel counts as many pages as are no longer free. */
TEST_F(dax, memmap_is_what_it_says)
{
	struct memmap without, with;
	struct verdict v;

	ASSERT_EQ(0, memmap_read(&with));	/* its memory must not count */
	PREPARE(&v);
	ASSERT_EQ(0, memmap_read(&without));
	ASSERT_EQ(0, variant->owner->bind());
	ASSERT_EQ(0, memmap_read(&with));
	ASSERT_EQ(0, variant->owner->unbind());
	if (memmap_is_counted()) {
		EXPECT_LT(without.counted, with.counted);
		EXPECT_GE(MEMMAP_NOISE,
			  labs(verdict_difference(&v, "memmap.apart", memmap_apart(&without, &with),
						  MEMMAP_NOISE)));
	}
	verdict_failed(&v, POINT, variant->owner->operation, 0);
	VERDICT_END(&v);
}

TEST_F(dax, failure_leaves_nothing)
{
	struct verdict v;
	struct stats s;

	PREPARE(&v);

	/* Fail the memmap of the first section. */
	ASSERT_EQ(0, arm_nth(POINT, 1));
	EXPECT_EQ(-ENOMEM, variant->owner->bind());
	ASSERT_EQ(0, disarm(POINT));
	ASSERT_EQ(0, stats_read(POINT, &s));
	EXPECT_EQ(1, s.injected);
	EXPECT_EQ(0, s.missed);
	verdict_failed(&v, POINT, variant->owner->operation, 1);

	/* Bind the same device again. */
	EXPECT_EQ(0, variant->owner->bind());
	EXPECT_EQ(0, variant->owner->unbind());
	verdict_recovered(&v, "the same with success, and unbound");
	VERDICT_END(&v);
}

/* The RAM of kmem comes online and goes offline. */
FIXTURE(kmem)
{
	struct hotadd_before before;
	int guard;
};

FIXTURE_SETUP(kmem)
{
	const struct dax_use use = { .align = 2 * MiB };
	const char *why = dax_unavailable() ?: point_unavailable(POINT);

	if (why)
		SKIP(return, "%s", why);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	ASSERT_EQ(0, hotadd_prepare(&self->before, "offline"));
	ASSERT_EQ(0, dax_cleanup());	/* of a test that failed in its setup */
	ASSERT_EQ(0, dax_configure(&use));
	ASSERT_EQ(0, dax_enable());
	ASSERT_EQ(0, dax_allow_kmem());
}

FIXTURE_TEARDOWN_PARENT(kmem)
{
	EXPECT_EQ(0, dax_cleanup());
	EXPECT_EQ(0, hotadd_cleanup(&self->before));
}

/* Binds kmem, sets its memory online, and takes all of it away again. */
#define COME_AND_GO() do { \
	const long total = meminfo_kb("MemTotal"); \
	ASSERT_EQ(0, bind_kmem()); \
	ASSERT_NE(NULL, dax_kmem_block()); \
	ASSERT_EQ(0, file_write(dax_kmem_block(), "online_movable")); \
	EXPECT_EQ(total + (long)SECTION_SIZE / 1024, meminfo_kb("MemTotal")); \
	ASSERT_EQ(0, file_write(dax_kmem_block(), "offline")); \
	ASSERT_EQ(0, unbind_kmem()); \
} while (0)

TEST_F(kmem, memory_comes_and_goes)
{
	struct verdict v;

	COME_AND_GO();
	VERDICT_BEGIN(&v, "");
	COME_AND_GO();
	verdict_failed(&v, POINT, "kmem is bound, online, offline, and unbound", 0);
	VERDICT_END(&v);
}

/* A file system with DAX: its files are mapped as the device's memory. */
FIXTURE(fsdax)
{
	int guard;
};

#define MOUNT "/run/fsdax"

FIXTURE_SETUP(fsdax)
{
	const struct dax_use use = { .fsdax = true, .align = 2 * MiB };
	const char *why = dax_unavailable() ?: point_unavailable(POINT);

	if (why)
		SKIP(return, "%s", why);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	ASSERT_EQ(0, dax_cleanup());	/* of a test that failed in its setup */
	ASSERT_EQ(0, dax_configure(&use));
	mkdir(MOUNT, 0700);
}

FIXTURE_TEARDOWN_PARENT(fsdax)
{
	umount(MOUNT);
	EXPECT_EQ(0, dax_cleanup());
}

#define FILE_SIZE (4 * MiB)
#define SEED 1

/* Writes a file by its mapping, and reads it after the file system was mounted again. */
#define USE_FILE_SYSTEM() do { \
	char *mem; \
	int fd; \
	ASSERT_EQ(0, dax_enable()); \
	ASSERT_EQ(0, system("mke2fs -b 4096 " DAX_DISK " >/dev/null")); \
	for (int again = 0; again < 2; again++) { \
		ASSERT_EQ(0, mount(DAX_DISK, MOUNT, "ext4", 0, "dax=always")); \
		fd = open(MOUNT "/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600); \
		ASSERT_LE(0, fd); \
		ASSERT_EQ(0, ftruncate(fd, FILE_SIZE)); \
		mem = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0); \
		ASSERT_NE(MAP_FAILED, mem); \
		if (!again) \
			pattern_fill(mem, FILE_SIZE, SEED); \
		EXPECT_EQ(0, pattern_wrong(mem, FILE_SIZE, SEED)); \
		munmap(mem, FILE_SIZE); \
		close(fd); \
		ASSERT_EQ(0, umount(MOUNT)); \
	} \
	ASSERT_EQ(0, dax_disable()); \
} while (0)

static bool has_ext4(void)
{
	char text[2048];

	return file_read("/proc/filesystems", text, sizeof(text)) > 0 && strstr(text, "\text4\n");
}

TEST_F(fsdax, files_are_kept)
{
	struct verdict v;

	if (!has_ext4())
		SKIP(return, "this kernel has no built-in ext4 (CONFIG_EXT4_FS)");
	USE_FILE_SYSTEM();
	VERDICT_BEGIN(&v, "");
	USE_FILE_SYSTEM();
	verdict_failed(&v, POINT, "a file system on persistent memory is used", 0);
	VERDICT_END(&v);
}

/* A device whose page map device DAX makes itself, at each bind. */
FIXTURE(soft_reserved)
{
	const char *device;
	int guard;
};

FIXTURE_SETUP(soft_reserved)
{
	const char *why = dax_unavailable();

	if (why)
		SKIP(return, "%s", why);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	self->device = dax_soft_reserved();
	if (!self->device)
		SKIP(return, "no soft-reserved memory: memmap=16M%%0x70000000-1+0xefffffff");
}

/* A device that cannot be bound again is made anew with its driver. */
FIXTURE_TEARDOWN_PARENT(soft_reserved)
{
	module_unload("dax_hmem");
}

#define REMAP "dax_remap"

TEST_F(soft_reserved, device_can_be_bound_after_a_failure)
{
	struct verdict v;
	struct stats s;
	int err;

	/* Bind and unbind, arm and disarm. */
	ASSERT_EQ(0, dax_bind_device(self->device));
	ASSERT_EQ(0, dax_unbind_device(self->device));
	ASSERT_EQ(0, point_add(REMAP, "devm_memremap_pages", "-ENOMEM"));
	ASSERT_EQ(0, arm_nth(REMAP, 1));
	ASSERT_EQ(0, disarm(REMAP));
	VERDICT_BEGIN(&v, "");

	/* Fail the mapping. */
	ASSERT_EQ(0, arm_nth(REMAP, 1));
	EXPECT_EQ(-ENOMEM, dax_bind_device(self->device));
	ASSERT_EQ(0, disarm(REMAP));
	ASSERT_EQ(0, stats_read(REMAP, &s));
	EXPECT_EQ(1, s.injected);
	verdict_failed(&v, REMAP, "device DAX is bound to soft-reserved memory", 1);

	/* Bind the same device again. */
	err = dax_bind_device(self->device);
	EXPECT_EQ(0, verdict_errno(&v, "bind", err, 0));
	if (!err)
		EXPECT_EQ(0, dax_unbind_device(self->device));
	verdict_recovered(&v, "bound again, and unbound");
	VERDICT_END(&v);
}

TEST_HARNESS_MAIN
