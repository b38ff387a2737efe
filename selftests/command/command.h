/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMMAND_COMMAND_H
#define COMMAND_COMMAND_H

/*
 * The command errpath consists of
 *   ../errpath.c     which subcommand, and what all of them do
 *   help.c           the text of the help, the manual page and the completion
 *   arguments.c      the words of a subcommand
 *   inject.c         the guard, the point and its knobs
 *   returns.c        the value that a function of any type can return when it fails
 *   child.c          the command of the user, which starts only when the point is armed
 *   run.c            errpath run, errpath verdict
 *   sweep.c          errpath sweep, with sweeps/core
 *   sweep_report.c   what it prints
 *   status.c         errpath status, points, off
 *   rows.c           the rows of the kernel's file status
 *   machine.c        whether this is a virtual machine
 *   instead.c        what happens to a call instead of failing: it is delayed, for example
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

/* As env(1) and timeout(1) have them. */
#define EXIT_OWN 125		/* errpath could not do its work */
#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND 127
#define EXIT_SIGNAL 128		/* plus the number of the signal */

/* The words of a subcommand: errpath NAME [OPTIONS] [TARGET] [KNOB=VALUE ...] [-- COMMAND ...] */
struct arguments {
	const char *subcommand;
	bool verbose, json, yes, persistent;
	int seconds;		/* that a run of a sweep may take */
	char *target;		/* POINT, or FUNCTION[,FUNCTION...][=RETURN]; or NULL */
	char **knobs;		/* KNOB=VALUE */
	int nr_knobs;
	char **command;		/* ends with a NULL; NULL: no -- */
};

/* Prints one line "errpath: ..." to stderr. complain() returns EXIT_OWN. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* What the words of a subcommand may be. */
enum { TAKES_TARGET = 1, TAKES_KNOBS = 2, TAKES_COMMAND = 4, TAKES_JSON = 8, TAKES_SWEEP = 16 };

/* Returns 0, or EXIT_OWN after a line that says what to write instead. */
int arguments_parse(struct arguments *a, int argc, char **argv, int takes);

/* The point that a subcommand arms. */
struct injection {
	int guard;
	int log;		/* the kernel's, from when the injection began */
	char point[64];
	char name[192];		/* for people: "alloc", or "vfs_rmdir()" */
	char what[256];		/* and with the value: "alloc", or "vfs_rmdir() returns -ENOSPC" */
};

/*
 * Each returns 0, or EXIT_OWN after a line. injection_begin() takes the guard; from then on the
 * kernel takes back everything when this process ends, however it ends. injection_find() finds or
 * adds the point of @target, injection_set() sets the knobs except those that arm the point,
 * injection_arm() selects a task and arms the point with the rest of them.
 */
int injection_begin(struct injection *i);
int injection_find(struct injection *i, const char *target);
int injection_set(const struct injection *i, const struct arguments *a);
int injection_arm(const struct injection *i, const struct arguments *a, pid_t pid);
void injection_disarm(const struct injection *i);
/* Disarms all, gives the guard back. */
void injection_end(struct injection *i);
/* Sets one knob of a point; on an error it prints the line of the kernel log about it. */
int injection_set_knob(const struct injection *i, const char *knob, const char *value);

/* What a point does to a matching call. */
enum instead { INSTEAD_FAIL, INSTEAD_RAISE_MIN, INSTEAD_DELAY };

/*
 * instead_of() reads which knob replaces the failure. instead_warn() prints a line for each
 * function of the armed point whose calls cannot be delayed.
 */
enum instead instead_of(const struct injection *i);
void instead_warn(const struct injection *i);

/* Returns whether a kernel that crashes takes down only a virtual machine. */
bool machine_is_virtual(void);

/*
 * Chooses or checks the value that @function (NAME or MODULE:NAME) returns when it fails: @wanted
 * as the user wrote it, or NULL for what fits the function's type. Writes the word for the file
 * functions to @value. Returns 0, or EXIT_OWN after a line.
 */
int returns_choose(const char *function, const char *wanted, char *value, size_t size);

/*
 * Starts a command that waits behind its exec until child_continue(). Returns its pid, or
 * -EXIT_... after a line.
 */
pid_t child_start(char **command);
void child_continue(pid_t pid);
/* Waits for it; signals that would end errpath go to it. Returns its exit status, or 128 + n. */
int child_wait(pid_t pid);

int command_run(const struct arguments *a);
int command_verdict(const struct arguments *a);
int command_sweep(const struct arguments *a);
int command_status(const struct arguments *a);
int command_points(const struct arguments *a);
int command_off(const struct arguments *a);

/* Print the help of all subcommands (NULL) or of one; the manual page; the completion of bash. */
int help_print(const char *subcommand);
void help_print_man(void);
void help_print_completion(void);

#endif
