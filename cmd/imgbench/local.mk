# What a load is made of; nothing in it knows of images.
imgbench_bricks = \
	%D%/content.c %D%/content.h \
	%D%/latency.c %D%/latency.h \
	%D%/line.c %D%/line.h \
	%D%/load.c %D%/load.h \
	%D%/request.h \
	%D%/trace.c %D%/trace.h
