/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_COMMAND_H
#define LIB_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

/* The exit status of the command errpath if it could not do its work. */
#define COMMAND_FAILED 125

/* What a run of errpath printed to both streams, and its exit status, or 128 + signal. */
struct command_result {
	char out[16384];
	int status;
};

/*
 * Sets the environment for runs of errpath, and makes @directory for what they leave. In a guest
 * the command is in /bin, elsewhere beside the test; its verdict must not report for the test.
 */
void command_prepare(const char *directory);

/*
 * Run the command errpath, found by PATH, with @words, which begin with "errpath" and end with a
 * NULL. command_start() does not wait; @out: a descriptor for both streams. command_wait() returns
 * the exit status, or 128 + signal.
 */
void command_run(struct command_result *r, const char * const words[]);
pid_t command_start(int out, const char * const words[]);
int command_wait(pid_t pid);

/* Waits until a command arms @point, for at most ten seconds. Returns whether it is armed. */
bool command_arms(const char *point);

/* Returns whether a line of @text matches the extended regexp @regexp. */
bool command_printed(const char *text, const char *regexp);

/* For fixtures with a struct command_result r. */
#define RUN(...) \
	command_run(&self->r, (const char * const []){ "errpath", __VA_ARGS__, NULL })

#define EXPECT_OUT(_regexp) do { \
	const char *__regexp = _regexp; \
	EXPECT_TRUE(command_printed(self->r.out, __regexp)) \
		TH_LOG("no /%s/ in\n%s", __regexp, self->r.out); \
} while (0)

#endif
