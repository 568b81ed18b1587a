/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verbs about the header with all its keys. */
#include <sys/stat.h>
#include <unistd.h>
#include "common/text.h"
#include "imgcrypt/imgcrypt.h"

bool crypt_backup(struct options *opt, char *const *names, struct img_err *err)
{
	struct img_key_header *kh;
	bool ok;

	if (!access(names[1], F_OK))
		return img_fail(err, IMG_E_ARGUMENT, _("%s: exists already"), names[1]);
	kh = crypt_open(opt, names[0], 0, err);
	/* Whoever has it can try keys for ever, also such as are removed from the image. */
	umask(S_IRWXG | S_IRWXO);
	ok = kh && img_key_header_backup(kh, names[1], err);
	img_key_header_close(kh);
	return ok;
}

bool crypt_restore(struct options *opt, char *const *names, struct img_err *err)
{
	const struct img_open how = crypt_how(opt, names[0], IMG_OPEN_WRITE);
	struct img_err why = { 0 };

	if (img_key_header_restore(&how, names[1], opt->force, &why))
		return true;
	/* What is there is not what the backup is of, or nothing is there any more. */
	if (!opt->force && (why.code == IMG_E_MISMATCH || why.code == IMG_E_NOT_THIS_FORMAT ||
			    why.code == IMG_E_CORRUPT))
		return img_fail(err, why.code, _("%s; --force restores it nevertheless"), why.text);
	*err = why;
	return false;
}

bool crypt_erase(struct options *opt, char *const *names, struct img_err *err)
{
	struct img_key_header *kh = crypt_open(opt, names[0], IMG_OPEN_WRITE, err);
	const bool ok = kh && img_key_erase(kh, err);

	img_key_header_close(kh);
	return ok;
}
