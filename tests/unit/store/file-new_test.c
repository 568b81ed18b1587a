/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scratch.h"
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

TestSuite(file_new, .init = scratch_enter, .fini = scratch_leave);

static void check_content(const char *path, const char *text)
{
	char buf[64] = "";
	const int fd = open(path, O_RDONLY);

	cr_assert(fd >= 0 && read(fd, buf, sizeof(buf) - 1) >= 0 && !close(fd));
	cr_assert_str_eq(buf, text);
}

static void put(const char *path, const char *text, mode_t mode)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

	cr_assert(fd >= 0 && write(fd, text, strlen(text)) >= 0 && !fchmod(fd, mode) && !close(fd));
}

static struct img_store *start(const char *path, const char *text)
{
	struct img_store *st;

	ok(st = img_store_file_new(path, IMG_CACHE_DEFAULT, &err));
	ok(img_store_write(st, 0, text, strlen(text), &err));
	return st;
}

Test(file_new, has_no_name_until_it_is_published)
{
	struct img_store *st;

	umask(027);
	st = start("f", "new");
	cr_assert_eq(st->cache, IMG_CACHE_UNSAFE);
	cr_assert(st->caps & IMG_STORE_FRESH);
	cr_assert_eq(count_files(), 0);
	ok(img_store_publish(st, &err));
	img_store_close(st);
	struct stat sb;

	check_content("f", "new");
	cr_assert(!stat("f", &sb) && (sb.st_mode & 07777) == 0640);
	cr_assert_eq(count_files(), 1);
}

Test(file_new, unpublished_leaves_nothing_and_the_old_intact)
{
	put("f", "old", 0644);
	img_store_close(start("f", "new"));
	img_store_close(start("g", "new"));
	check_content("f", "old");
	cr_assert_eq(count_files(), 1);
}

/* ---- Several files ------------------------------------------------------------------------------- */

/* Of the C library's, which comes second: fails at that call, or always without exchange. */
static int fail_at, n_renames;
static bool no_exchange;

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned how)
{
	if (++n_renames == fail_at || (no_exchange && how == RENAME_EXCHANGE)) {
		errno = no_exchange ? EINVAL : EPERM;
		return -1;
	}
	return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, how);
}

/* "a" and "c" are there before, "b" is not. */
static bool publish_three(struct img_err *why)
{
	struct img_store *three[3];
	bool done;

	put("a", "old", 0644);
	put("c", "old", 0644);
	three[0] = start("a", "new");
	three[1] = start("b", "new");
	three[2] = start("c", "new");
	done = img_store_publish_all(three, 3, why);
	for (size_t i = 0; i < 3; i++)
		img_store_close(three[i]);
	return done;
}

static void check_all_new(void)
{
	check_content("a", "new");
	check_content("b", "new");
	check_content("c", "new");
	cr_assert_eq(count_files(), 3);
}

Test(file_new, several_get_their_names)
{
	ok(publish_three(&err));
	check_all_new();
}

Test(file_new, several_get_their_names_where_nothing_is_exchanged)
{
	no_exchange = true;
	ok(publish_three(&err));
	check_all_new();
}

/* Calls: exchange a; exchange b, which is not there, and rename it; exchange c. */
Test(file_new, several_get_no_name_when_one_gets_none)
{
	static const int calls[] = { 1, 2, 3, 4 };

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		struct img_err why = { 0 };

		n_renames = 0;
		fail_at = calls[i];
		cr_assert_not(publish_three(&why));
		cr_assert_eq(why.os_errno, EPERM);
		check_content("a", "old");
		check_content("c", "old");
		cr_assert_eq(count_files(), 2, "call %d", calls[i]);
	}
}

