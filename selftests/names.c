// SPDX-License-Identifier: GPL-2.0
/*
 * Names of functions, in the knobs caller and skip and in the points. An unknown name
 * matches nothing. The name of a function in a module matches whenever the module is
 * loaded. A name that several functions share matches all of them.
 */
#include <dirent.h>
#include <fcntl.h>

#include "lib/harness.h"

#include "lib/expect.h"
#include "lib/file.h"
#include "lib/knobs.h"
#include "lib/module.h"
#include "lib/symbols.h"

#define POINT "alloc"
#define CALLER "by_kmalloc"
#define TWIN_FILE "/sys/kernel/debug/errpath_alloc_twin/alloc"
#define ALLOC_FILE "/sys/kernel/debug/errpath_alloc/alloc"
#define OPENS 20
#define MOVES 8

/* Modules that may get the addresses of one that was unloaded. */
static const char * const others[] = { "errpath_rival", "errpath_migrate", "errpath_alloc_twin" };

/* Functions that kmalloc() of a constant size and open() call; each kernel has two of them. */
#define FUNCTIONS "kmalloc_trace __kmalloc_cache_noprof kmem_cache_alloc kmem_cache_alloc_noprof"

/* Lets errpath_alloc.ko allocate once, called from its errpath_alloc_caller(). */
static int allocate(void)
{
	return file_write(ALLOC_FILE, "kmalloc task");
}

FIXTURE(names)
{
	int guard;
};

FIXTURE_SETUP(names)
{
	const char *reason = point_unavailable(POINT);

	if (reason)
		SKIP(return, "%s", reason);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	ASSERT_EQ(0, knob_set(POINT, "verbose", "0"));
	ASSERT_EQ(0, knob_set(POINT, "function", FUNCTIONS));
}

static void unload_if_loaded(struct __test_metadata *_metadata, const char *module)
{
	if (module_loaded(module))
		EXPECT_EQ(0, module_unload(module));
}

FIXTURE_TEARDOWN_PARENT(names)
{
	EXPECT_STREQ("off", point_state(POINT));
	unload_if_loaded(_metadata, "errpath_alloc");
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		unload_if_loaded(_metadata, others[i]);
}

/* Opens a file OPENS times, which allocates memory. Returns how many opens failed. */
static int failed_opens(void)
{
	int fd, failed = 0;

	for (int i = 0; i < OPENS; i++) {
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			failed++;
		else
			close(fd);
	}
	return failed;
}

/* A caller whose module was unloaded must stay in the knob, but match no call. */
TEST_F(names, gone_caller_matches_nobody)
{
	static const char * const callers[] = {
		CALLER, "stack:" CALLER, "errpath_alloc:" CALLER, "stack:errpath_alloc:" CALLER,
	};
	char text[128];

	for (size_t i = 0; i < ARRAY_SIZE(callers); i++) {
		/* Name a caller, unload its module, and write another knob. */
		ASSERT_EQ(0, module_load("errpath_alloc", ""));
		ASSERT_EQ(0, knob_set(POINT, "caller", "%s", callers[i]));
		ASSERT_EQ(0, module_unload("errpath_alloc"));
		EXPECT_EQ(0, knob_set(POINT, "skip", "errpath:knob_write"));
		ASSERT_EQ(0, knob_get(POINT, "caller", text, sizeof(text)));
		EXPECT_STREQ(callers[i], text);

		/* No call may match. */
		ASSERT_EQ(0, arm_nth(POINT, 1));
		EXPECT_EQ(0, failed_opens()) TH_LOG("caller %s", callers[i]);
		EXPECT_STATS(POINT, 0, 0);
		ASSERT_EQ(0, disarm(POINT));
	}
}

/* The knob skip must name the function again when its module is loaded again. */
TEST_F(names, reloaded_skip_skips)
{
	/* Skip calls from the module. */
	ASSERT_EQ(0, module_load("errpath_alloc", ""));
	ASSERT_EQ(0, knob_set(POINT, "skip", "errpath:knob_write errpath_alloc:" CALLER));
	ASSERT_EQ(0, knob_set(POINT, "caller", "stack:vfs_write"));
	ASSERT_EQ(0, arm_nth(POINT, 1));
	EXPECT_EQ(0, allocate());
	EXPECT_STATS(POINT, 0, 0);
	ASSERT_EQ(0, disarm(POINT));

	/* Reload the module. */
	ASSERT_EQ(0, module_unload("errpath_alloc"));
	EXPECT_EQ(0, knob_set(POINT, "caller", "stack:ksys_write"));
	ASSERT_EQ(0, module_load("errpath_alloc", ""));
	ASSERT_EQ(0, arm_nth(POINT, 1));
	EXPECT_EQ(0, allocate());
	EXPECT_STATS(POINT, 0, 0);
}

