bin_PROGRAMS += %D%/imgbench
imgbench_bricks = \
	%D%/content.c %D%/content.h \
	%D%/latency.c %D%/latency.h \
	%D%/line.c %D%/line.h \
	%D%/load.c %D%/load.h \
	%D%/request.h \
	%D%/trace.c %D%/trace.h
%C%_imgbench_SOURCES = $(imgbench_bricks) \
	%D%/check.c \
	%D%/imgbench.c %D%/imgbench.h \
	%D%/lists.c \
	%D%/matrix.c \
	%D%/measure.c %D%/measure.h \
	%D%/report.c %D%/report.h \
	%D%/run.c %D%/run.h \
	%D%/single.c \
	%D%/verify.c %D%/verify.h
%C%_imgbench_CPPFLAGS = $(AM_CPPFLAGS) $(ZLIB_CFLAGS)
%C%_imgbench_LDADD = $(cmd_ldadd) $(ZLIB_LIBS)
cmd_sources += $(%C%_imgbench_SOURCES)
dist_man_MANS += %D%/imgbench.1
