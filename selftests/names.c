// SPDX-License-Identifier: GPL-2.0
/*
 * Names of functions, in the knobs caller and skip and in the points: a name that is not
 * there matches nothing, one in a module matches whenever the module is there, and one
 * that several functions have matches them all.
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

/* Modules that take the place that another one had. */
static const char * const others[] = { "errpath_rival", "errpath_migrate", "errpath_alloc_twin" };

/* What kmalloc() of a constant size and an open() call; each kernel has two of these. */
#define FUNCTIONS "kmalloc_trace __kmalloc_cache_noprof kmem_cache_alloc kmem_cache_alloc_noprof"

/* One allocation of errpath_alloc.ko, below its function errpath_alloc_caller(). */
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

static void unload(struct __test_metadata *_metadata, const char *module)
{
	if (module_loaded(module))
		EXPECT_EQ(0, module_unload(module));
}

FIXTURE_TEARDOWN_PARENT(names)
{
	EXPECT_STREQ("off", point_state(POINT));
	unload(_metadata, "errpath_alloc");
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		unload(_metadata, others[i]);
}

/* Allocates a lot, by opening a file; returns the opens that fail. */
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

/* A caller whose module is gone stays a caller when another knob is written. */
TEST_F(names, gone_caller_matches_nobody)
{
	static const char * const callers[] = {
		CALLER, "stack:" CALLER, "errpath_alloc:" CALLER, "stack:errpath_alloc:" CALLER,
	};
	char text[128];

	for (size_t i = 0; i < ARRAY_SIZE(callers); i++) {
		ASSERT_EQ(0, module_load("errpath_alloc", ""));
		ASSERT_EQ(0, knob_set(POINT, "caller", "%s", callers[i]));
		ASSERT_EQ(0, module_unload("errpath_alloc"));
		EXPECT_EQ(0, knob_set(POINT, "skip", "errpath:knob_write"));
		ASSERT_EQ(0, knob_get(POINT, "caller", text, sizeof(text)));
		EXPECT_STREQ(callers[i], text);

		ASSERT_EQ(0, arm_nth(POINT, 1));
		EXPECT_EQ(0, failed_opens()) TH_LOG("caller %s", callers[i]);
		EXPECT_STATS(POINT, 0, 0);
		ASSERT_EQ(0, disarm(POINT));
	}
}

/* The same for the knob skip: it names the function again when its module is back. */
TEST_F(names, reloaded_skip_skips)
{
	ASSERT_EQ(0, module_load("errpath_alloc", ""));
	ASSERT_EQ(0, knob_set(POINT, "skip", "errpath:knob_write errpath_alloc:" CALLER));
	ASSERT_EQ(0, knob_set(POINT, "caller", "stack:vfs_write"));
	ASSERT_EQ(0, arm_nth(POINT, 1));
	EXPECT_EQ(0, allocate());
	EXPECT_STATS(POINT, 0, 0);
	ASSERT_EQ(0, disarm(POINT));

	ASSERT_EQ(0, module_unload("errpath_alloc"));
	EXPECT_EQ(0, knob_set(POINT, "caller", "stack:ksys_write"));
	ASSERT_EQ(0, module_load("errpath_alloc", ""));
	ASSERT_EQ(0, arm_nth(POINT, 1));
	EXPECT_EQ(0, allocate());
	EXPECT_STATS(POINT, 0, 0);
}

static unsigned long text_of_module(const char *module)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), "/sys/module/%s/sections/.text", module);
	return file_read(path, text, sizeof(text)) > 0 ? strtoul(text, NULL, 16) : 0;
}

static int toggle(const char *module)
{
	return module_loaded(module) ? module_unload(module) : module_load(module, "");
}

/*
 * Loads the module to another address than @before. Where the kernel puts a module depends
 * on what else is loaded, and on what was unloaded and is not quite gone yet.
 */
static int load_elsewhere(unsigned long before)
{
	int err;

	for (int i = 0; i < MOVES; i++) {
		err = toggle(others[i % ARRAY_SIZE(others)]);
		err = err ?: module_load("errpath_alloc", "");
		if (err || text_of_module("errpath_alloc") != before)
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
		before = text_of_module("errpath_alloc");
		ASSERT_NE(0, before);
		ASSERT_EQ(0, knob_set(POINT, "caller", "%s", callers[i]));
		ASSERT_EQ(0, arm_nth(POINT, 1));
		EXPECT_EQ(-ENOMEM, allocate());
		EXPECT_STATS(POINT, 1, 1);
		ASSERT_EQ(0, disarm(POINT));

		ASSERT_EQ(0, module_unload("errpath_alloc"));
		ASSERT_EQ(0, load_elsewhere(before));
		ASSERT_EQ(0, arm_nth(POINT, 1));
		EXPECT_EQ(-ENOMEM, allocate()) TH_LOG("caller %s", callers[i]);
		EXPECT_STATS(POINT, 1, 1);
		ASSERT_EQ(0, disarm(POINT));
		ASSERT_EQ(0, module_unload("errpath_alloc"));
	}
}

