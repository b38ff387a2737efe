// SPDX-License-Identifier: GPL-2.0
/*
 * Fails the allocations of one operation, one after the other, and judges what each
 * failure left. Which operation, ERRPATH_SWEEP says; scripts/sweep runs this.
 *
 * What is failed is told by its stack, for the n-th call is another one next time. A
 * clean run shows which stacks there are. Each is announced to the host before it is
 * failed: should the guest be lost, the host knows by what, and has a new guest go on
 * with the others. The file sweep-done names what is done already.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest.h"
#include "lib/counters.h"
#include "lib/file.h"
#include "lib/knobs.h"
#include "lib/known.h"
#include "lib/record.h"
#include "lib/slopes.h"
#include "lib/stacks.h"
#include "lib/sweep.h"
#include "lib/verdict.h"

#define NOTHING "ffffffff"	/* no stack's id: a target that is never hit */
#define OCCURRENCES 64		/* of one stack, that are failed unless told otherwise */
#define MAX_TARGETS 2048
#define TRIES 3			/* until a target counts as gone */
#define WARM_UPS 2
#define TELL_EVERY 20		/* repetitions */
/* A name in sysfs gets the next number, of which every 64th needs memory. */
#define ONLY_AT_TIMES "idr_alloc_cyclic"

static const struct sweep_operation *op;
static const char *point;

/* One call of the operation, to be failed. */
struct target {
	struct stack stack;
	long occurrence;
	const struct target *first;	/* that is failed before it, or NULL */
	char hash[24];		/* of all that, the same in each guest */
};

static struct target targets[MAX_TARGETS];
static int nr_targets;
static long occurrences, repeats;	/* of each target: ERRPATH_OCCURRENCES, ERRPATH_K */
static bool pairs;		/* ERRPATH_PAIRS */
static struct stacks stacks;

/* Ending. */

static void __attribute__((noreturn)) give_up(const char *what, int err)
{
	printf("Bail out! %s: %s\n", what, strerror(-err));
	exit(KSFT_FAIL);
}

static void must(int err, const char *what)
{
	if (err < 0)
		give_up(what, err);
}

/* Outside of an operation nobody is meant: not even this process. */

static pid_t nobody;
static int window = -1;		/* the knob that opens and closes it */

static pid_t start_nobody(void)
{
	pid_t pid = fork();

	must(pid < 0 ? -errno : 0, "fork");
	if (pid)
		return pid;
	for (;;)
		pause();
}

static int write_window(const char *text)
{
	/* A setting is one write from the start. */
	if (lseek(window, 0, SEEK_SET))
		return -errno;
	return write(window, text, strlen(text)) < 0 ? -errno : 0;
}

static int window_open(void)
{
	return write_window(op->workers ? "N" : "self");
}

static int window_close(void)
{
	char text[16] = "Y";

	if (!op->workers)
		snprintf(text, sizeof(text), "%d", nobody);
	return write_window(text);
}

static void window_prepare(void)
{
	char path[256];

	nobody = start_nobody();
	must(knob_set(point, "task-filter", "Y"), "task-filter");
	must(knob_set(point, "tasks", "%d", nobody), "tasks");
	snprintf(path, sizeof(path), ERRPATH "/%s/%s", point,
		 op->workers ? "task-filter" : "tasks");
	window = open(path, O_WRONLY | O_CLOEXEC);
	must(window < 0 ? -errno : 0, path);
}

/* Running. */

static struct sweep_run *run;	/* shared with the child */

static void __attribute__((noreturn)) child(void)
{
	int err = op->setup ? op->setup() : 0;

	if (err) {
		sweep_step(run, "setup", err);
		_exit(0);
	}
	err = window_open();
	if (err)
		sweep_step(run, "window", err);
	else
		op->run(run);
	window_close();
	_exit(0);
}

/* Where in the kernel the process is; of its threads the first. */
static void find_where(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stack", pid);
	if (file_read(path, run->where, sizeof(run->where)) < 0)
		run->where[0] = '\0';
}

