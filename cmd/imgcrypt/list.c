/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a header says without a key. */
#include "common/text.h"
#include "imgcrypt/imgcrypt.h"

bool crypt_list(struct options *opt, char *const *names, struct img_err *err)
{
	struct img_recrypt_pending pending;
	struct img_key_header *kh;
	struct img_node *root;
	bool ok, half_done;

	if (!img_recrypt_look(names[0], opt->journal, &pending, &half_done, err))
		return false;
	if (half_done)
		return opt->quiet || crypt_report_pending(opt, names[0], &pending, err);
	kh = crypt_open(opt, names[0], 0, err);
	if (!kh)
		return false;
	root = img_node_root("imgcrypt");
	img_node_text(root, "filename", names[0]);
	img_node_label(root, _("image"));
	ok = img_key_header_report(kh, root, err) &&
	     (opt->quiet || img_report_write(root, opt->style, stdout, err));
	img_node_free(root);
	img_key_header_close(kh);
	return ok;
}
