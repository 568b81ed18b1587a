EXTRA_DIST += %D%/README
libimg_sources += \
	%D%/check.c \
	%D%/compact.c \
	%D%/create.c \
	%D%/disk.c \
	%D%/disk.h \
	%D%/driver.c \
	%D%/encrypted.c \
	%D%/entry.c \
	%D%/findings.c \
	%D%/findings.h \
	%D%/flush.c \
	%D%/header.c \
	%D%/info.c \
	%D%/layout.h \
	%D%/link.c \
	%D%/map.c \
	%D%/new.h \
	%D%/packed.c \
	%D%/qcow1.h \
	%D%/remains.c \
	%D%/request.c \
	%D%/salvage.c \
	%D%/salvage.h \
	%D%/salvage_find.c \
	%D%/salvage_header.c \
	%D%/salvage_l1.c \
	%D%/salvage_l2.c \
	%D%/salvage_over.c \
	%D%/salvage_shape.c \
	%D%/salvage_use.c \
	%D%/resize.c \
	%D%/resize.h \
	%D%/survey.c \
	%D%/survey.h \
	%D%/tables.c \
	%D%/write.c