Test(file_new, a_killed_program_leaves_nothing)
{
	int status;
	const pid_t child = fork();

	if (child == 0) {
		start("f", "new");
		raise(SIGKILL);
	}
	cr_assert(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
	cr_assert_eq(count_files(), 0);
}

Test(file_new, replaces_the_old_and_keeps_its_rights)
{
	struct img_store *st;
	struct stat sb;

	put("f", "something longer", 0604);
	if (geteuid() == 0)
		cr_assert(!chown("f", 12, 34));
	for (enum img_cache cache = IMG_CACHE_DEFAULT; cache <= IMG_CACHE_UNSAFE; cache++) {
		ok(st = img_store_file_new("f", cache, &err));
		ok(img_store_write(st, 0, "new", 3, &err));
		ok(img_store_publish(st, &err));
		img_store_close(st);
		check_content("f", "new");
	}
	cr_assert(!stat("f", &sb) && (sb.st_mode & 07777) == 0604);
	cr_assert(geteuid() != 0 || (sb.st_uid == 12 && sb.st_gid == 34));
	cr_assert_eq(count_files(), 1);
}

Test(file_new, another_may_have_taken_the_name_meanwhile)
{
	struct img_store *st = start("f", "new");

	put("f", "other", 0644);
	ok(img_store_publish(st, &err));
	img_store_close(st);
	check_content("f", "new");
	cr_assert_eq(count_files(), 1);
}

Test(file_new, links_stay_and_what_they_name_is_replaced)
{
	struct img_store *st;
	struct stat sb;

	mkdir("deep", 0755);
	put("deep/old", "old", 0644);
	cr_assert(!symlink("deep/again", "link") && !symlink("old", "deep/again"));
	cr_assert(!symlink("deep/fresh", "dangling"));
	st = start("link", "new");
	ok(img_store_publish(st, &err));
	img_store_close(st);
	check_content("deep/old", "new");
	cr_assert(!lstat("link", &sb) && S_ISLNK(sb.st_mode));
	st = start("dangling", "new");
	ok(img_store_publish(st, &err));
	img_store_close(st);
	check_content("deep/fresh", "new");
}

Test(file_new, refuses_what_cannot_be_replaced)
{
	cr_assert(!symlink("loop", "loop"));
	mkdir("folder", 0755);
	fails(img_store_file_new("folder", IMG_CACHE_DEFAULT, &err), IMG_E_ARGUMENT);
	cr_assert_str_eq(err.text, "folder: exists, and is not a file that can be replaced");
	fails(img_store_file_new("folder/", IMG_CACHE_DEFAULT, &err), IMG_E_ARGUMENT);
	fails(img_store_file_new("/dev/null", IMG_CACHE_DEFAULT, &err), IMG_E_ARGUMENT);
	fails(img_store_file_new("loop", IMG_CACHE_DEFAULT, &err), IMG_E_IO);
	fails(img_store_file_new("no/where", IMG_CACHE_DEFAULT, &err), IMG_E_IO);
	fails(img_store_file_new("", IMG_CACHE_DEFAULT, &err), IMG_E_ARGUMENT);
}

Test(file_new, refuses_what_somebody_uses)
{
	struct img_store *user;

	put("f", "old", 0644);
	ok(user = img_store_file("f", IMG_OPEN_WRITE, IMG_CACHE_DEFAULT, &err));
	fails(img_store_file_new("f", IMG_CACHE_DEFAULT, &err), IMG_E_BUSY);
	img_store_close(user);
	img_store_close(start("f", "new"));
}

/* vfat has neither nameless files nor hard links: a hidden name beside the target is used. */
Test(file_new, file_systems_without_nameless_files)
{
	struct img_store *st;

	mkdir("dos", 0755);
	if (system("truncate -s 4M dos.img && /sbin/mkfs.vfat dos.img >dos.log 2>&1 && "
		   "mount -o loop dos.img dos 2>>dos.log"))
		cr_skip("cannot make a FAT file system");
	cr_assert(!chdir("dos"));
	put("f", "old", 0644);
	st = start("f", "new");
	cr_expect_eq(count_files(), 2);
	img_store_close(st);
	cr_expect_eq(count_files(), 1);
	check_content("f", "old");
	st = start("f", "new");
	ok(img_store_publish(st, &err));
	img_store_close(st);
	check_content("f", "new");
	cr_expect_eq(count_files(), 1);
	cr_assert(!chdir("..") && !system("umount dos"));
}

Test(file_new, temporary_files_have_no_name)
{
	struct img_store *st;
	char buf[3];

	ok(st = img_store_temporary(".", &err));
	cr_assert_eq(count_files(), 0);
	ok(img_store_write(st, 1000, "abc", 3, &err));
	ok(img_store_read(st, 1000, buf, 3, &err));
	img_store_close(st);
	cr_assert(!setenv("TMPDIR", "nowhere", 1));
	fails(img_store_temporary(NULL, &err), IMG_E_IO);
	cr_assert(!setenv("TMPDIR", ".", 1));
	ok(st = img_store_temporary(NULL, &err));
	img_store_close(st);
}

Test(file_new, a_place_is_the_same_by_any_name)
{
	static const struct { const char *a, *b; bool same; } pairs[] = {
		{ "f", "./f", true }, { "f", "hard", true }, { "f", "soft", true }, { "soft", "hard", true },
		{ "d/../f", "f", true }, { "f", "g", false }, { "f", "none", false },
		{ "none", "./none", true }, { "none", "d/../none", true }, { "none", "d/none", false },
		{ "none", "to-none", true }, { "none", "other", false }, { "in/none", "d/none", true },
		{ "lost/none", "lost/none", false }, { "/dev/null", "/dev/null", false }, { "d", "d", false },
	};

	put("f", "f", 0644);
	put("g", "f", 0644);
	cr_assert(!mkdir("d", 0755) && !link("f", "hard") && !symlink("f", "soft"));
	cr_assert(!symlink("none", "to-none") && !symlink("d", "in"));
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		cr_expect_eq(img_path_same(pairs[i].a, pairs[i].b), pairs[i].same, "%s, %s", pairs[i].a,
			     pairs[i].b);
		cr_expect_eq(img_path_same(pairs[i].b, pairs[i].a), pairs[i].same, "%s, %s", pairs[i].b,
			     pairs[i].a);
	}
}
