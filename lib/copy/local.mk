libimg_sources += \
	%D%/chain.h \
	%D%/chain_commit.c \
	%D%/chain_rebase.c \
	%D%/commit.c \
	%D%/compare.c \
	%D%/copy.h \
	%D%/diff.c \
	%D%/engine.c \
	%D%/late.c \
	%D%/patch.h \
	%D%/patch_apply.c \
	%D%/patch_layout.c \
	%D%/patch_read.c \
	%D%/patch_totals.c \
	%D%/patch_write.c \
	%D%/plan.c \
	%D%/pour.c \
	%D%/room.c \
	%D%/side.c \
	%D%/side.h \
	%D%/turns.c \
	%D%/turns.h \
	%D%/work.c
