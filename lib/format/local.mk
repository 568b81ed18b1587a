# What all drivers share; a new driver is one more include.

libimg_sources += \
	%D%/below.c \
	%D%/backing.c \
	%D%/claims.c \
	%D%/claims.h \
	%D%/compact.h \
	%D%/findings.c \
	%D%/findings.h \
	%D%/foreign.c \
	%D%/format.h \
	%D%/formats.def \
	%D%/granules.c \
	%D%/granules.h \
	%D%/looks.c \
	%D%/looks.h \
	%D%/luks_check.c \
	%D%/luks_check.h \
	%D%/luks_options.c \
	%D%/luks_options.h \
	%D%/history.c \
	%D%/history.h \
	%D%/level.c \
	%D%/level.h \
	%D%/move.c \
	%D%/moves.c \
	%D%/moves.h \
	%D%/opener.h \
	%D%/packing.c \
	%D%/packing.h \
	%D%/packing_units.c \
	%D%/placement.c \
	%D%/placement.h \
	%D%/recrypt.h \
	%D%/registry.c \
	%D%/sealed.c \
	%D%/sealed.h \
	%D%/settings.c \
	%D%/size.c \
	%D%/slots.c \
	%D%/slots.h

include $(top_srcdir)/lib/format/raw/local.mk
include $(top_srcdir)/lib/format/qcow2/local.mk
include $(top_srcdir)/lib/format/cow/local.mk
include $(top_srcdir)/lib/format/qcow1/local.mk
include $(top_srcdir)/lib/format/vdi/local.mk
include $(top_srcdir)/lib/format/vmdk/local.mk
include $(top_srcdir)/lib/format/cloop/local.mk
include $(top_srcdir)/lib/format/luks/local.mk
