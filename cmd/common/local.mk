# What every command does in the same way.

common_sources += %D%/ceph.c
common_sources += %D%/ceph.h
common_sources += %D%/cli.c
common_sources += %D%/cli.h
common_sources += %D%/set.c
common_sources += %D%/memory.h
common_sources += %D%/text.h
common_sources += %D%/exit.c
common_sources += %D%/exit.h
common_sources += %D%/signals.c
common_sources += %D%/signals.h
common_sources += %D%/streams.c
common_sources += %D%/streams.h
common_sources += %D%/belong.c
common_sources += %D%/belong.h
common_sources += %D%/size.c
common_sources += %D%/size.h
common_sources += %D%/print.c
common_sources += %D%/print.h
common_sources += %D%/progress.c
common_sources += %D%/progress.h
common_sources += %D%/optlist.c
common_sources += %D%/optlist.h
common_sources += %D%/secret.c
common_sources += %D%/secret.h
common_sources += %D%/secret_prompt.c
common_sources += %D%/secret_prompt.h
common_sources += %D%/system_error.c
common_sources += %D%/system_error.h
common_sources += %D%/room.c
common_sources += %D%/room.h
common_sources += %D%/source.c
common_sources += %D%/source.h
common_sources += %D%/target.c
common_sources += %D%/target.h
common_sources += %D%/place.c
common_sources += %D%/place.h
common_sources += %D%/verb.c
common_sources += %D%/verb.h
common_sources += %D%/appliance.c
common_sources += %D%/appliance.h
dist_man_MANS += %D%/imgtools.7

# One file completes all commands; it is installed under the name of each.
EXTRA_DIST += %D%/completion.bash

install-data-hook:
	$(MKDIR_P) '$(DESTDIR)$(bashcompletiondir)'
	for p in $(notdir $(bin_PROGRAMS)); do \
		$(INSTALL_DATA) $(srcdir)/%D%/completion.bash \
			'$(DESTDIR)$(bashcompletiondir)'/$$p || exit 1; \
	done

uninstall-hook:
	for p in $(notdir $(bin_PROGRAMS)); do \
		rm -f '$(DESTDIR)$(bashcompletiondir)'/$$p; \
	done
