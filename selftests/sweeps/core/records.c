// SPDX-License-Identifier: GPL-2.0
/* Sends the records of the protocol to the host: the only file that does so. */
#include <stdio.h>
#include <string.h>

#include "lib/record.h"
#include "records.h"

static void put_stack(const struct stack *s)
{
	char frames[sizeof(s->frames)], *frame, *rest = frames;

	snprintf(frames, sizeof(frames), "%s", s->frames);
	record_text("request", s->request);
	record_text("function", s->function);
	record_array("frames");
	while ((frame = strsep(&rest, "\t")))
		record_text(NULL, frame);
	record_close();
}

static void put_run(const struct sweep_run *run)
{
	record_object("run");
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

static void put_finding(const struct verdict_finding *f)
{
	record_object(NULL);
	record_text("what", f->what);
	record_number("difference", f->difference);
	record_number("lasting", f->lasting);
	record_number("known", f->known);
	record_close();
}

static void put_result(const char *result, const struct verdict *v)
{
	record_text("result", result);
	record_text("reason", v->reason);
	record_array("findings");
	for (int i = 0; i < v->nr_findings; i++)
		put_finding(&v->finding[i]);
	record_close();
}

static void put_difference(const char *name, long difference)
{
	record_array(NULL);
	record_text(NULL, name);
	record_number(NULL, difference);
	record_close();
}

static void begin_about(const char *event, const char *hash)
{
	record_begin(event);
	record_text("hash", hash);
}

void send_start(const struct sweep_operation *op, const char *point, const char *kernel)
{
	record_begin("start");
	record_text("operation", op->name);
	record_text("what", op->what);
	record_text("point", point);
	record_text("scope", op->scope ?: "");
	record_text("skip", op->skip ?: "");
	record_text("kernel", kernel);
	record_end();
}

void send_unavailable(const char *why)
{
	record_begin("unavailable");
	record_text("why", why);
	record_end();
}

static void send_about_target(const char *event, const struct target *t)
{
	begin_about(event, t->hash);
	record_number("occurrence", t->occurrence);
	record_text("first", t->first ? t->first->hash : "");
	put_stack(&t->stack);
	record_end();
}

void send_target(const struct target *t)
{
	send_about_target("target", t);
}

void send_elsewhere(const struct target *t)
{
	send_about_target("elsewhere", t);
}

void send_failed(const char *hash, long fired, const struct sweep_run *run)
{
	begin_about("failed", hash);
	record_number("fired", fired);
	put_run(run);
	record_end();
}

void send_again(const char *hash, const struct sweep_run *run)
{
	begin_about("again", hash);
	put_run(run);
	record_end();
}

void send_repeating(const char *hash, long done)
{
	begin_about("repeating", hash);
	record_number("done", done);
	record_end();
}

void send_repeated(const char *hash, long fired)
{
	begin_about("repeated", hash);
	record_number("fired", fired);
	record_end();
}

static void put_cover(const struct cover *cover)
{
	record_array("addresses");
	for (int i = 0; i < cover->nr; i++)
		record_number(NULL, cover->at[i]);
	record_close();
}

void send_clean(const struct cover *cover)
{
	record_begin("clean");
	put_cover(cover);
	record_end();
}

void send_covered(const char *hash, const struct cover *cover)
{
	begin_about("covered", hash);
	put_cover(cover);
	record_end();
}

void send_kept(const char *hash, const struct kept *kept, int nr)
{
	begin_about("kept", hash);
	record_array("lines");
	for (int i = 0; i < nr; i++)
		put_difference(kept[i].where, kept[i].bytes);
	record_close();
	record_end();
}

void send_found(const char *hash)
{
	begin_about("found", hash);
	record_end();
}

void send_waiting(long targets)
{
	record_begin("waiting");
	record_number("targets", targets);
	record_end();
}

static void put_digest(const char *field, unsigned long digest)
{
	char text[32];

	snprintf(text, sizeof(text), "%016lx", digest);
	record_text(field, text);
}

void send_moved(const char *hash, unsigned long stacks, const struct verdict *v)
{
	begin_about("moved", hash);
	put_digest("stacks", stacks);
	record_array("gauges");
	verdict_each_difference(v, put_difference);
	record_close();
	record_end();
}

void send_judged(const char *hash, const char *result, const struct verdict *v)
{
	begin_about("judged", hash);
	put_result(result, v);
	record_end();
}

void send_broken(const char *hash, const struct sweep_run *run, const char *result,
		 const struct verdict *v)
{
	begin_about("broken", hash);
	put_run(run);
	put_result(result, v);
	record_end();
}

void send_hang(const char *hash, const struct sweep_run *run)
{
	begin_about("hang", hash);
	put_run(run);
	record_end();
}

void send_end(long targets, unsigned long survey)
{
	record_begin("end");
	record_number("targets", targets);
	put_digest("survey", survey);
	record_end();
}
