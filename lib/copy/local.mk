libimg_sources += \
	%D%/chain.h \
	%D%/chain_commit.c \
	%D%/chain_rebase.c \
	%D%/commit.c \
	%D%/compare.c \
	%D%/copy.h \
	%D%/engine.c \
	%D%/late.c \
	%D%/plan.c \
	%D%/pour.c \
	%D%/room.c \
	%D%/side.c \
	%D%/side.h \
	%D%/turns.c \
	%D%/turns.h \
	%D%/work.c