/* Reloaded while the point is armed. */
TEST_F(names, caller_is_reloaded_while_armed)
{
	unsigned long before;

	ASSERT_EQ(0, module_load("errpath_alloc", ""));
	before = text_of_module("errpath_alloc");
	ASSERT_NE(0, before);
	ASSERT_EQ(0, knob_set(POINT, "caller", "errpath_alloc:" CALLER));
	ASSERT_EQ(0, arm_times(POINT, -1));
	EXPECT_EQ(-ENOMEM, allocate());
	ASSERT_EQ(0, module_unload("errpath_alloc"));
	EXPECT_EQ(0, failed_opens());
	EXPECT_STATS(POINT, 1, 1);
	ASSERT_EQ(0, load_elsewhere(before));
	EXPECT_EQ(-ENOMEM, allocate());
	EXPECT_STATS(POINT, 2, 2);
	ASSERT_EQ(0, disarm(POINT));
}

/*
 * Another module of the same code has the same calls, at the same addresses if it gets the
 * memory that the caller's module had. They are not the caller's.
 */
TEST_F(names, another_module_at_the_address_is_not_the_caller)
{
	unsigned long before;

	ASSERT_EQ(0, module_load("errpath_alloc", ""));
	before = text_of_module("errpath_alloc");
	ASSERT_EQ(0, knob_set(POINT, "caller", "errpath_alloc:" CALLER));
	ASSERT_EQ(0, arm_times(POINT, -1));
	EXPECT_EQ(-ENOMEM, allocate());
	EXPECT_STATS(POINT, 1, 1);
	ASSERT_EQ(0, module_unload("errpath_alloc"));

	ASSERT_EQ(0, module_load("errpath_alloc_twin", ""));
	printf("# at the address of the other: %s\n",
	       before == text_of_module("errpath_alloc_twin") ? "yes" : "no");
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
		EXPECT_EQ(0, knob_set(POINT, "caller", "%s", callers[i]))
			TH_LOG("caller %s", callers[i]);
		ASSERT_EQ(0, knob_get(POINT, "caller", text, sizeof(text)));
		EXPECT_STREQ(callers[i], text);
		ASSERT_EQ(0, arm_nth(POINT, 1));
		EXPECT_EQ(0, failed_opens());
		EXPECT_STATS(POINT, 0, 0);
		ASSERT_EQ(0, module_load("errpath_alloc", ""));
		EXPECT_EQ(-ENOMEM, allocate()) TH_LOG("caller %s", callers[i]);
		EXPECT_STATS(POINT, 1, 1);
		ASSERT_EQ(0, disarm(POINT));
		ASSERT_EQ(0, module_unload("errpath_alloc"));
	}
}

/* A plain name that no function has is a mistake, not something to wait for. */
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

/* A loaded module that lacks the function is one, too. */
TEST_F(names, unknown_name_in_loaded_module_is_refused)
{
	ASSERT_EQ(0, module_load("errpath_alloc", ""));
	EXPECT_EQ(-EINVAL, knob_set(POINT, "caller", "errpath_alloc:no_such_function"));
	EXPECT_EQ(-EINVAL, knob_set(POINT, "caller", "errpath_alloc:vfs_read"));
}

/* The functions of all points that this kernel has, and how many have each name. */
struct present {
	int nr;
	struct {
		char module[64];
		char name[128];
		int found;
	} function[128];
};

/* A row is "POINT STATE FUNCTION BY ...", or behind blanks "FUNCTION BY" of the same point. */
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

/* Of two functions that share a name, the kernel's lookup finds the first. */
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

/* The file uevent of a driver: any of a bus that each guest has. */
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

/* uevent_store() is one function for devices and another for drivers; both allocate. */
TEST_F(names, shared_name_matches_all)
{
	char driver[512];
	int nr = 0;

	ASSERT_EQ(0, symbols_each(count_uevent_store, &nr));
	if (nr < 2)
		SKIP(return, "this kernel has %d functions uevent_store()", nr);
	ASSERT_TRUE(find_driver_uevent(driver, sizeof(driver)));
	ASSERT_EQ(0, knob_set(POINT, "caller", "stack:uevent_store"));

	ASSERT_EQ(0, arm_nth(POINT, 1));
	EXPECT_EQ(-ENOMEM, file_write("/sys/class/mem/null/uevent", "change"));
	ASSERT_EQ(0, arm_nth(POINT, 1));
	EXPECT_EQ(-ENOMEM, file_write(driver, "change")) TH_LOG("%s", driver);
	ASSERT_EQ(0, disarm(POINT));
	EXPECT_EQ(0, file_write("/sys/class/mem/null/uevent", "change"));
	EXPECT_EQ(0, file_write(driver, "change"));
}

/*
 * Functions of which the compiler left nothing but a clone, whose name has more than one
 * suffix, or a number other than 0: NAME.part.0.isra.0, NAME.isra.1.
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
