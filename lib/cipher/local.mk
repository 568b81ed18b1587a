libimg_sources += \
	%D%/luks1_layout.c \
	%D%/luks1_layout.h
