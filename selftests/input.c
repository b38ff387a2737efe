// SPDX-License-Identifier: GPL-2.0
/*
 * Every form of wrong input is refused at every knob of every point: with EINVAL, a line in
 * the kernel log, and no change.
 */
#include <dirent.h>
#include <fcntl.h>

#include "lib/harness.h"

#include "lib/kmsg.h"
#include "lib/knobs.h"
#include "lib/module.h"

#define LONGEST 4096

/*
 * A knob, with two values that it accepts and that do not arm the point.
 *
 * @reads: what the first value reads back as; NULL: as it was written
 * @is_number: it refuses "+5", and "-5" unless @may_be_negative
 * @hidden: a read does not return the value that was written
 */
#define KNOB(_name, _first, _second, ...) \
	{ .name = _name, .first = _first, .second = _second, ##__VA_ARGS__ }

static const struct knob {
	const char *name;
	const char *first;
	const char *reads;
	const char *second;
	bool is_number, may_be_negative, is_boolean, hidden, is_read_only;
} knobs[] = {
	KNOB("probability", "0", "0", .is_number = true),
	KNOB("interval", "12", "34", .is_number = true),
	KNOB("times", "12", "34", .is_number = true),
	KNOB("space", "12", "34", .is_number = true),
	KNOB("verbose", "0", "2", .is_number = true),
	KNOB("verbose_ratelimit_interval_ms", "5000", "6000", .is_number = true),
	KNOB("verbose_ratelimit_burst", "12", "34", .is_number = true),
	KNOB("task-filter", "N", "Y", .is_boolean = true),
	KNOB("stacktrace-depth", "12", "8", .is_number = true),
	KNOB("require-start", "12", "34", .reads = "0x000000000000000c", .is_number = true),
	KNOB("require-end", "12", "34", .reads = "0x000000000000000c", .is_number = true),
	KNOB("reject-start", "12", "34", .reads = "0x000000000000000c", .is_number = true),
	KNOB("reject-end", "12", "34", .reads = "0x000000000000000c", .is_number = true),
	KNOB("tasks", "1", "self", .is_number = true),
	KNOB("caller", "vfs_write", "vfs_read"),
	KNOB("skip", "vfs_write", "vfs_read"),
	KNOB("gfp-require", "12", "34", .reads = "0x000000000000000c", .is_number = true),
	KNOB("gfp-reject", "12", "34", .reads = "0x000000000000000c", .is_number = true),
	KNOB("min-order", "12", "34", .is_number = true),
	KNOB("max-order", "12", "34", .is_number = true),
	KNOB("min-size", "12", "34", .is_number = true),
	KNOB("max-size", "12", "34", .is_number = true),
	KNOB("cache", "dentry", "filp"),
	KNOB("stacks", "Y", "N", .reads = "", .is_boolean = true, .hidden = true),
	KNOB("targets", "12", "34", .reads = "00000012:1", .is_number = true),
	KNOB("function", NULL, NULL),	/* names of the point's own functions */
	KNOB("nth", "0", "0", .is_number = true),
	KNOB("seconds", "12", "34", .is_number = true),
	KNOB("delay-us", "12", "34", .is_number = true),
	KNOB("errno", "-5", "-34", .is_number = true, .may_be_negative = true),
	KNOB("device", "8f6c2d0e-0000-4000-8000-000000000001",
	     "8f6c2d0e-0000-4000-8000-000000000002"),
	KNOB("min", "12", "34", .reads = "0x000000000000000c", .is_number = true),
	KNOB("stats", "0", "1", .is_number = true, .is_read_only = true),
};

/* A knob of a point. */
struct place {
	const char *point;
	struct knob knob;
	char first[64], second[64];	/* values of the knob function */
};

/* A form of wrong input. */
struct form {
	const char *name;
	int (*write)(const struct place *p);		/* returns 0 or -errno */
	bool (*applies)(const struct knob *knob);	/* NULL: to all knobs */
};

static int knob_open(const struct place *p)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), ERRPATH "/%s/%s", p->point, p->knob.name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int write_bytes(int fd, const char *bytes, size_t size)
{
	ssize_t n = write(fd, bytes, size);

	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EIO;
}

/* Opens the knob and writes once at @offset. Returns 0 or -errno. */
static int write_at(const struct place *p, off_t offset, const char *bytes, size_t size)
{
	int err, fd = knob_open(p);

	if (fd < 0)
		return fd;
	/* These files do not support pwrite(). */
	err = lseek(fd, offset, SEEK_SET) == offset ? write_bytes(fd, bytes, size) : -ESPIPE;
	close(fd);
	return err;
}

