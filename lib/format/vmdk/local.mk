libimg_sources += \
	%D%/check.c \
	%D%/check.h \
	%D%/check_descriptor.c \
	%D%/check_file.c \
	%D%/check_stream.c \
	%D%/check_tables.c \
	%D%/cowd.c \
	%D%/descriptor.c \
	%D%/descriptor.h \
	%D%/driver.c \
	%D%/entry.c \
	%D%/extent_line.c \
	%D%/findings.c \
	%D%/findings.h \
	%D%/header.c \
	%D%/header.h \
	%D%/info.c \
	%D%/layout.h \
	%D%/map.c \
	%D%/marker.c \
	%D%/marker.h \
	%D%/pairs.c \
	%D%/pairs.h \
	%D%/parts.c \
	%D%/sesparse.c \
	%D%/sparse.c \
	%D%/sparse.h \
	%D%/stream.c \
	%D%/tables.c \
	%D%/tables.h \
	%D%/usage.c \
	%D%/usage.h \
	%D%/vmdk.h
EXTRA_DIST += %D%/README