static void wait_for(pid_t pid)
{
	struct pollfd fd = { .fd = syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	int status;

	must(fd.fd < 0 ? -errno : 0, "pidfd_open");
	run->hung = poll(&fd, 1, 1000 * (op->seconds ?: 10)) <= 0;
	close(fd.fd);
	if (run->hung) {
		find_where(pid);
		return;
	}
	waitpid(pid, &status, 0);
	run->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	/* A process that was killed did not close it. */
	window_close();
}

static void run_once(void)
{
	pid_t pid;

	memset(run, 0, sizeof(*run));
	pid = fork();
	must(pid < 0 ? -errno : 0, "fork");
	if (!pid)
		child();
	wait_for(pid);
}

static int run_error(void)
{
	for (int i = 0; i < run->nr_steps; i++) {
		if (run->step[i].err)
			return run->step[i].err;
	}
	return run->signal || run->hung || *run->wrong ? -EIO : 0;
}

/* Records. */

static void record_stack(const struct stack *s)
{
	char frames[sizeof(s->frames)], *frame, *rest = frames;

	snprintf(frames, sizeof(frames), "%s", s->frames);
	record_text("function", s->function);
	record_array("frames");
	while ((frame = strsep(&rest, "\t")))
		record_text(NULL, frame);
	record_close();
}

static void record_run(const char *key)
{
	record_object(key);
	record_array("steps");
	for (int i = 0; i < run->nr_steps; i++) {
		record_array(NULL);
		record_text(NULL, run->step[i].name);
		record_number(NULL, run->step[i].err);
		record_close();
	}
	record_close();
	record_number("signal", run->signal);
	record_text("wrong", run->wrong);
	record_text("where", run->where);
	record_close();
}

static void record_target(const struct target *t)
{
	record_begin("target");
	record_text("hash", t->hash);
	record_number("occurrence", t->occurrence);
	record_text("first", t->first ? t->first->hash : "");
	record_stack(&t->stack);
	record_end();
}

static void record_findings(const struct verdict *v)
{
	record_array("findings");
	for (int i = 0; i < v->nr_findings; i++) {
		const struct verdict_finding *f = &v->finding[i];

		record_object(NULL);
		record_text("what", f->what);
		record_number("difference", f->difference);
		record_number("lasting", f->lasting);
		record_number("known", f->known);
		record_close();
	}
	record_close();
}

/* Targets. */

static unsigned long fnv(unsigned long hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	return hash;
}

static void name_target(struct target *t)
{
	char occurrence[32];
	unsigned long hash = fnv(0xcbf29ce484222325, t->stack.function);

	snprintf(occurrence, sizeof(occurrence), "#%ld", t->occurrence);
	hash = fnv(fnv(hash, t->stack.frames), occurrence);
	if (t->first)
		hash = fnv(hash, t->first->hash);
	snprintf(t->hash, sizeof(t->hash), "%016lx", hash);
}

static bool is_known(const struct target *t)
{
	for (int i = 0; i < nr_targets; i++) {
		if (!strcmp(targets[i].hash, t->hash))
			return true;
	}
	return false;
}

static void add_target(const struct stack *s, long occurrence, const struct target *first)
{
	struct target *t = &targets[nr_targets];

	if (nr_targets == MAX_TARGETS)
		give_up("too many targets: enlarge MAX_TARGETS", -ENOSPC);
	t->stack = *s;
	t->occurrence = occurrence;
	t->first = first;
	name_target(t);
	if (!is_known(t))
		nr_targets++;
}

/* A clean run, and what of it was not known yet. */
static void survey(void)
{
	must(knob_set(point, "stacks", "Y"), "stacks");
	run_once();
	must(stacks_read(point, &stacks), "stacks");
	for (int i = 0; i < stacks.nr; i++) {
		const struct stack *s = &stacks.at[i];

		for (long n = 1; n <= s->seen && n <= occurrences; n++)
			add_target(s, n, NULL);
	}
}

/* The host's list of what was done in guests before this one. */
static bool is_done(const char *hash)
{
	static char done[MAX_TARGETS * 32];

	if (!*done && file_read("sweep-done", done, sizeof(done)) < 0)
		snprintf(done, sizeof(done), "-");
	return strstr(done, hash);
}

/* The functions that led there, the caller first, for known-issues: A<B<C#OCCURRENCE. */
static void name_for_known(const struct target *t, char *name, size_t size)
{
	const char *frame = t->stack.frames;
	size_t used = 0;

	while (*frame && used < size - 256) {
		used += snprintf(name + used, size - used, "%s%.*s", used ? "<" : "",
				 (int)strcspn(frame, ".+\t"), frame);
		frame += strcspn(frame, "\t");
		frame += *frame == '\t';
	}
	snprintf(name + used, size - used, "#%ld", t->occurrence);
}

/* Failing. */

static long injected(void)
{
	struct stats s;

	must(stats_read(point, &s), "stats");
	return s.injected;
}

static void set_targets(const struct target *t)
{
	const struct target *first = t->first;

	if (first)
		must(knob_set(point, "targets", "%s:%ld %s:%ld", first->stack.id,
			      first->occurrence, t->stack.id, t->occurrence), "targets");
	else
		must(knob_set(point, "targets", "%s:%ld", t->stack.id, t->occurrence),
		     "targets");
}

/*
 * How often it fired: what the kernel keeps in reserve can make a call needless, such as the
 * vmap areas of alloc_vmap_area(), of which a purge lays in a stock. Settling takes it away.
 */
static long fail(const struct target *t)
{
	long before = injected(), fired = 0;

	for (int i = 0; i < TRIES && !fired; i++) {
		if (i)
			counters_settle();
		must(knob_set(point, "stacks", "Y"), "stacks");
		set_targets(t);
		run_once();
		must(knob_set(point, "targets", NOTHING), "targets");
		fired = injected() - before - !!t->first;
	}
	return fired > 0 ? fired : 0;
}

/* Calls that only a failure brings about, in what takes things back: each fails after it. */
static void find_pairs(const struct target *t)
{
	int nr = nr_targets;

	must(stacks_read(point, &stacks), "stacks");
	for (int i = 0; i < stacks.nr; i++) {
		bool known = false;

		for (int j = 0; j < nr && !known; j++)
			known = !targets[j].first &&
				!strcmp(targets[j].stack.frames, stacks.at[i].frames);
		if (!known)
			add_target(&stacks.at[i], 1, t);
	}
}

static void judge_errors(struct verdict *v)
{
	for (int i = 0; i < run->nr_steps; i++) {
		int err = run->step[i].err;

		if (err && err != -ENOMEM)
			v->wrong += !!verdict_errno(v, run->step[i].name, err, 0);
	}
	v->wrong += run->signal || *run->wrong;
}

static void record_run_as(const char *event, const struct target *t)
{
	record_begin(event);
	record_text("hash", t->hash);
	record_run("run");
	record_end();
}

/* Ends the verdict. */
static void record_result(struct verdict *v)
{
	static const char * const results[] = {
		[KSFT_PASS] = "pass", [KSFT_FAIL] = "fail", [KSFT_XFAIL] = "xfail",
	};

	record_text("result", results[verdict_end(v)]);
	record_text("reason", v->reason);
	record_findings(v);
}

static void record_judged(const struct target *t, struct verdict *v)
{
	record_begin("judged");
	record_text("hash", t->hash);
	record_result(v);
	record_end();
}

/* A process that hangs takes locks and memory with it: only a new guest helps. */
static void check_hang(const struct target *t)
{
	if (!run->hung)
		return;
	record_run_as("hang", t);
	printf("# hangs, so this guest ends\n");
	exit(KSFT_FAIL);
}

/* All steps must be good, but for what known-issues tells of "WHEN-STEP". */
static void judge_success(struct verdict *v, const char *when)
{
	char name[48];

	for (int i = 0; i < run->nr_steps; i++) {
		snprintf(name, sizeof(name), "%s-%s", when, run->step[i].name);
		v->wrong += !!verdict_errno(v, name, run->step[i].err, 0);
	}
}

/* Only a new guest helps. */
static void __attribute__((noreturn)) leave_broken(const struct target *t, struct verdict *v)
{
	judge_success(v, "broken");
	record_begin("broken");
	record_text("hash", t->hash);
	record_run("run");
	record_result(v);
	record_end();
	printf("# does not recover, so this guest ends\n");
	exit(KSFT_FAIL);
}

/* The same with success; where that needs help, it is told. */
static void succeed(const struct target *t, struct verdict *v)
{
	survey();
	check_hang(t);
	record_run_as("again", t);
	judge_success(v, "again");
	if (!run_error())
		return;
	if (op->recover)
		op->recover();
	run_once();
	check_hang(t);
	if (run_error())
		leave_broken(t, v);
}

/*
 * What is too little to see in one failure: the same many times over, in one process,
 * for each that comes and goes leaves traces of its own. As many successes, too.
 */
struct worker {
	const struct target *target;
	pid_t pid;
	int orders[2];
	int answers[2];
	long obeyed;
};

enum order { CLEAN = 'c', FAIL = 'f' };

static void run_here(void)
{
	if (op->setup)
		op->setup();
	run->nr_steps = 0;
	window_open();
	op->run(run);
	window_close();
}

/* A success follows each failure, so that the next one can fail again. */
static void obey(const struct worker *w, enum order order)
{
	if (order == FAIL)
		set_targets(w->target);
	run_here();
	knob_set(point, "targets", NOTHING);
	run_here();
	if (!run_error() || !op->recover)
		return;
	op->recover();
	run_here();
}

static void __attribute__((noreturn)) work(const struct worker *w)
{
	char order;

	close(w->orders[1]);
	while (read(w->orders[0], &order, 1) == 1) {
		obey(w, order);
		if (write(w->answers[1], &order, 1) != 1)
			break;
	}
	_exit(0);
}

static void start_worker(struct worker *w)
{
	memset(run, 0, sizeof(*run));
	must(pipe(w->orders) || pipe(w->answers) ? -errno : 0, "pipe");
	w->pid = fork();
	must(w->pid < 0 ? -errno : 0, "fork");
	if (!w->pid)
		work(w);
	close(w->orders[0]);
	close(w->answers[1]);
}

static void end_worker(struct worker *w)
{
	close(w->orders[1]);
	close(w->answers[0]);
	kill(w->pid, SIGKILL);
	waitpid(w->pid, NULL, 0);
	window_close();
}

/* The host takes a guest that is silent for long for a hung one. */
static void record_repeating(const struct worker *w)
{
	record_begin("repeating");
	record_text("hash", w->target->hash);
	record_number("obeyed", w->obeyed);
	record_end();
}

static int give_order(struct worker *w, char order)
{
	struct pollfd fd = { .fd = w->answers[0], .events = POLLIN };

	if (write(w->orders[1], &order, 1) != 1)
		return -errno;
	run->hung = poll(&fd, 1, 3000 * (op->seconds ?: 10)) <= 0;
	if (run->hung)
		find_where(w->pid);
	check_hang(w->target);
	if (read(fd.fd, &order, 1) != 1)
		return -ECHILD;
	if (!(++w->obeyed % TELL_EVERY))
		record_repeating(w);
	return 0;
}

static int order_clean(void *w)
{
	return give_order(w, CLEAN);
}

static int order_fail(void *w)
{
	return give_order(w, FAIL);
}

static void repeat(const struct target *t, struct verdict *v)
{
	struct worker w = { .target = t };
	const struct slopes_operation slopes = {
		.clean = order_clean,
		.failing = order_fail,
		.arg = &w,
		.rounds = 1,
		.nr_clean = repeats,
		.nr_failing = repeats,
	};
	long before = injected();
	struct slopes s;

	must(knob_set(point, "verbose", "0"), "verbose");
	start_worker(&w);
	must(order_clean(&w), "worker");
	must(slopes_prepare(), "slopes");
	must(slopes_measure(&slopes, &s), "slopes");
	end_worker(&w);
	must(knob_set(point, "verbose", "1"), "verbose");
	verdict_slopes(v, &s);
	record_begin("repeated");
	record_text("hash", t->hash);
	record_number("fired", injected() - before);
	record_end();
}

static void sweep_one(const struct target *t)
{
	static struct verdict v;
	char name[960];
	long fired;

	name_for_known(t, name, sizeof(name));
	must(verdict_begin(&v, op->name, "", name), "verdict");
	record_target(t);
	fired = fail(t);
	check_hang(t);
	if (pairs && !t->first)
		find_pairs(t);
	record_begin("failed");
	record_text("hash", t->hash);
	record_number("fired", fired);
	record_run("run");
	record_end();
	judge_errors(&v);
	verdict_failed(&v, point, op->what, fired);
	succeed(t, &v);
	verdict_recovered(&v, "the same with success");
	if (repeats && fired)
		repeat(t, &v);
	record_judged(t, &v);
}

static void sweep(void)
{
	/* A survey in the loop may find more of them. */
	for (int i = 0; i < nr_targets; i++) {
		if (!is_done(targets[i].hash))
			sweep_one(&targets[i]);
	}
	record_begin("end");
	record_number("targets", nr_targets);
	record_end();
}

/* Beginning. */

static const struct sweep_operation *find_operation(const char *name)
{
	const struct sweep_operation * const *o;

	for (o = __start_sweeps; o < __stop_sweeps; o++) {
		if (!strcmp((*o)->name, name))
			return *o;
	}
	return NULL;
}

static void skip(const char *why)
{
	record_begin("unavailable");
	record_text("why", why);
	record_end();
	ksft_exit_skip("%s\n", why);
}

static void arm(void)
{
	must(knob_set(point, "verbose", "1"), "verbose");
	must(knob_set(point, "caller", "%s", op->scope ?: " "), "caller");
	must(knob_set(point, "skip", "errpath:knob_write %s %s", ONLY_AT_TIMES, op->skip ?: ""),
	     "skip");
	must(knob_set(point, "targets", NOTHING), "targets");
	must(knob_set(point, "times", "-1"), "times");
	must(knob_set(point, "probability", "100"), "probability");
}

static void begin(void)
{
	char version[64];
	bool stock;

	known_kernel(version, sizeof(version), &stock);
	record_begin("start");
	record_text("operation", op->name);
	record_text("what", op->what);
	record_text("point", point);
	record_text("scope", op->scope ?: "");
	record_text("skip", op->skip ?: "");
	record_text("kernel", version);
	record_end();
}

/*
 * The operation alone, for scripts that set the knobs themselves: "sweep run OPERATION", and
 * where that no more succeeds "sweep recover OPERATION", which then runs it, too.
 */
static int run_alone(bool recover)
{
	const char *why = op->unavailable ? op->unavailable() : NULL;

	if (why)
		ksft_exit_skip("%s\n", why);
	must(op->prepare ? op->prepare() : 0, "prepare");
	if (recover && op->recover)
		op->recover();
	window_prepare();
	run_once();
	kill(nobody, SIGKILL);
	for (int i = 0; i < run->nr_steps; i++)
		printf("%s: %s\n", run->step[i].name, strerrorname_np(-run->step[i].err) ?: "?");
	if (run->signal)
		printf("killed by signal %d\n", run->signal);
	if (*run->wrong)
		printf("wrong: %s\n", run->wrong);
	if (run->hung)
		printf("hangs at\n%s", run->where);
	return run_error() ? KSFT_FAIL : KSFT_PASS;
}

static long number(const char *name, long otherwise)
{
	const char *text = getenv(name);

	return text ? atol(text) : otherwise;
}

int main(int argc, char **argv)
{
	bool recover = argc == 3 && !strcmp(argv[1], "recover");
	bool alone = recover || (argc == 3 && !strcmp(argv[1], "run"));
	const char *name = alone ? argv[2] : getenv("ERRPATH_SWEEP"), *why;

	op = find_operation(name ?: "");
	if (!op)
		ksft_exit_fail_msg("ERRPATH_SWEEP names no operation: %s\n", name ?: "");
	point = op->point ?: "alloc";
	occurrences = number("ERRPATH_OCCURRENCES", OCCURRENCES);
	repeats = number("ERRPATH_K", 0);
	pairs = number("ERRPATH_PAIRS", 0);
	run = mmap(NULL, sizeof(*run), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		   -1, 0);
	if (run == MAP_FAILED)
		give_up("memory", -ENOMEM);
	if (alone)
		return run_alone(recover);
	begin();
	why = point_unavailable(point);
	if (!why && op->unavailable)
		why = op->unavailable();
	if (why)
		skip(why);
	must(guard_open(), "guard");
	must(op->prepare ? op->prepare() : 0, "prepare");
	window_prepare();
	arm();
	for (int i = 0; i < WARM_UPS; i++)
		run_once();
	survey();
	must(run_error(), "the operation, with nothing failed");
	sweep();
	kill(nobody, SIGKILL);
	return KSFT_PASS;
}