static int write_nul_inside(const struct place *p)
{
	char text[128] = "";
	size_t len = strlen(p->knob.second);

	memcpy(text, p->knob.second, len);
	memcpy(text + len + 1, "junk", 4);
	return write_at(p, 0, text, len + 5);
}

static int write_nul_at_end(const struct place *p)
{
	return write_at(p, 0, p->knob.second, strlen(p->knob.second) + 1);
}

static int write_at_offset(const struct place *p)
{
	return write_at(p, 100, p->knob.second, strlen(p->knob.second));
}

static int write_nothing(const struct place *p)
{
	return write_at(p, 0, "", 0);
}

static int write_too_long(const struct place *p)
{
	char text[LONGEST + 1];

	memset(text, ' ', sizeof(text));
	memcpy(text, p->knob.second, strlen(p->knob.second));
	return write_at(p, 0, text, sizeof(text));
}

static int write_plus(const struct place *p)
{
	return write_at(p, 0, "+5", 2);
}

static int write_minus(const struct place *p)
{
	return write_at(p, 0, "-5", 2);
}

static bool takes_numbers(const struct knob *knob)
{
	return knob->is_number;
}

static bool takes_no_negative(const struct knob *knob)
{
	return knob->is_number && !knob->may_be_negative;
}

static const struct form nul_inside = { .name = "a NUL inside", .write = write_nul_inside };
static const struct form nul_at_end = { .name = "a NUL at the end", .write = write_nul_at_end };
static const struct form at_offset = { .name = "a write at offset 100", .write = write_at_offset };
static const struct form nothing = { .name = "an empty write", .write = write_nothing };
static const struct form too_long = { .name = "4097 bytes", .write = write_too_long };
static const struct form plus = { .name = "+5", .write = write_plus, .applies = takes_numbers };
static const struct form minus = {
	.name = "-5",
	.write = write_minus,
	.applies = takes_no_negative,
};

/* Words that kstrtobool() may accept: it only looks at the first one or two letters. */
static const char * const no_booleans[] = {
	"nobody", "never", "0x1", "1000", "10", "00", "Yikes", "enable", "disarm", "off1",
	"once", "often", "maybe", "2", "Y N", "YN",
};

static const char * const booleans[] = { "Y", "N", "y", "n", "1", "0", "on", "off" };

/* Takes the first and the last function of the point, from its knob function. */
static int place_name_functions(struct place *p)
{
	char text[8192], *last;
	int err = knob_get(p->point, "function", text, sizeof(text));

	if (err)
		return err;
	last = strrchr(text, '\n');
	snprintf(p->second, sizeof(p->second), "%.63s", last ? last + 1 : text);
	text[strcspn(text, "\n")] = '\0';
	snprintf(p->first, sizeof(p->first), "%.63s", text);
	p->knob.first = p->first;
	p->knob.second = p->second;
	return 0;
}

/* Returns 0, -ENOENT if the knob has no row in the table, or another -errno. */
static int place_find(struct place *p, const char *point, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(knobs); i++) {
		if (strcmp(knobs[i].name, name))
			continue;
		*p = (struct place) { .point = point, .knob = knobs[i] };
		return p->knob.first ? 0 : place_name_functions(p);
	}
	return -ENOENT;
}

FIXTURE(input)
{
	int guard;
};

FIXTURE_SETUP(input)
{
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
}

FIXTURE_TEARDOWN(input)
{
	EXPECT_EQ(0, close(self->guard));
}

typedef void (*place_fn)(struct __test_metadata *_metadata, const struct place *p,
			 const void *data);

static bool is_point(const struct dirent *entry)
{
	return entry->d_type == DT_DIR && entry->d_name[0] != '.';
}

/* Calls @check for each knob of the point. */
static void check_knobs_of(struct __test_metadata *_metadata, const char *point,
			   place_fn check, const void *data)
{
	char path[512];
	struct dirent *entry;
	struct place p;
	DIR *dir;

	snprintf(path, sizeof(path), ERRPATH "/%s", point);
	dir = opendir(path);
	ASSERT_NE(NULL, dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		ASSERT_EQ(0, place_find(&p, point, entry->d_name))
			TH_LOG("%s/%s is missing in the table knobs[]", point, entry->d_name);
		check(_metadata, &p, data);
	}
	closedir(dir);
}

