/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM errpath

#if !defined(ERRPATH_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define ERRPATH_TRACE_H

#include <linux/tracepoint.h>

#include "../common/compat.h"

TRACE_EVENT(inject,
	    TP_PROTO(const char *point, const char *function, u64 nth, unsigned long caller),
	    TP_ARGS(point, function, nth, caller),
	    TP_STRUCT__entry(__string(point, point)
			     __string(function, function)
			     __field(u64, nth)
			     __field(unsigned long, caller)),
	    TP_fast_assign(compat_assign_str(point, point);
			   compat_assign_str(function, function);
			   __entry->nth = nth;
			   __entry->caller = caller;),
	    TP_printk("point=%s function=%s nth=%llu caller=%pS",
		      __get_str(point), __get_str(function), __entry->nth,
		      (void *)__entry->caller)
);

#endif /* ERRPATH_TRACE_H */

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH .
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
