# What every command does in the same way.

common_sources += %D%/cli.c %D%/cli.h %D%/set.c %D%/text.h
common_sources += %D%/exit.c %D%/exit.h %D%/signals.c %D%/signals.h
common_sources += %D%/size.c %D%/size.h %D%/print.c %D%/print.h
common_sources += %D%/progress.c %D%/progress.h %D%/optlist.c %D%/optlist.h
common_sources += %D%/source.c %D%/source.h %D%/target.c %D%/target.h
