# The commands: each links what they share (common) and the public library, nothing else.

cmd_sources =
common_sources =
cmd_ldadd = %D%/libcommon.la lib/libimg.la

include $(top_srcdir)/cmd/common/local.mk
include $(top_srcdir)/cmd/guest/local.mk
include $(top_srcdir)/cmd/imgbitmap/local.mk
include $(top_srcdir)/cmd/imgcheck/local.mk
include $(top_srcdir)/cmd/imgcompress/local.mk
include $(top_srcdir)/cmd/imgconv/local.mk
include $(top_srcdir)/cmd/imgcreate/local.mk
include $(top_srcdir)/cmd/imgcrypt/local.mk
include $(top_srcdir)/cmd/imginfo/local.mk
include $(top_srcdir)/cmd/imgmap/local.mk
include $(top_srcdir)/cmd/imgcmp/local.mk
include $(top_srcdir)/cmd/imgmeasure/local.mk
include $(top_srcdir)/cmd/imgbench/local.mk
include $(top_srcdir)/cmd/imgamend/local.mk
include $(top_srcdir)/cmd/imgmount/local.mk
include $(top_srcdir)/cmd/imgova/local.mk
include $(top_srcdir)/cmd/imgresize/local.mk
include $(top_srcdir)/cmd/imgsnap/local.mk
include $(top_srcdir)/cmd/nbdkit-img/local.mk

noinst_LTLIBRARIES += %D%/libcommon.la
%C%_libcommon_la_SOURCES = $(common_sources)
