# Disks and targets for tests of what works with any format.
check_LTLIBRARIES = %D%/libfake.la
%C%_libfake_la_SOURCES = %D%/fake.h %D%/store.c %D%/disk.c %D%/target.c %D%/files.h %D%/files.c \
	%D%/key.c %D%/key.h
%C%_libfake_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests

# ThreadSanitizer needs all tests in one process.
if SANITIZED_THREADS
check_LTLIBRARIES += %D%/libserial.la
%C%_libserial_la_SOURCES = %D%/serial.c
unit_main = %D%/libserial.la
endif
