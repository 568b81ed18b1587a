libimg_sources += \
	%D%/check.c \
	%D%/findings.c \
	%D%/findings.h \
	%D%/gpt.c \
	%D%/raw.c \
	%D%/raw.h
EXTRA_DIST += %D%/README
