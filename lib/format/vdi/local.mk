EXTRA_DIST += %D%/README
libimg_sources += \
	%D%/amend.c \
	%D%/candidates.c \
	%D%/candidates.h \
	%D%/check.c \
	%D%/compact.c \
	%D%/create.c \
	%D%/disk.c \
	%D%/disk.h \
	%D%/driver.c \
	%D%/findings.c \
	%D%/findings.h \
	%D%/flush.c \
	%D%/header.c \
	%D%/info.c \
	%D%/layout.h \
	%D%/link.c \
	%D%/map.c \
	%D%/new.h \
	%D%/remains.c \
	%D%/repair.c \
	%D%/repair.h \
	%D%/repair_entries.c \
	%D%/repair_header.c \
	%D%/request.c \
	%D%/resize.c \
	%D%/salvage.c \
	%D%/salvage.h \
	%D%/salvage_header.c \
	%D%/salvage_map.c \
	%D%/salvage_shape.c \
	%D%/salvage_shape.h \
	%D%/scan.c \
	%D%/vdi.h \
	%D%/write.c