static unsigned long module_text(const char *module)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), "/sys/module/%s/sections/.text", module);
	return file_read(path, text, sizeof(text)) > 0 ? strtoul(text, NULL, 16) : 0;
}

/* Does nothing if this kernel has no such module. */
static int module_toggle(const char *module)
{
	if (!module_exists(module))
		return 0;
	return module_loaded(module) ? module_unload(module) : module_load(module, "");
}

/*
 * Loads errpath_alloc.ko to an address other than @before. The address depends on the
 * modules that are loaded, and on those whose memory is not yet freed. Returns 0 or -errno.
 */
static int load_elsewhere(unsigned long before)
{
	int err;

	for (int i = 0; i < MOVES; i++) {
		err = module_toggle(others[i % ARRAY_SIZE(others)]);
		if (!err)
			err = module_load("errpath_alloc", "");
		if (err || module_text("errpath_alloc") != before)
			return err;
		err = module_unload("errpath_alloc");
		if (err)
			return err;
	}
	return -EADDRINUSE;
}

TEST_F(names, reloaded_caller_matches)
{
	static const char * const callers[] = { CALLER, "stack:errpath_alloc:" CALLER };
	unsigned long before;

	for (size_t i = 0; i < ARRAY_SIZE(callers); i++) {
		ASSERT_EQ(0, module_load("errpath_alloc", ""));
		before = module_text("errpath_alloc");
		ASSERT_NE(0, before);

		/* Fail a call from the module. */
		ASSERT_EQ(0, knob_set(POINT, "caller", "%s", callers[i]));
		ASSERT_EQ(0, arm_nth(POINT, 1));
		EXPECT_EQ(-ENOMEM, allocate());
		EXPECT_STATS(POINT, 1, 1);
		ASSERT_EQ(0, disarm(POINT));

		/* The same after it was loaded to another address. */
		ASSERT_EQ(0, module_unload("errpath_alloc"));
		ASSERT_EQ(0, load_elsewhere(before));
		ASSERT_EQ(0, arm_nth(POINT, 1));
		EXPECT_EQ(-ENOMEM, allocate()) TH_LOG("caller %s", callers[i]);
		EXPECT_STATS(POINT, 1, 1);
		ASSERT_EQ(0, disarm(POINT));
		ASSERT_EQ(0, module_unload("errpath_alloc"));
	}
}

TEST_F(names, caller_is_reloaded_while_armed)
{
	unsigned long before;

	ASSERT_EQ(0, module_load("errpath_alloc", ""));
	before = module_text("errpath_alloc");
	ASSERT_NE(0, before);

	/* Fail a call from the module. */
	ASSERT_EQ(0, knob_set(POINT, "caller", "errpath_alloc:" CALLER));
	ASSERT_EQ(0, arm_times(POINT, -1));
	EXPECT_EQ(-ENOMEM, allocate());

	/* Unload it: no other call may match. */
	ASSERT_EQ(0, module_unload("errpath_alloc"));
	EXPECT_EQ(0, failed_opens());
	EXPECT_STATS(POINT, 1, 1);

	/* Load it again: its call must fail. */
	ASSERT_EQ(0, load_elsewhere(before));
	EXPECT_EQ(-ENOMEM, allocate());
	EXPECT_STATS(POINT, 2, 2);
	ASSERT_EQ(0, disarm(POINT));
}

/*
 * A module with the same code has the same calls, and at the same addresses if it gets the
 * memory of the unloaded module. It must not be taken for the caller.
 */
