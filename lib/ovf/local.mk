# Appliances: descriptors and manifests, and the frames of the archives they come in.

libimg_sources += \
	%D%/document.c \
	%D%/document.h \
	%D%/ovf.h \
	%D%/read.c \
	%D%/read_system.c
