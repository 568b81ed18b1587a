libimg_sources += \
	%D%/append.c \
	%D%/cache.c \
	%D%/compressed.c \
	%D%/create.c \
	%D%/driver.c \
	%D%/entry.c \
	%D%/header.c \
	%D%/header_encode.c \
	%D%/header_store.c \
	%D%/header_validate.c \
	%D%/info.c \
	%D%/layout.h \
	%D%/map.c \
	%D%/new.h \
	%D%/options.c \
	%D%/qcow2.h \
	%D%/remains.c \
	%D%/runs.c \
	%D%/runs.h \
	%D%/sequence.c \
	%D%/sequence.h \
	%D%/snapshot.c \
	%D%/space.c \
	%D%/space.h \
	%D%/tables.c \
	%D%/tables.h \
	%D%/wish.h
