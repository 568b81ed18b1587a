EXTRA_DIST += %D%/README
libimg_sources += \
	%D%/check.c \
	%D%/cow.h \
	%D%/create.c \
	%D%/disk.c \
	%D%/disk.h \
	%D%/driver.c \
	%D%/findings.c \
	%D%/findings.h \
	%D%/flush.c \
	%D%/header.c \
	%D%/info.c \
	%D%/layout.h \
	%D%/link.c \
	%D%/map.c \
	%D%/remains.c \
	%D%/request.c \
	%D%/resize.c \
	%D%/salvage.c \
	%D%/salvage.h \
	%D%/salvage_bitmap.c \
	%D%/salvage_fit.c \
	%D%/salvage_header.c \
	%D%/unlisted.c \
	%D%/write.c
