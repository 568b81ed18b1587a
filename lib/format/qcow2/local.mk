libimg_sources += \
	%D%/entry.c \
	%D%/header.c \
	%D%/header_encode.c \
	%D%/layout.h \
	%D%/qcow2.h
