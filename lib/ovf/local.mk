# Appliances: descriptors, manifests and metadata, and the frames of the archives they come in.

libimg_sources += \
	%D%/box.c \
	%D%/document.c \
	%D%/document.h \
	%D%/domain.c \
	%D%/fill.c \
	%D%/href.c \
	%D%/manifest.c \
	%D%/ovf.h \
	%D%/read.c \
	%D%/read_system.c \
	%D%/schema.c \
	%D%/tar.c \
	%D%/tar.h \
	%D%/write.c
