EXTRA_DIST += %D%/README
libimg_sources += \
	%D%/check.c \
	%D%/create.c \
	%D%/disk.c \
	%D%/driver.c \
	%D%/findings.c \
	%D%/findings.h \
	%D%/luks.h \
	%D%/new.h \
	%D%/repair.c \
	%D%/resize.c \
	%D%/write.c
