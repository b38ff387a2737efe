// SPDX-License-Identifier: GPL-2.0
/*
 * The caller gets the value that errpath returns, whichever observers are attached to the
 * function, and whether they were attached before or after the point was armed. Observers
 * see every call, and observers of the returned value see the value of errpath.
 */
#include <signal.h>
#include <time.h>

#include "lib/harness.h"

#include "lib/file.h"
#include "lib/knobs.h"
#include "lib/observer.h"
#include "lib/target.h"

#define CALLS 5
#define KPROBES_ENABLED "/sys/kernel/debug/kprobes/enabled"

/*
 * A function that a test can call.
 *
 * @functions: its names, of which a kernel has one; the last is NULL
 * @caller: what is written to the knob caller
 * @call: calls it once; returns 0 or -errno, or a positive number if it was not called
 * @error: what @call returns if the function fails
 */
struct subject {
	const char *point;
	const char * const functions[3];
	const char *caller;
	int (*call)(void);
	int error;
};

/* Calls a function of a module, which has no BTF. Returns 0, -errno, or 1. */
static int target_call_once(void)
{
	struct target_calls calls;

	if (target_call(1, "traced", "task", &calls) || calls.made != 1)
		return 1;
	return calls.last_errno;
}

static const struct subject target = {
	.point = "target",
	.functions = { "errpath_target" },
	.caller = "errpath_target_caller",
	.call = target_call_once,
	.error = -ENOMEM,
};

/*
 * Calls a function of the kernel image, which allocates memory for a signal with a value.
 * If it returns NULL, the system call returns EAGAIN. The kernel calls it in an RCU section
 * with interrupts off. There, the trampoline of a BPF program leaves a number other than 0
 * in the register of the returned value. Elsewhere it mostly leaves 0, which cannot be
 * distinguished from the NULL of errpath if that was lost. Returns 0, -errno, or 1.
 */
static int queue_signal(void)
{
	const struct timespec now = {};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return 1;
	if (sigqueue(getpid(), SIGRTMIN, (union sigval) {}))
		return -errno;
	return sigtimedwait(&set, NULL, &now) == SIGRTMIN ? 0 : 1;
}

/*
 * A function that is above the allocation, and that the compiler does not inline. On arm64 the
 * functions below the system call are inlined or end in a tail call, which leaves no frame.
 */
#ifdef __aarch64__
#define SENDER "__arm64_sys_rt_sigqueueinfo"
#else
#define SENDER "do_send_sig_info"
#endif

static const struct subject signals = {
	.point = "alloc",
	.functions = { "kmem_cache_alloc_noprof", "kmem_cache_alloc" },
	.caller = "stack:" SENDER,
	.call = queue_signal,
	.error = -EAGAIN,
};

/* Selects the function. Returns its name, or NULL if the kernel has none of @functions. */
static const char *subject_prepare(const struct subject *s)
{
	const char * const *name;

	if (knob_set(s->point, "verbose", "0") || knob_set(s->point, "caller", "%s", s->caller))
		return NULL;
	if (!s->functions[1])
		return s->functions[0];
	for (name = s->functions; *name; name++) {
		if (!knob_set(s->point, "function", "%s", *name) &&
		    strcmp("absent", point_state(s->point)))
			return *name;
	}
	return NULL;
}

FIXTURE(observers)
{
	const struct subject *subject;
	const char *function;
	int guard;
	long failed;
	struct observation observation;
};

FIXTURE_VARIANT(observers)
{
	const struct subject *subject;
	const char *observer;
};

FIXTURE_VARIANT_ADD(observers, target_kprobe)
{
	.subject = &target,
	.observer = "kprobe",
};

FIXTURE_VARIANT_ADD(observers, target_kretprobe)
{
	.subject = &target,
	.observer = "kretprobe",
};

FIXTURE_VARIANT_ADD(observers, target_fprobe)
{
	.subject = &target,
	.observer = "fprobe",
};

FIXTURE_VARIANT_ADD(observers, target_fprobe_return)
{
	.subject = &target,
	.observer = "fprobe_return",
};

FIXTURE_VARIANT_ADD(observers, target_function_graph)
{
	.subject = &target,
	.observer = "function_graph",
};

FIXTURE_VARIANT_ADD(observers, signals_kprobe)
{
	.subject = &signals,
	.observer = "kprobe",
};

FIXTURE_VARIANT_ADD(observers, signals_kretprobe)
{
	.subject = &signals,
	.observer = "kretprobe",
};

