# Disks that are written at random, and repaired: power cuts, faults, many threads, and a model to
# compare with.

if HAVE_CRITERION
disk_sources = \
	%D%/guest.c \
	%D%/guest.h \
	%D%/judge.c \
	%D%/judge.h \
	%D%/layout.c \
	%D%/layout.h \
	%D%/random.h \
	%D%/sanitized.h \
	%D%/workload.c \
	%D%/workload.h

unit_tests += %D%/test %D%/threads
%C%_test_LDADD = tests/unit/fake/libfake.la $(unit_ldadd)
%C%_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
%C%_test_SOURCES = $(disk_sources) \
	%D%/bitmap_test.c \
	%D%/cut_test.c \
	%D%/fault_test.c \
	%D%/layout_test.c \
	%D%/model_test.c \
	%D%/power.c \
	%D%/power.h \
	%D%/power_test.c \
	%D%/recorder.c \
	%D%/recorder.h \
	%D%/repair_test.c \
	%D%/resize_test.c \
	tests/fuzz/readable.c \
	tests/fuzz/readable.h

# A program of its own, for ThreadSanitizer.
%C%_threads_LDADD = tests/unit/fake/libfake.la $(unit_ldadd) -lpthread
%C%_threads_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
%C%_threads_SOURCES = $(disk_sources) %D%/threads_test.c
endif
