#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client whose server is killed.

	client.py write URI SEED BYTES		random requests over two connections; says "N" when the
						first N are durable
	client.py check DISK SEED N		whether a raw disk holds what may be there after that
"""
import random
import sys

BLOCK = 4096
SECTOR = 512
MOST = 24			# blocks of a request


def requests(seed, n_blocks):
	"""Endless: (kind, first block, number of blocks)."""
	dice = random.Random(seed)
	while True:
		kind = dice.choices(["write", "zero", "flush"], [6, 1, 1])[0]
		first = dice.randrange(n_blocks)
		yield kind, first, min(dice.randint(1, MOST), n_blocks - first)


def left_by(kind, number):
	"""What the request of that number leaves in each sector."""
	return (number if kind == "write" else 0).to_bytes(8, "little") * (SECTOR // 8)


def write(uri, seed, size):
	import nbd
	connections = [nbd.NBD(), nbd.NBD()]
	for connection in connections:
		connection.connect_uri(uri)
	for number, (kind, first, n) in enumerate(requests(seed, size // BLOCK), 1):
		connection = connections[number % 2]
		if kind == "flush":
			connection.flush()
			print(number, flush=True)
		elif kind == "zero":
			connection.zero(n * BLOCK, first * BLOCK, nbd.CMD_FLAG_NO_HOLE * (n % 2))
		else:
			content = left_by(kind, number) * (n * BLOCK // SECTOR)
			connection.pwrite(content, first * BLOCK)


def allowed_in(n_blocks, seed, durable):
	"""For each block what may be in its sectors."""
	allowed = [{bytes(SECTOR)} for _ in range(n_blocks)]
	for number, (kind, first, n) in enumerate(requests(seed, n_blocks), 1):
		if kind == "flush":
			if number > durable:
				return allowed
			continue
		for block in range(first, first + n):
			if number <= durable:
				allowed[block].clear()
			allowed[block].add(left_by(kind, number))


def check(path, seed, durable):
	with open(path, "rb") as disk:
		content = disk.read()
	allowed = allowed_in(len(content) // BLOCK, seed, durable)
	for at in range(0, len(content), SECTOR):
		if content[at:at + SECTOR] not in allowed[at // BLOCK]:
			sys.exit("byte %d: request %d, which should not be there any more"
				 % (at, int.from_bytes(content[at:at + 8], "little")))


if sys.argv[1] == "write":
	write(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
else:
	check(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
