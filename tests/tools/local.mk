# Programs that scripts use.
check_PROGRAMS += %D%/play
%C%_play_LDADD = lib/libimg.la
%C%_play_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
%C%_play_SOURCES = %D%/play.c tests/disk/guest.c tests/disk/guest.h tests/disk/random.h \
	tests/disk/workload.c tests/disk/workload.h
