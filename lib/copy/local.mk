libimg_sources += \
	%D%/commit.c \
	%D%/compare.c \
	%D%/copy.h \
	%D%/engine.c \
	%D%/late.c \
	%D%/plan.c \
	%D%/work.c
