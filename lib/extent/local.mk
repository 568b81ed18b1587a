libimg_sources += \
	%D%/cut.c \
	%D%/extent.h \
	%D%/join.c \
	%D%/same.c
