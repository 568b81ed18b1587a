libimg_sources += \
	%D%/gpt.c \
	%D%/raw.c \
	%D%/raw.h
EXTRA_DIST += %D%/README
