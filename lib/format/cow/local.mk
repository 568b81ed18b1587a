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
	%D%/map.c \
	%D%/request.c \
	%D%/write.c
