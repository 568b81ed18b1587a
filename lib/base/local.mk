libimg_sources += \
	%D%/version.c
