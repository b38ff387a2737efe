// SPDX-License-Identifier: GPL-2.0
/*
 * Which functions no point may have that is added at run time, and why. Each refusal is a line
 * in the kernel log that names the function.
 */
#include <linux/errno.h>
#include <linux/glob.h>
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/string.h>

#include "../common/symbol.h"
#include "refuse.h"
#include "scope_functions.h"

/*
 * Their callers have no code behind the call to return to. From tools/objtool/noreturns.h and
 * the same functions' names in 6.1 to 7.3.
 */
static const char * const noreturn_functions[] = {
	"__fortify_panic", "__invalid_creds", "__kunit_abort", "__module_put_and_kthread_exit",
	"__stack_chk_fail", "__tdx_hypercall_failed", "__ubsan_handle_builtin_unreachable",
	"__*_sys_exit", "__*_sys_exit_group", "arch_call_rest_init", "arch_cpu_idle_dead",
	"cpu_bringup_and_idle", "cpu_startup_entry", "do_exit", "do_group_exit", "do_task_dead",
	"ex_handler_msr_mce", "fortify_panic", "hlt_play_dead", "hv_ghcb_terminate",
	"kthread_complete_and_exit", "kthread_exit", "kunit_try_catch_throw",
	"machine_real_restart", "make_task_dead", "mpt_halt_firmware", "nmi_panic_self_stop",
	"panic", "panic_smp_self_stop", "rest_init", "rewind_stack_and_make_dead",
	"sev_es_terminate", "snp_abort", "start_kernel", "stop_this_cpu", "usercopy_abort",
	"vpanic", "x86_64_start_kernel", "x86_64_start_reservations", "xen_cpu_bringup_again",
	"xen_start_kernel",
};

/* What puts interceptions into the kernel's text and takes them out again. */
static const char * const tracer_functions[] = {
	"*ftrace*", "*kprobe*", "*kretprobe*", "rethook_*", "*text_poke*", "*int3*",
	"*fgraph*", "*trampoline*", "stop_machine*", "stop_one_cpu*", "*tracepoint*",
};

/* What errpath calls in the handler, or to disarm a point, to show its files and to unload. */
static const char * const errpath_functions[] = {
	"stack_trace_*", "arch_stack_walk*", "*unwind_*", "orc_*", "*kallsyms*", "*sprint_symbol*",
	"irq_work_*", "*rcu_*", "*mutex_*", "*rwsem_*", "down_*", "up_*", "*_raw_*lock*",
	"*spin_*lock*", "queued_*lock*", "*percpu_free*", "free_percpu", "*debugfs_*",
	"full_proxy_*", "seq_*", "single_*", "timer_delete*", "del_timer*", "__timer_delete*",
	"schedule*", "*udelay*", "*const_udelay", "delay_*", "__delay", "preempt_*",
	"migrate_*able", "copy_*_user*", "copy_from_kernel_nofault*",
};

static bool name_is_in(const char *name, const char * const patterns[], unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (glob_match(patterns[i], name))
			return true;
	return false;
}

static int refuse(const char *symbol, int err, const char *why)
{
	pr_err("functions: %s: %s\n", symbol, why);
	return err;
}

static int refuse_by_name(const char *symbol, const char *name)
{
	if (name_is_in(name, noreturn_functions, ARRAY_SIZE(noreturn_functions)))
		return refuse(symbol, -EPERM,
			      "it never returns, so its caller cannot go on: name a function that calls it");
	if (name_is_in(name, tracer_functions, ARRAY_SIZE(tracer_functions)))
		return refuse(symbol, -EPERM,
			      "the kernel's tracers need it: name another function");
	if (name_is_in(name, errpath_functions, ARRAY_SIZE(errpath_functions)))
		return refuse(symbol, -EPERM,
			      "errpath needs it, to decide or to disarm: name another function");
	return 0;
}

static bool name_is_exactly(unsigned long addr, const char *name, char *text)
{
	sprint_symbol_no_offset(text, addr);
	text[strcspn(text, " ")] = '\0';
	return !strcmp(text, name);
}

/* The kernel's lookup by name finds only the first of several functions. */
static int refuse_ambiguous(const char *symbol, const char *module, const char *name,
			    unsigned long addr)
{
	struct scope_function functions[SCOPE_FUNCTIONS_MAX];
	char text[KSYM_SYMBOL_LEN];
	int i, n = scope_functions_find(module, name, functions), same = 0;

	if (n == -ENOMEM)
		return n;
	for (i = 0; i < n; i++)
		same += functions[i].addr != addr &&
			name_is_exactly(functions[i].addr, name, text);
	if (n == -E2BIG || same)
		return refuse(symbol, -ENOTUNIQ,
			      "several functions have this name: name a function that calls it");
	return 0;
}

/* @err: of a kprobe on the function, which exists. */
static int refuse_by_address(const char *symbol, const char *module, unsigned long addr, int err)
{
	char text[KSYM_SYMBOL_LEN];

	if (within_module(addr, THIS_MODULE))
		return refuse(symbol, -EPERM, "it is errpath's own: name another function");
	if (err)
		return refuse(symbol, -EPERM,
			      "neither ftrace nor a breakpoint can be put on it: name a function that calls it");
	sprint_symbol_no_offset(text, addr);
	if (!module && strchr(text, '['))
		return refuse(symbol, -EINVAL, "it is in a module: write MODULE:NAME");
	return 0;
}

/* Look up a function. Return the error of a kprobe on it; *@addr is 0 if there is none. */
static int find_function(const char *symbol, unsigned long *addr)
{
	struct kprobe probe = { .symbol_name = symbol, .flags = KPROBE_FLAG_DISABLED };
	int err = register_kprobe(&probe);

	if (!err)
		unregister_kprobe(&probe);
	*addr = (unsigned long)probe.addr;
	return err;
}

/* The function does not exist, but its module may be loaded later. */
static int refuse_absent(const char *symbol)
{
	int err = strchr(symbol, ':') ? symbol_check_function(symbol) : -ENOENT;

	if (err == -ENOMEM)
		return err;
	if (err == -EAGAIN) {
		pr_info("functions: %s: the point waits until its module is loaded\n", symbol);
		return 0;
	}
	return refuse(symbol, -ENOENT,
		      "this kernel has no such function, or the compiler inlined it: name a function that calls it");
}

/**
 * refuse_function() - test whether a point that is added may have a function
 * @symbol: the function, as NAME or MODULE:NAME
 *
 * Context: may sleep; takes kprobe_mutex and ftrace_lock.
 *
 * Return: 0, -ENOMEM, or after a line in the kernel log -ENOENT (this kernel does not have the
 * function out of line), -EPERM (it cannot or must not be intercepted), -EINVAL (the name lacks
 * the module) or -ENOTUNIQ (several functions have the name).
 */
int refuse_function(const char *symbol)
{
	const char *colon = strchr(symbol, ':'), *name = colon ? colon + 1 : symbol;
	char module[MODULE_NAME_LEN];
	unsigned long addr;
	int err, probe_err;

	err = refuse_by_name(symbol, name);
	if (err)
		return err;
	probe_err = find_function(symbol, &addr);
	if (probe_err == -ENOMEM)
		return -ENOMEM;
	if (!addr)
		return refuse_absent(symbol);
	if (colon)
		strscpy(module, symbol, min_t(size_t, sizeof(module), colon - symbol + 1));
	err = refuse_by_address(symbol, colon ? module : NULL, addr, probe_err);
	return err ?: refuse_ambiguous(symbol, colon ? module : NULL, name, addr);
}
