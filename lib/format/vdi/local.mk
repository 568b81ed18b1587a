EXTRA_DIST += %D%/README
libimg_sources += \
	%D%/check.c \
	%D%/driver.c \
	%D%/findings.c \
	%D%/findings.h \
	%D%/header.c \
	%D%/info.c \
	%D%/layout.h \
	%D%/map.c \
	%D%/vdi.h
