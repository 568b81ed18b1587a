libimg_sources += \
	%D%/extent.h \
	%D%/join.c \
	%D%/same.c \
	%D%/zero.c