TEST_F(names, another_module_at_the_address_is_not_the_caller)
{
	unsigned long before;

	ASSERT_EQ(0, module_load("errpath_alloc", ""));
	before = module_text("errpath_alloc");

	/* Fail a call from the module. */
	ASSERT_EQ(0, knob_set(POINT, "caller", "errpath_alloc:" CALLER));
	ASSERT_EQ(0, arm_times(POINT, -1));
	EXPECT_EQ(-ENOMEM, allocate());
	EXPECT_STATS(POINT, 1, 1);
	ASSERT_EQ(0, module_unload("errpath_alloc"));

	/* Load the other module in its place. */
	ASSERT_EQ(0, module_load("errpath_alloc_twin", ""));
	printf("# at the address of the other: %s\n",
	       before == module_text("errpath_alloc_twin") ? "yes" : "no");
	EXPECT_EQ(0, file_write(TWIN_FILE, "kmalloc task"));
	EXPECT_STATS(POINT, 1, 1);
	ASSERT_EQ(0, disarm(POINT));
}

TEST_F(names, caller_waits_for_its_module)
{
	static const char * const callers[] = {
		"errpath_alloc:" CALLER, "stack:errpath_alloc:" CALLER,
		"vfs_read errpath_alloc:" CALLER,
	};
	char text[128];

	for (size_t i = 0; i < ARRAY_SIZE(callers); i++) {
		/* Name a caller whose module is not loaded. */
		EXPECT_EQ(0, knob_set(POINT, "caller", "%s", callers[i]))
			TH_LOG("caller %s", callers[i]);
		ASSERT_EQ(0, knob_get(POINT, "caller", text, sizeof(text)));
		EXPECT_STREQ(callers[i], text);
		ASSERT_EQ(0, arm_nth(POINT, 1));
		EXPECT_EQ(0, failed_opens());
		EXPECT_STATS(POINT, 0, 0);

		/* Load the module. */
		ASSERT_EQ(0, module_load("errpath_alloc", ""));
		EXPECT_EQ(-ENOMEM, allocate()) TH_LOG("caller %s", callers[i]);
		EXPECT_STATS(POINT, 1, 1);
		ASSERT_EQ(0, disarm(POINT));
		ASSERT_EQ(0, module_unload("errpath_alloc"));
	}
}

/* Without a module in the name, the function must exist when the name is written. */
TEST_F(names, unknown_name_is_refused)
{
	static const char * const names[] = {
		"no_such_function", "stack:no_such_function", "vfs_read no_such_function",
		":vfs_read", "errpath_alloc:", "stack:errpath_alloc:",
	};
	char text[128];

	ASSERT_EQ(0, knob_set(POINT, "caller", "vfs_write"));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		EXPECT_EQ(-EINVAL, knob_set(POINT, "caller", "%s", names[i]))
			TH_LOG("caller %s", names[i]);
	}
	ASSERT_EQ(0, knob_get(POINT, "caller", text, sizeof(text)));
	EXPECT_STREQ("vfs_write", text);
}

/* If the module of the name is loaded, it must have the function. */
TEST_F(names, unknown_name_in_loaded_module_is_refused)
{
	ASSERT_EQ(0, module_load("errpath_alloc", ""));
	EXPECT_EQ(-EINVAL, knob_set(POINT, "caller", "errpath_alloc:no_such_function"));
	EXPECT_EQ(-EINVAL, knob_set(POINT, "caller", "errpath_alloc:vfs_read"));
}

/* The functions of all points that this kernel has, and how often each name is found. */
struct present {
	int nr;
	struct {
		char module[64];
		char name[128];
		int found;
	} function[128];
};

/* A row is "POINT STATE FUNCTION BY ...", or " FUNCTION BY" for more of the same point. */
static bool row_parse(const char *row, char function[128], char how[32])
{
	if (row[0] == ' ')
		return sscanf(row, "%127s %31s", function, how) == 2;
	return sscanf(row, "%*s %*s %127s %31s", function, how) == 2;
}

static void present_add(struct present *present, const char *row)
{
	char function[128], how[32], *colon;

	if (!row_parse(row, function, how) || !strcmp(how, "absent") ||
	    present->nr == ARRAY_SIZE(present->function))
		return;
	colon = strchr(function, ':');
	if (colon)
		*colon = '\0';
	snprintf(present->function[present->nr].module, 64, "%.63s", colon ? function : "");
	snprintf(present->function[present->nr].name, 128, "%s", colon ? colon + 1 : function);
	present->nr++;
}

