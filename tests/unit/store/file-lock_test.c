/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Locks against ourselves, and against the programs that invented them. */
#include "scratch.h"
#include <signal.h>
#include <sys/wait.h>

static void enter(void)
{
	scratch_enter();
	make_file("f", 65536);
}

TestSuite(file_lock, .init = enter, .fini = scratch_leave, .timeout = 30);

static struct img_store *open_with(unsigned flags)
{
	return img_store_file("f", flags, IMG_CACHE_DEFAULT, &err);
}

Test(file_lock, readers_share)
{
	struct img_store *a, *b;

	ok(a = open_with(0));
	ok(b = open_with(0));
	img_store_close(a);
	img_store_close(b);
}

Test(file_lock, a_writer_excludes_all_others)
{
	struct img_store *writer, *other;

	ok(writer = open_with(IMG_OPEN_WRITE));
	fails(open_with(0), IMG_E_BUSY);
	cr_assert_str_eq(err.text,
			 "f: is being written by another process (QEMU lock on \"write\")");
	fails(open_with(IMG_OPEN_WRITE), IMG_E_BUSY);
	fails(open_with(IMG_OPEN_WRITE | IMG_OPEN_FORCE_SHARE), IMG_E_BUSY);
	ok(other = open_with(IMG_OPEN_FORCE_SHARE));
	img_store_close(other);
	ok(other = open_with(IMG_OPEN_NO_LOCK | IMG_OPEN_WRITE));
	img_store_close(other);
	img_store_close(writer);
	ok(writer = open_with(IMG_OPEN_WRITE));
	img_store_close(writer);
}

Test(file_lock, a_reader_excludes_writers)
{
	struct img_store *reader;

	ok(reader = open_with(0));
	fails(open_with(IMG_OPEN_WRITE), IMG_E_BUSY);
	cr_assert_str_eq(err.text, "f: is in use by another process (QEMU lock on \"write\")");
	img_store_close(reader);
	ok(reader = open_with(IMG_OPEN_NO_LOCK));
	struct img_store *writer;

	ok(writer = open_with(IMG_OPEN_WRITE));
	img_store_close(writer);
	img_store_close(reader);
}

Test(file_lock, descriptors_of_the_caller_are_locked_while_in_use)
{
	struct img_store *st, *writer;
	const int fd = open("f", O_RDONLY);

	ok(st = img_store_fd(fd, 0, "stdin", &err));
	fails(open_with(IMG_OPEN_WRITE), IMG_E_BUSY);
	img_store_close(st);
	ok(writer = open_with(IMG_OPEN_WRITE));
	fails(img_store_fd(fd, 0, "stdin", &err), IMG_E_BUSY);
	ok(st = img_store_fd(fd, IMG_OPEN_FORCE_SHARE, "stdin", &err));
	img_store_close(st);
	img_store_close(writer);
	close(fd);
}

/* With a raw image QEMU is less strict: it leaves it to the disk of the virtual machine. */
static void make_with_qemu(void)
{
	if (system("qemu-io --version >log 2>&1 && qemu-img create -q -f qcow2 f 1M >>log 2>&1"))
		cr_skip("qemu-utils is not installed");
}

/* A qemu-io that has f open; it ends when *to_it is closed. */
static pid_t hold_with_qemu(const char *mode, int *to_it)
{
	int in[2], out[2];
	char c;

	cr_assert(!pipe(in) && !pipe(out));
	const pid_t child = fork();

	if (child == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		close(out[0]);
		execlp("qemu-io", "qemu-io", "-f", "qcow2", mode, "f", (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	*to_it = in[1];
	cr_assert_eq(read(out[0], &c, 1), 1);	/* its prompt: the file is open */
	close(out[0]);
	return child;
}

static void let_go(pid_t child, int to_it)
{
	close(to_it);
	cr_assert_eq(waitpid(child, NULL, 0), child);
}

Test(file_lock, what_qemu_writes_is_refused)
{
	struct img_store *st;
	pid_t child;
	int to_it;

	make_with_qemu();
	child = hold_with_qemu("--cache=writeback", &to_it);
	fails(open_with(0), IMG_E_BUSY);
	cr_expect_str_eq(err.text,
			 "f: is being written by another process (QEMU lock on \"write\")");
	fails(open_with(IMG_OPEN_WRITE), IMG_E_BUSY);
	fails(img_store_file_new("f", IMG_CACHE_DEFAULT, &err), IMG_E_BUSY);
	ok(st = open_with(IMG_OPEN_FORCE_SHARE));
	img_store_close(st);
	let_go(child, to_it);
	ok(st = open_with(IMG_OPEN_WRITE));
	img_store_close(st);
}

Test(file_lock, what_qemu_reads_is_read_but_not_written)
{
	struct img_store *st;
	pid_t child;
	int to_it;

	make_with_qemu();
	child = hold_with_qemu("-r", &to_it);
	ok(st = open_with(0));
	img_store_close(st);
	fails(open_with(IMG_OPEN_WRITE), IMG_E_BUSY);
	let_go(child, to_it);
}

Test(file_lock, qemu_respects_our_locks)
{
	const char *reader = "qemu-img info f >log 2>&1";
	const char *writer = "qemu-io -f qcow2 -c 'write 0 512' f >log 2>&1";
	struct img_store *st;

	make_with_qemu();
	ok(st = open_with(IMG_OPEN_WRITE));
	cr_expect_neq(system(reader), 0);
	cr_expect_eq(system("grep -q 'Failed to get shared \"write\" lock' log"), 0);
	cr_expect_eq(system("qemu-img info -U f >log 2>&1"), 0);
	cr_expect_neq(system(writer), 0);
	img_store_close(st);
	ok(st = open_with(0));
	cr_expect_eq(system(reader), 0);
	cr_expect_neq(system(writer), 0);
	img_store_close(st);
	cr_expect_eq(system(writer), 0);
}