FIXTURE_VARIANT_ADD(observers, signals_fprobe)
{
	.subject = &signals,
	.observer = "fprobe",
};

FIXTURE_VARIANT_ADD(observers, signals_fprobe_return)
{
	.subject = &signals,
	.observer = "fprobe_return",
};

FIXTURE_VARIANT_ADD(observers, signals_function_graph)
{
	.subject = &signals,
	.observer = "function_graph",
};

FIXTURE_VARIANT_ADD(observers, signals_fentry)
{
	.subject = &signals,
	.observer = "fentry",
};

FIXTURE_VARIANT_ADD(observers, signals_fexit)
{
	.subject = &signals,
	.observer = "fexit",
};

FIXTURE_SETUP(observers)
{
	const char *reason = point_unavailable(variant->subject->point);

	if (reason)
		SKIP(return, "%s", reason);
	self->subject = variant->subject;
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	self->function = subject_prepare(self->subject);
	ASSERT_NE(NULL, self->function);
	reason = observer_lacks(variant->observer, self->function);
	if (reason)
		SKIP(return, "%s", reason);
	ASSERT_EQ(0, self->subject->call());
}

FIXTURE_TEARDOWN_PARENT(observers)
{
	EXPECT_STREQ("off", point_state(variant->subject->point));
	observer_clean_up();
}

/* Makes CALLS calls. The caller, the observer and errpath must agree on what happened. */
static void expect_calls(struct __test_metadata *_metadata, struct _test_data_observers *self,
			 bool fail)
{
	bool observed = self->observation.by;
	struct observed before = {}, after = {};
	struct stats stats;

	if (observed)
		ASSERT_EQ(0, observer_read(&self->observation, &before));
	for (int i = 0; i < CALLS; i++)
		EXPECT_EQ(fail ? self->subject->error : 0, self->subject->call());
	if (observed)
		ASSERT_EQ(0, observer_read(&self->observation, &after));
	ASSERT_EQ(0, stats_read(self->subject->point, &stats));
	if (fail)
		self->failed += CALLS;
	EXPECT_EQ(self->failed, stats.injected);
	if (!observed)
		return;
	EXPECT_EQ(CALLS, after.calls - before.calls);
	if (after.zero >= 0)
		EXPECT_EQ(fail ? CALLS : 0, after.zero - before.zero);
}

TEST_F(observers, attached_before_arming)
{
	/* Attach the observer. */
	ASSERT_EQ(0, observer_attach(&self->observation, variant->observer, self->function));
	expect_calls(_metadata, self, false);

	/* Arm the point. */
	ASSERT_EQ(0, arm_times(self->subject->point, -1));
	expect_calls(_metadata, self, true);

	/* Detach the observer. */
	ASSERT_EQ(0, observer_detach(&self->observation));
	expect_calls(_metadata, self, true);

	/* Disarm the point. */
	ASSERT_EQ(0, disarm(self->subject->point));
	expect_calls(_metadata, self, false);
}

TEST_F(observers, attached_after_arming)
{
	/* Arm the point. */
	ASSERT_EQ(0, arm_times(self->subject->point, -1));
	expect_calls(_metadata, self, true);

	/* Attach the observer. */
	ASSERT_EQ(0, observer_attach(&self->observation, variant->observer, self->function));
	expect_calls(_metadata, self, true);

	/* Disarm the point. */
	ASSERT_EQ(0, disarm(self->subject->point));
	expect_calls(_metadata, self, false);

	/* Detach the observer. */
	ASSERT_EQ(0, observer_detach(&self->observation));
	expect_calls(_metadata, self, false);
}

/* All kinds of observers that the kernel has, at the same function. */
FIXTURE(crowd)
{
	const struct subject *subject;
	const char *function;
	int guard;
	struct observation observation[7];
};

FIXTURE_VARIANT(crowd)
{
	const struct subject *subject;
	const char * const observers[7];
};

/* The two kinds of fprobe events have the same name in tracefs: only one can be attached. */
FIXTURE_VARIANT_ADD(crowd, target)
{
	.subject = &target,
	.observers = { "kprobe", "fprobe_return", "function_graph", "kretprobe" },
};

FIXTURE_VARIANT_ADD(crowd, signals)
{
	.subject = &signals,
	.observers = { "kprobe", "fexit", "fprobe_return", "function_graph", "fentry",
		       "kretprobe" },
};