/* Calls @check for each knob of each point. Returns the number of points, or -errno. */
static int check_all_knobs(struct __test_metadata *_metadata, place_fn check, const void *data)
{
	DIR *dir = opendir(ERRPATH);
	struct dirent *entry;
	int points = 0;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		if (!is_point(entry))
			continue;
		check_knobs_of(_metadata, entry->d_name, check, data);
		points++;
	}
	closedir(dir);
	return points;
}

static void expect_unchanged(struct __test_metadata *_metadata, const struct place *p,
			     const char *before, const char *what)
{
	char after[8192];

	ASSERT_EQ(0, knob_get(p->point, p->knob.name, after, sizeof(after)));
	EXPECT_STREQ(before, after)
		TH_LOG("%s/%s is changed by %s", p->point, p->knob.name, what);
}

static void expect_form_refused(struct __test_metadata *_metadata, const struct place *p,
				const void *data)
{
	const struct form *form = data;
	char before[8192];

	if (form->applies && !form->applies(&p->knob))
		return;
	ASSERT_EQ(0, knob_get(p->point, p->knob.name, before, sizeof(before)));
	EXPECT_EQ(-EINVAL, form->write(p))
		TH_LOG("%s/%s takes %s", p->point, p->knob.name, form->name);
	expect_unchanged(_metadata, p, before, form->name);
}

TEST_F(input, nul_inside_is_refused)
{
	EXPECT_LT(0, check_all_knobs(_metadata, expect_form_refused, &nul_inside));
}

TEST_F(input, nul_at_end_is_refused)
{
	EXPECT_LT(0, check_all_knobs(_metadata, expect_form_refused, &nul_at_end));
}

TEST_F(input, offset_is_refused)
{
	EXPECT_LT(0, check_all_knobs(_metadata, expect_form_refused, &at_offset));
}

TEST_F(input, empty_write_is_refused)
{
	EXPECT_LT(0, check_all_knobs(_metadata, expect_form_refused, &nothing));
}

TEST_F(input, too_long_is_refused)
{
	EXPECT_LT(0, check_all_knobs(_metadata, expect_form_refused, &too_long));
}

TEST_F(input, plus_sign_is_refused)
{
	EXPECT_LT(0, check_all_knobs(_metadata, expect_form_refused, &plus));
}

TEST_F(input, minus_sign_is_refused)
{
	EXPECT_LT(0, check_all_knobs(_metadata, expect_form_refused, &minus));
}

static void expect_booleans(struct __test_metadata *_metadata, const struct place *p,
			    const void *data)
{
	char before[8192];

	(void)data;
	if (!p->knob.is_boolean)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(booleans); i++) {
		EXPECT_EQ(0, knob_set(p->point, p->knob.name, "%s", booleans[i]))
			TH_LOG("%s/%s \"%s\"", p->point, p->knob.name, booleans[i]);
	}
	ASSERT_EQ(0, knob_get(p->point, p->knob.name, before, sizeof(before)));
	for (size_t i = 0; i < ARRAY_SIZE(no_booleans); i++) {
		EXPECT_EQ(-EINVAL, knob_set(p->point, p->knob.name, "%s", no_booleans[i]))
			TH_LOG("%s/%s \"%s\"", p->point, p->knob.name, no_booleans[i]);
		expect_unchanged(_metadata, p, before, no_booleans[i]);
	}
}

TEST_F(input, words_are_no_booleans)
{
	EXPECT_LT(0, check_all_knobs(_metadata, expect_booleans, NULL));
}

