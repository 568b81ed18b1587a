libimg_sources += \
	%D%/cache.c \
	%D%/compressed.c \
	%D%/driver.c \
	%D%/entry.c \
	%D%/header.c \
	%D%/header_encode.c \
	%D%/info.c \
	%D%/layout.h \
	%D%/map.c \
	%D%/qcow2.h \
	%D%/runs.c \
	%D%/runs.h \
	%D%/snapshot.c \
	%D%/space.c \
	%D%/space.h \
	%D%/tables.c \
	%D%/tables.h