FIXTURE_SETUP(crowd)
{
	const char *reason = point_unavailable(variant->subject->point);

	if (reason)
		SKIP(return, "%s", reason);
	self->subject = variant->subject;
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	self->function = subject_prepare(self->subject);
	ASSERT_NE(NULL, self->function);
	ASSERT_EQ(0, self->subject->call());
}

FIXTURE_TEARDOWN_PARENT(crowd)
{
	EXPECT_STREQ("off", point_state(variant->subject->point));
	observer_clean_up();
}

TEST_F(crowd, comes_and_goes)
{
	const char * const *name = variant->observers;

	/* Attach them one by one, and arm the point between them. */
	for (int i = 0; name[i]; i++) {
		ASSERT_EQ(0, arm_times(self->subject->point, -1));
		EXPECT_EQ(self->subject->error, self->subject->call())
			TH_LOG("before %s", name[i]);
		if (!observer_lacks(name[i], self->function)) {
			ASSERT_EQ(0, observer_attach(&self->observation[i], name[i],
						     self->function));
			EXPECT_EQ(self->subject->error, self->subject->call())
				TH_LOG("with %s", name[i]);
		}
		ASSERT_EQ(0, disarm(self->subject->point));
		EXPECT_EQ(0, self->subject->call())
			TH_LOG("disarmed, with %s", name[i]);
	}

	/* Detach them in the same order while the point is armed. */
	ASSERT_EQ(0, arm_times(self->subject->point, -1));
	for (int i = 0; name[i]; i++) {
		EXPECT_EQ(self->subject->error, self->subject->call())
			TH_LOG("with %s and later ones", name[i]);
		if (self->observation[i].by)
			ASSERT_EQ(0, observer_detach(&self->observation[i]));
	}
	EXPECT_EQ(self->subject->error, self->subject->call());
}

/*
 * The file kprobes/enabled switches all kprobes off, also that of errpath on a function
 * that ftrace cannot intercept.
 */
FIXTURE(switched_off)
{
	int guard;
};

FIXTURE_SETUP(switched_off)
{
	const char *reason = point_unavailable("target_notrace");

	if (reason)
		SKIP(return, "%s", reason);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	ASSERT_EQ(0, knob_set("target_notrace", "verbose", "0"));
}

FIXTURE_TEARDOWN_PARENT(switched_off)
{
	EXPECT_EQ(0, file_write(KPROBES_ENABLED, "1"));
}

/* Makes CALLS calls. Returns how many failed, or -errno. */
static long notrace_fails(void)
{
	struct target_calls calls;
	int err = target_call(CALLS, "notrace", "task", &calls);

	return err ?: (long)calls.failed;
}

TEST_F(switched_off, armed_point_is_dead)
{
	/* Arm the point. */
	ASSERT_EQ(0, arm_times("target_notrace", -1));
	EXPECT_STREQ("armed", point_state("target_notrace"));
	EXPECT_EQ(CALLS, notrace_fails());

	/* Switch kprobes off. */
	ASSERT_EQ(0, file_write(KPROBES_ENABLED, "0"));
	EXPECT_STREQ("dead", point_state("target_notrace"));
	EXPECT_EQ(0, notrace_fails());

	/* Switch kprobes on. */
	ASSERT_EQ(0, file_write(KPROBES_ENABLED, "1"));
	EXPECT_STREQ("armed", point_state("target_notrace"));
	EXPECT_EQ(CALLS, notrace_fails());

	/* Disarm the point while kprobes are off. */
	ASSERT_EQ(0, file_write(KPROBES_ENABLED, "0"));
	ASSERT_EQ(0, disarm("target_notrace"));
	EXPECT_STREQ("off", point_state("target_notrace"));
	ASSERT_EQ(0, file_write(KPROBES_ENABLED, "1"));
	EXPECT_EQ(0, notrace_fails());
}

TEST_F(switched_off, arming_is_refused)
{
	char probability[16];

	ASSERT_EQ(0, file_write(KPROBES_ENABLED, "0"));
	EXPECT_GT(0, arm_times("target_notrace", -1));
	ASSERT_EQ(0, knob_get("target_notrace", "probability", probability,
			      sizeof(probability)));
	EXPECT_STREQ("0", probability);
	EXPECT_STREQ("off", point_state("target_notrace"));
	ASSERT_EQ(0, file_write(KPROBES_ENABLED, "1"));
	EXPECT_EQ(0, notrace_fails());
}

TEST_HARNESS_MAIN