/* Two writes through the same descriptor, "12" and "34", must not set 1234 or 34. */
static void expect_split_refused(struct __test_metadata *_metadata, const struct place *p,
				 const void *data)
{
	const struct knob *knob = &p->knob;
	char text[8192];
	int fd;

	(void)data;
	if (knob->is_read_only)
		return;

	/* Write one value, then another. */
	fd = knob_open(p);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, write_bytes(fd, knob->first, strlen(knob->first)))
		TH_LOG("%s/%s \"%s\"", p->point, knob->name, knob->first);
	ASSERT_EQ(0, knob_get(p->point, knob->name, text, sizeof(text)));
	EXPECT_STREQ(knob->reads ?: knob->first, text);
	EXPECT_EQ(-EINVAL, write_bytes(fd, knob->second, strlen(knob->second)))
		TH_LOG("%s/%s takes a second write", p->point, knob->name);
	expect_unchanged(_metadata, p, text, "a second write");

	/* After a seek to the start, a write must set the knob again. */
	EXPECT_EQ(0, lseek(fd, 0, SEEK_SET));
	EXPECT_EQ(0, write_bytes(fd, knob->second, strlen(knob->second)))
		TH_LOG("%s/%s \"%s\" after a rewind", p->point, knob->name, knob->second);
	if (!knob->hidden && strcmp(knob->first, knob->second)) {
		char after[8192];

		ASSERT_EQ(0, knob_get(p->point, knob->name, after, sizeof(after)));
		EXPECT_STRNE(text, after);
	}
	close(fd);
}

TEST_F(input, split_write_is_refused)
{
	EXPECT_LT(0, check_all_knobs(_metadata, expect_split_refused, NULL));
}

/* Each refusal is logged, however many there are. */
FIXTURE(lines)
{
	int log;
};

FIXTURE_SETUP(lines)
{
	ASSERT_EQ(0, module_unload("errpath"));
	ASSERT_EQ(0, module_load("errpath", ""));
	self->log = kmsg_open();
	ASSERT_LE(0, self->log);
}

FIXTURE_TEARDOWN_PARENT(lines)
{
	if (!module_loaded("errpath"))
		EXPECT_EQ(0, module_load("errpath", ""));
}

static int write_word(const struct place *p)
{
	return write_at(p, 0, "nobody", 6);
}

static int write_split(const struct place *p)
{
	int err, fd = knob_open(p);

	if (fd < 0)
		return fd;
	err = write_bytes(fd, p->knob.first, strlen(p->knob.first));
	if (!err)
		err = write_bytes(fd, p->knob.second, strlen(p->knob.second));
	close(fd);
	return err;
}

static const struct form word = { .name = "a word", .write = write_word };
static const struct form split = { .name = "a second write", .write = write_split };

/* Returns the number of new log lines that name the knob. */
static int lines_about(int log, const struct place *p)
{
	char regexp[128];

	snprintf(regexp, sizeof(regexp), "^errpath: %s/%s ", p->point, p->knob.name);
	return kmsg_count(log, regexp);
}

TEST_F(lines, each_form)
{
	static const struct {
		const struct form *form;
		const char *knob;
	} refused[] = {
		{ .form = &nul_inside, .knob = "interval" },
		{ .form = &nul_at_end, .knob = "interval" },
		{ .form = &at_offset, .knob = "interval" },
		{ .form = &split, .knob = "interval" },
		{ .form = &nothing, .knob = "interval" },
		{ .form = &too_long, .knob = "interval" },
		{ .form = &plus, .knob = "interval" },
		{ .form = &minus, .knob = "interval" },
		{ .form = &word, .knob = "task-filter" },
	};
	struct place p;

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		ASSERT_EQ(0, place_find(&p, "target", refused[i].knob));
		EXPECT_EQ(-EINVAL, refused[i].form->write(&p))
			TH_LOG("%s", refused[i].form->name);
		EXPECT_EQ(1, lines_about(self->log, &p))
			TH_LOG("%s", refused[i].form->name);
	}
}

/* Returns a point that has the knob, or NULL. */
static const char *point_with(const char *knob)
{
	static const char * const points[] = { "target", "alloc", "config_window" };
	char path[256];

	for (size_t i = 0; i < ARRAY_SIZE(points); i++) {
		snprintf(path, sizeof(path), ERRPATH "/%s/%s", points[i], knob);
		if (!access(path, F_OK))
			return points[i];
	}
	return NULL;
}

TEST_F_TIMEOUT(lines, each_knob, 60)
{
	struct place p;

	for (size_t i = 0; i < ARRAY_SIZE(knobs); i++) {
		const char *point = point_with(knobs[i].name);

		if (knobs[i].is_read_only)
			continue;
		ASSERT_NE(NULL, point) TH_LOG("no point has %s", knobs[i].name);
		ASSERT_EQ(0, place_find(&p, point, knobs[i].name));
		EXPECT_EQ(-EINVAL, nul_inside.write(&p)) TH_LOG("%s", knobs[i].name);
		EXPECT_EQ(1, lines_about(self->log, &p)) TH_LOG("%s", knobs[i].name);
	}
}

TEST_HARNESS_MAIN
