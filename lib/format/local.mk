# What all drivers share; a new driver is one more include.

include $(top_srcdir)/lib/format/raw/local.mk
include $(top_srcdir)/lib/format/qcow2/local.mk
