# Translations of the messages of libimg and the commands, one domain for both.
# "make update-po" brings the templates up to date with the sources.

po_languages = zh_CN
po_files = $(po_languages:%=%D%/%.po)
EXTRA_DIST += $(po_files)

if ENABLE_NLS
po_catalogs = $(po_languages:%=%D%/%.mo)
all-local: $(po_catalogs)
CLEANFILES += $(po_catalogs)

%.mo: %.po
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(MSGFMT) --check -o $@ $<

install-data-local: $(po_catalogs)
	for l in $(po_languages); do \
		d='$(DESTDIR)$(localedir)'/$$l/LC_MESSAGES; \
		$(MKDIR_P) "$$d" && $(INSTALL_DATA) %D%/$$l.mo "$$d/imgtools.mo" || exit 1; \
	done

uninstall-local:
	for l in $(po_languages); do \
		rm -f '$(DESTDIR)$(localedir)'/$$l/LC_MESSAGES/imgtools.mo; \
	done
endif

update-po:
	cd $(top_srcdir) && $(XGETTEXT) -k_ -kN_ --flag=img_fail:3:c-format \
		--flag=img_fail_os:2:c-format --flag=img_within:2:c-format --from-code=UTF-8 \
		--package-name=imgtools --copyright-holder='the imgtools authors' \
		--add-comments=TRANSLATORS -s --no-location -o %D%/imgtools.pot \
		$(filter %.c %.h,$(libimg_sources) $(common_sources) $(cmd_sources)) \
		$(filter-out $(libimg_sources),$(libimg_instead))
	cd $(top_srcdir) && for l in $(po_languages); do \
		$(MSGMERGE) -q -N --update --backup=none %D%/$$l.po %D%/imgtools.pot || exit 1; \
	done
.PHONY: update-po