static int present_read(struct present *present)
{
	static char status[32768];
	char *line, *save;
	long len = file_read(ERRPATH "/status", status, sizeof(status));

	if (len < 0)
		return len;
	strtok_r(status, "\n", &save);	/* the head */
	for (line = strtok_r(NULL, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		present_add(present, line);
	return 0;
}

static bool present_count(const struct symbol *symbol, void *data)
{
	struct present *present = data;

	for (int i = 0; i < present->nr; i++) {
		present->function[i].found += !strcmp(symbol->name, present->function[i].name) &&
					      !strcmp(symbol->module, present->function[i].module);
	}
	return true;
}

/* The kernel's lookup finds only the first of the functions that share a name. */
TEST_F(names, points_functions_are_unique)
{
	static struct present present;

	ASSERT_EQ(0, present_read(&present));
	EXPECT_LT(10, present.nr);
	ASSERT_EQ(0, symbols_each(present_count, &present));
	for (int i = 0; i < present.nr; i++) {
		EXPECT_EQ(1, present.function[i].found)
			TH_LOG("%s:%s", present.function[i].module, present.function[i].name);
	}
}

static bool count_uevent_store(const struct symbol *symbol, void *data)
{
	*(int *)data += !*symbol->module && !strcmp(symbol->name, "uevent_store");
	return true;
}

/* Finds the file uevent of some driver, on a bus that every guest has. */
static bool find_driver_uevent(char *path, size_t size)
{
	DIR *dir = opendir("/sys/bus/virtio/drivers");
	struct dirent *entry;

	*path = '\0';
	while (dir && !*path && (entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			snprintf(path, size, "/sys/bus/virtio/drivers/%s/uevent", entry->d_name);
	}
	if (dir)
		closedir(dir);
	return *path;
}

/* Devices and drivers have separate functions uevent_store(), which both allocate. */
TEST_F(names, shared_name_matches_all)
{
	char driver[512];
	int nr = 0;

	ASSERT_EQ(0, symbols_each(count_uevent_store, &nr));
	if (nr < 2)
		SKIP(return, "this kernel has %d functions uevent_store()", nr);
	ASSERT_TRUE(find_driver_uevent(driver, sizeof(driver)));
	ASSERT_EQ(0, knob_set(POINT, "caller", "stack:uevent_store"));

	/* Fail an allocation in each of them. */
	ASSERT_EQ(0, arm_nth(POINT, 1));
	EXPECT_EQ(-ENOMEM, file_write("/sys/class/mem/null/uevent", "change"));
	ASSERT_EQ(0, arm_nth(POINT, 1));
	EXPECT_EQ(-ENOMEM, file_write(driver, "change")) TH_LOG("%s", driver);

	/* Disarmed, both succeed. */
	ASSERT_EQ(0, disarm(POINT));
	EXPECT_EQ(0, file_write("/sys/class/mem/null/uevent", "change"));
	EXPECT_EQ(0, file_write(driver, "change"));
}

/*
 * Functions of which only a clone exists, whose name has more than one suffix or a number
 * other than 0: NAME.part.0.isra.0, NAME.isra.1.
 */
struct clones {
	int nr;
	char base[32][128];
};

static bool is_common(const char *suffixes)
{
	return !strcmp(suffixes, ".isra.0") || !strcmp(suffixes, ".constprop.0") ||
	       !strcmp(suffixes, ".part.0") || strstr(suffixes, ".cold");
}

static bool clones_take(const struct symbol *symbol, void *data)
{
	size_t len = strcspn(symbol->name, ".");
	const char *suffixes = symbol->name + len;
	struct clones *clones = data;

	if (*symbol->module || !len || len >= sizeof(clones->base[0]) ||
	    !strncmp(symbol->name, "__pfx_", 6) || is_common(suffixes))
		return true;
	if (strncmp(suffixes, ".isra.", 6) && strncmp(suffixes, ".part.", 6) &&
	    strncmp(suffixes, ".constprop.", 11))
		return true;
	memcpy(clones->base[clones->nr], symbol->name, len);
	clones->nr++;
	return clones->nr < (int)ARRAY_SIZE(clones->base);
}

TEST_F(names, clones_have_the_functions_name)
{
	struct clones clones = {};

	ASSERT_EQ(0, symbols_each(clones_take, &clones));
	if (!clones.nr)
		SKIP(return, "this kernel has no such clones");
	for (int i = 0; i < clones.nr; i++) {
		EXPECT_EQ(0, knob_set("target", "caller", "%s", clones.base[i]))
			TH_LOG("%s", clones.base[i]);
	}
}

TEST_HARNESS_MAIN
