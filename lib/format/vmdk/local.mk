libimg_sources += \
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
	%D%/parts.c \
	%D%/sesparse.c \
	%D%/sparse.c \
	%D%/sparse.h \
	%D%/stream.c \
	%D%/tables.c \
	%D%/tables.h \
	%D%/vmdk.h
EXTRA_DIST += %D%/README
