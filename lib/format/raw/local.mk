libimg_sources += \
	%D%/raw.c
EXTRA_DIST += %D%/README
