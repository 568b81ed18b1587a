EXTRA_DIST += %D%/README
libimg_sources += \
	%D%/blocks.c \
	%D%/check.c \
	%D%/cloop.h \
	%D%/coming.c \
	%D%/compressor.c \
	%D%/create.c \
	%D%/driver.c \
	%D%/entry.c \
	%D%/findings.c \
	%D%/findings.h \
	%D%/finish.c \
	%D%/header.c \
	%D%/index.c \
	%D%/info.c \
	%D%/layout.h \
	%D%/new.h \
	%D%/remains.c \
	%D%/repair.c \
	%D%/salvage.c \
	%D%/salvage.h \
	%D%/salvage_index.c \
	%D%/salvage_scan.c \
	%D%/stream.c \
	%D%/stream.h \
	%D%/write.c
