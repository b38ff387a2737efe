/* SPDX-License-Identifier: GPL-2.0 */
#ifndef INIT_H
#define INIT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define COUNTERS	"/run/errpath/counters"
#define __noreturn	__attribute__((noreturn))
#define GRACE		5	/* seconds for steps that should take no time */

/* main.c: endings and time. */

void __noreturn power_off(void);

/* Report why the guest cannot go on, and power it off. */
void __noreturn die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Return @value; die if it is negative. @what: what failed. */
int must(int value, const char *what);

/* Return the monotonic time in seconds. */
double now(void);

/* modules.c */

/* Call @action for each line of the file @list, with its words before and after a blank. */
void each_line(const char *list, void (*action)(const char *word, const char *rest));

/* Load modules: needed by the guest itself, under test, and for a prompt. */
void load_own(const char *path, const char *unused);
void load_tested(const char *path, const char *unused);
void load_for_shell(const char *path, const char *unused);

/* orders.c */

/* What a guest prints that waits for orders. scripts/host/template.py waits for it. */
#define ORDERS_WAIT	"errpath init: waiting for orders"

/* Take the orders of the host, if it gives any; wait for them if it says so. */
void orders_take(void);

/* ports.c: virtio-serial ports to the host. */

struct output {		/* of a program: whole lines, each behind "# " */
	int fd;
	char line[1024];
	size_t used;
};

void ports_open(void);

/* Print to a port; before ports_open(), print nothing. */
void ktap_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void status_print(int failed);

/* Ask the host to examine and end the guest, once the ports are open. */
void __noreturn give_up(const char *why);

/* Return the virtio port of this name, which must appear soon. */
int port_open(const char *name);

/* Pass on what the program printed since the last call; true if there was anything. */
bool output_pass_on(struct output *out);

/* Pass on a last line that does not end in a newline. */
void output_end(struct output *out);

/* Tests write to a FIFO at COUNTERS, whose content goes to a port. */
int counters_fd(void);
void counters_pass_on(void);

/* Write a message to the kernel log. */
void log_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Start a process that copies the kernel log to a port; wait until it has copied all. */
pid_t log_copy_start(void);
void log_copy_finish(pid_t pid);

/* runner.c */

/* Print the result of a test; the last arguments are its directive. */
void result_print(bool ok, const char *name, const char *directive, ...)
	__attribute__((format(printf, 3, 4)));

void run_selftests(void);

/* shell.c */

void run_command(void);
void run_shell(void);

#endif
