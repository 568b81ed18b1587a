/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a header says without a key. */
#include "common/text.h"
#include "imgcrypt/imgcrypt.h"

bool crypt_list(struct options *opt, char *const *names, struct img_err *err)
{
	struct img_key_header *kh = crypt_open(opt, names[0], 0, err);
	struct img_node *root;
	bool ok;

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
