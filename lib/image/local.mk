libimg_sources += \
	%D%/at_once.c \
	%D%/below.c \
	%D%/bitmap.c \
	%D%/check.c \
	%D%/check_data.c \
	%D%/children.c \
	%D%/create.c \
	%D%/disk.c \
	%D%/doubt.c \
	%D%/gate.c \
	%D%/image.h \
	%D%/info.c \
	%D%/key_header.c \
	%D%/layer.c \
	%D%/left_out.c \
	%D%/link.c \
	%D%/open.c \
	%D%/pass.c \
	%D%/pending.c \
	%D%/read.c \
	%D%/replicate.c \
	%D%/repair.c \
	%D%/repair_guard.c \
	%D%/resize.c \
	%D%/repair_files.c \
	%D%/snapshot.c \
	%D%/snapshot_beside.c
